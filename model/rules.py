"""The rules of RFC 6455, all of them, as one set."""

from __future__ import annotations

from typing import Final

from .closing import CLOSING
from .receiving import RECEIVING
from .rule import RuleSet
from .sending import SENDING

RULES: Final = RuleSet((*RECEIVING, *SENDING, *CLOSING))
