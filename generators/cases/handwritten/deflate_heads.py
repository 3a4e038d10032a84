"""Offers and answers of permessage-deflate in all ways in which a parameter can be given (RFC 7692, section 7.1).

The ways are counted off: no parameter, each one in each way, values in other spellings, several offers. Which of them
an endpoint takes the rules say. One that it may take is followed by a compressed message, any other by a plain one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from wsoracle.model.facts.deflate_offers import is_sound
from wsoracle.model.octets.deflate_parameters import (
    ABSENT,
    BITS,
    DEFLATE,
    PARAMETER_NAMES,
    REPEATED,
    VALUELESS,
    DeflateParameters,
)
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

from ..case import Case
from ..compression import FIELD, field_value, offers_of
from ..steps import SendFrame, SendHead, Settle
from .heads import ACCEPT, VERSION, changed, head_case, octets_of_head

GROUP: Final = "Offers and answers of permessage-deflate"

_OTHER_VALUES: Final = ("0", "7", "16", "08", "015", "1e1", "-9", "abc", "256", '"7"', '""')
"""No numbers of 8 to 15 without leading zeros; the last ones in quotes."""

_HELLO: Final = b"Hello"
_WINDOWS: Final = PARAMETER_NAMES[2:]
_FLAGS: Final = PARAMETER_NAMES[:2]


def deflate_heads() -> Iterator[Case]:
    """The cases, for servers and then for clients."""
    for name, value in (*_alone(), *_OFFERS.items()):
        yield _case(Role.SERVER, name, value, sound=any(map(is_sound, offers_of([value]))))
    for name, value in (*_alone(), *_ANSWERS.items()):
        offers = list(offers_of([value]))
        valued = all(offer.client_max_window_bits != VALUELESS for offer in offers)
        yield _case(Role.CLIENT, name, value, sound=len(offers) == 1 and valued and is_sound(offers[0]))


def _alone() -> Iterator[tuple[str, str]]:
    """A single element with one parameter at most: a name, and the value of the field."""
    yield "nothing", DEFLATE
    yield "unknown", field_value([DeflateParameters(unknown=True)])
    yield "unknown-with-a-value", f"{DEFLATE}; nobody-knows=10"
    for parameter in PARAMETER_NAMES:
        word = parameter.replace("_", "-")
        for how, said in ((VALUELESS, "without-a-value"), (REPEATED, "twice")):
            yield f"{word}-{said}", _with(parameter, how)
    for parameter in _FLAGS:
        for value in ("10", "true", '"10"'):
            word = value.replace('"', "quoted-", 1).strip('"')
            yield f"{parameter.replace('_', '-')}-{word}", f"{DEFLATE}; {parameter}={value}"
    for parameter in _WINDOWS:
        word = parameter.replace("_", "-")
        for bits in (BITS[0], BITS[1], BITS[-1]):
            yield f"{word}-{bits}", _with(parameter, bits)
        yield f"{word}-10-quoted", f'{DEFLATE}; {parameter}="10"'
        yield f"{word}-10-twice", f"{DEFLATE}; {parameter}=10; {parameter}=10"
        for value in _OTHER_VALUES:
            quoted = "quoted-" if value.startswith('"') else ""
            yield f"{word}-{quoted}{value.strip(chr(34)) or 'empty'}", f"{DEFLATE}; {parameter}={value}"


_ALL: Final = field_value([DeflateParameters(VALUELESS, VALUELESS, BITS[-2], BITS[-3])])
_UNSOUND: Final = f"{DEFLATE}; server_max_window_bits=7"
_OFFERS: Final = {
    "all-parameters": _ALL,
    "without-spaces": _ALL.replace(" ", ""),
    "much-space": _ALL.replace("; ", " \t;  "),
    "twice-the-same": f"{DEFLATE}, {DEFLATE}",
    "fallback-behind-an-unsound-one": f"{_UNSOUND}, {DEFLATE}",
    "fallback-behind-an-unknown-one": f"x-nobody-knows; a=1, {DEFLATE}",
    "unsound-behind-a-sound-one": f"{DEFLATE}, {_UNSOUND}",
    "two-unsound-ones": f"{_UNSOUND}, {DEFLATE}; nobody-knows",
}
_ANSWERS: Final = {
    "no-context-either-way": field_value([DeflateParameters(VALUELESS, VALUELESS)]),
    "without-spaces": field_value([DeflateParameters(VALUELESS, VALUELESS, BITS[-2])]).replace(" ", ""),
    "twice": f"{DEFLATE}, {DEFLATE}",
    "with-another-extension": f"{DEFLATE}, x-nobody-knows",
}


def _with(parameter: str, how: int) -> str:
    given = [how if name == parameter else ABSENT for name in PARAMETER_NAMES]
    return field_value([DeflateParameters._make([*given, False])])


def _case(role: Role, name: str, value: str, *, sound: bool) -> Case:
    kind, old = ("offer", VERSION) if role is Role.SERVER else ("answer", ACCEPT)
    lines = changed(role, old, old, f"{FIELD}: {value}")
    case = head_case(kind, role, name, value, GROUP, lines)
    shown = value.replace("\t", "<tab>")
    payload = Deflater(takeover=False).deflate(_HELLO, True) if sound else _HELLO
    return replace(
        case,
        title=f"An {kind} of permessage-deflate: {shown}",
        stimulus=f"The head of a sound {'request' if role is Role.SERVER else 'answer'} with {FIELD}: {shown}. A "
        f"{'compressed ' if sound else ''}text message follows.",
        steps=(SendHead(octets_of_head(lines)), Settle(), SendFrame(Frame(TEXT, payload, rsv1=sound))),
        # An offer that has to be declined asks something of servers without the extension too.
        extension=sound or role is Role.CLIENT,
    )
