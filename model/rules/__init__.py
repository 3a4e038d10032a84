"""The rules of RFC 6455, all of them, as one set."""

from __future__ import annotations

from typing import Final

from ..notation.rule import RuleSet
from .closing import CLOSING
from .receiving import RECEIVING
from .requests import REQUESTS
from .responses import RESPONSES
from .sending import SENDING

RULES: Final = RuleSet((*REQUESTS, *RESPONSES, *RECEIVING, *SENDING, *CLOSING))
