"""What a unit is that an end sends, in a few words: of the explorer in a terminal, and of the runs of broken rules."""

from __future__ import annotations

from typing import Final

from wsoracle.model.machine.words import sent_frame_words
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import Facts, FrameFacts, label
from wsoracle.model.octets.vocabulary import Role

OFFER: Final = RequestFacts(
    offers=value_of("offers", "a list of extensions"), deflate_offers=value_of("deflate_offers", "all sound")
)
"""A sound request that offers permessage-deflate."""
AGREES: Final = ResponseFacts(
    extensions=value_of("extensions", "offered"),
    defines_rsv1=True,
    deflate=value_of("deflate", "one"),
    sound_offer=True,
)
"""A sound response that agrees on it, without parameters."""
LONGEST_SHORT: Final = 125
"""A length up to which nothing is said of it."""


def unit_words(facts: Facts | None, sender: Role) -> str:
    """A frame or a head by its facts, or (None) the end of TCP."""
    if facts is None:
        return "the end of TCP"
    return _frame(facts, sender) if isinstance(facts, FrameFacts) else _head(facts)


def _head(head: RequestFacts | ResponseFacts) -> str:
    sound: RequestFacts | ResponseFacts
    if isinstance(head, ResponseFacts):
        name = f"a response {head.status}" + (" that agrees on permessage-deflate" if head.deflate else "")
        sound = AGREES if head.deflate else ResponseFacts()
    else:
        name = "a request" + (" that offers permessage-deflate" if head.deflate_offers else "")
        sound = OFFER if head.deflate_offers else RequestFacts()
    odd = [f"{n}: {label(n, v)}" for n, v in head._asdict().items() if n != "status" and v != getattr(sound, n)]
    return f"{name}, with {odd[0] if len(odd) == 1 else f'{len(odd)} changes'}" if odd else f"{name}, sound"


def _frame(frame: FrameFacts, sender: Role) -> str:
    said = [sent_frame_words(frame, sender)]
    said += [f"RSV{bit}" for bit in (1, 2, 3) if getattr(frame, f"rsv{bit}")]
    if frame.length > LONGEST_SHORT:
        said.append(f"{frame.length} octets")
    return ", ".join(said)
