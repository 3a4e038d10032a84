"""The rules of RFC 6455 and RFC 7692, one module a topic; this package is all of them as one set.

Nothing goes in; ``RULES`` comes out, which the machine executes, proves and draws.
"""

from __future__ import annotations

from typing import Final

from ..notation.rule import RuleSet
from .closing import CLOSING
from .compression import COMPRESSION
from .receiving import RECEIVING
from .requests import REQUESTS
from .responses import RESPONSES
from .sending import SENDING

RULES: Final = RuleSet((*REQUESTS, *RESPONSES, *RECEIVING, *SENDING, *COMPRESSION, *CLOSING))
