"""Cases that no rule asks for, since rules see facts and not spellings: written by hand, beside the generated ones.

Rules and samples of heads go in; out come cases for both roles: sound heads in other words, further samples of a fault,
offers and answers of permessage-deflate, and lengths, codes and numbers of frames at which implementations break.
"""

from __future__ import annotations

from functools import lru_cache

from ..case import Case
from .deflate_heads import deflate_heads
from .extremes import extremes
from .faulty_heads import faulty_heads
from .spellings import spellings


@lru_cache(maxsize=1)
def handwritten() -> tuple[Case, ...]:
    """All of them, for both roles."""
    return (*spellings(), *faulty_heads(), *deflate_heads(), *extremes())
