"""Named switches: the points of RFC 6455 that people really argue about, each with a documented default.

A switch is read by rules through :func:`is_set_to`; nothing else may depend on it.

One point has no switch, since both ways are always taken as legal: how many Sec-WebSocket-Extensions fields a response
has. Section 11.3.2 says that the field MUST NOT appear more than once in a response; section 4.2.2 says that several
extensions can be "split between multiple instances" of it there, and section 9.1 that it MAY be split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .expression import Const, Expr, Sort, Var

ACCEPT_EITHER_REFUSE: Final = ("accept", "either", "refuse")


@dataclass(frozen=True)
class Switch:
    """One disputed point: the question, the possible answers, the default and the reason for it."""

    name: str
    sections: str
    question: str
    values: tuple[str, ...]
    default: str
    reason: str

    @cached_property
    def variable(self) -> Var:
        """The variable that stands for this switch in rules: the index of its value."""
        return Var(f"switch_{self.name}", Sort.INT, 0, len(self.values) - 1, dict(enumerate(self.values)))


SWITCHES: Final[tuple[Switch, ...]] = (
    Switch(
        "code_1004",
        "7.4.1",
        "May a Close frame carry 1004, which is reserved without a meaning?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 7.4.1 reserves it for the future and gives no reaction; implementations differ.",
    ),
    Switch(
        "code_1010_from_server",
        "7.4.1",
        "May a server send 1010 (mandatory extension), which the RFC describes for clients?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "The text says that it 'is not used by the server' and gives no reaction; implementations differ.",
    ),
    Switch(
        "codes_1012_to_1014",
        "7.4.2, 11.7",
        "May a Close frame carry 1012 to 1014, registered with IANA after the RFC?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 7.4.2 leaves the range to 'its future revisions, and extensions'; the registry now defines them, but "
        "an endpoint of the RFC alone need not know them.",
    ),
    Switch(
        "codes_unassigned",
        "7.4.2",
        "May a Close frame carry a code of 1016 to 2999, reserved and not yet assigned?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Reserved for definition by the protocol, its revisions and extensions, one of which may have defined it; the "
        "RFC gives no reaction, and implementations differ.",
    ),
    Switch(
        "codes_5000_and_more",
        "5.5.1, 7.4.2",
        "May a Close frame carry a code of 5000 to 65535, of which section 7.4 says nothing?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 5.5.1 asks the sender for a code of section 7.4, and says that an answer typically echoes the code "
        "received; a receiver is told nothing. Either: sent only as the echo of one received, received as one likes.",
    ),
    Switch(
        "invalid_close_reason",
        "5.5.1, 8.1",
        "What does a receiver do with the reason of a Close that is not UTF-8?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 8.1 binds an endpoint that is to interpret octets as UTF-8; the interpretation of a reason is 'not "
        "defined by this specification', and it need not be read at all. Implementations differ.",
    ),
    Switch(
        "non_minimal_lengths",
        "5.2",
        "What does a receiver do with a length that is not encoded in the minimal number of octets?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "The MUST binds the sender; the RFC gives no reaction, and implementations differ.",
    ),
    Switch(
        "invalid_utf8_noticed",
        "8.1",
        "When must a receiver fail a text message whose octets can no longer become valid UTF-8?",
        ("any time", "at once", "at the end"),
        "any time",
        "Section 8.1 sets no moment: failing fast is allowed, and not required before the message is complete.",
    ),
    Switch(
        "close_overtakes_reply",
        "5.5.1",
        "May an endpoint close before it has answered the messages received (an echo)?",
        ("allowed", "refused"),
        "allowed",
        "Section 5.5.1 says that an endpoint MAY delay its Close until its current message is sent: it need not.",
    ),
    Switch(
        "close_inside_message",
        "5.4, 5.5.1",
        "Is a Close frame that begins the closing handshake legal between the fragments of a message?",
        ("allowed", "refused"),
        "allowed",
        "Section 5.4: control frames MAY be injected in the middle of a fragmented message, and Close is one.",
    ),
    Switch(
        "control_after_close",
        "5.5.1, 5.5.2",
        "Does an endpoint that has sent Close, and not yet received one, still send Ping and Pong?",
        ("may", "must", "never"),
        "may",
        "By the letter of 5.5.2 a Ping is answered until a Close was received, and 5.5.1 bars only data frames; the "
        "peer will discard what follows a Close, and most implementations send nothing more.",
    ),
    Switch(
        "key_not_of_16_octets",
        "4.2.1, 4.2.2",
        "What does a server do with a Sec-WebSocket-Key that is not base64 of 16 octets?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 4.2.1 asks for 16 octets, section 4.2.2 says that it is not necessary for the server to decode the "
        "value; implementations differ.",
    ),
    Switch(
        "http_1_0",
        "4.2.1",
        "What does a server do with a request in HTTP/1.0?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Section 4.2.1 asks for an HTTP/1.1 or higher GET request; in HTTP/1.0 a server ignores Upgrade (RFC 9110, "
        "section 7.8): it is a request like any other, and may be answered with a page.",
    ),
    Switch(
        "answer_in_http_1_0",
        "4.1, 4.2.2",
        "What does a client do with a 101 in another version of HTTP than 1.1?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "HTTP/1.0 has no Upgrade, but of the status line section 4.1 names the code alone, and section 4.2.2 shows "
        "HTTP/1.1 as what an answer could look like; few clients look at the version.",
    ),
    Switch(
        "repeated_accept",
        "4.1, 11.3.3",
        "What does a client do with an answer that has the right Sec-WebSocket-Accept more than once?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 11.3.3 says that the field MUST NOT appear more than once, which binds the server; section 4.1 has "
        "the client fail where it is missing or has another value, and each of these is right. Implementations differ.",
    ),
    Switch(
        "missing_host",
        "4.2.1",
        "What does a server do with a request without a Host field?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Section 4.2.1 lists the field, and RFC 9112 (section 3.2) asks for 400 too.",
    ),
    Switch(
        "repeated_version",
        "4.2.1, 11.3.5",
        "What does a server do with more than one Sec-WebSocket-Version of 13 in a request?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Section 11.3.5 says that the field MUST NOT appear more than once in an HTTP request.",
    ),
    Switch(
        "repeated_upgrade_token",
        "4.1, 4.2.1",
        "What does an endpoint do with the token Upgrade more than once in Connection, or a client with nothing but "
        "websocket more than once in Upgrade?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "The field has to include the token, or each of its values matches; HTTP gives the repetition no meaning, few "
        "write it, and implementations differ.",
    ),
    Switch(
        "bad_neighbour_of_upgrade",
        "4.1, 4.2.1",
        "What does an endpoint do with a Connection field that has the token Upgrade beside what is no token?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "The field includes the token, as sections 4.1 and 4.2.1 ask; but it is no list of tokens (RFC 9110, section "
        "7.6.1), and section 4.2.1 has a server refuse violations of the ABNF.",
    ),
    Switch(
        "target_of_browsers",
        "3, 4.1, 4.2.1",
        "What is a request target with octets that no URI has and that browsers send as they stand: [ ] { } | ^ ` %?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Section 3 has the resource name of RFC 3986, whose path and query lack them; but browsers send them (URL "
        "Standard), and servers take them. So the rules are of strength LETTER.",
    ),
    Switch(
        "no_subprotocol_chosen",
        "4.1, 4.2.2",
        "What does a client that has offered subprotocols do with an answer that chooses none?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 4.2.2 has a server send no field then, and section 4.1 does not have a client fail for it; the "
        "WebSocket API of browsers does.",
    ),
    Switch(
        "tolerated_heads",
        "4.1, 4.2.1",
        "What does an endpoint do with a head that has a fault which RFC 9112 lets a recipient tolerate?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Sections 4.1 and 4.2.1 ask for HTTP; RFC 9112 (sections 2.2, 3, 4, 5.1 and 5.2) leaves it to the recipient.",
    ),
    Switch(
        "unknown_parameters",
        "9.1",
        "What does a client do with an extension that was offered, answered with parameters that it does not know?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Section 9.1 leaves parameters to the extension; RFC 7692 (section 7.1) has the client fail the connection.",
    ),
    Switch(
        "faulty_deflate_answer",
        "RFC 7692: 5, 5.1, 7",
        "What does a client do with an answer about permessage-deflate that has a fault?",
        ACCEPT_EITHER_REFUSE,
        "refuse",
        "Sections 5 and 7 of RFC 7692 have it fail the connection; by section 5.1 a client that cannot go on closes "
        "with 1010.",
    ),
    Switch(
        "bad_deflate_data",
        "RFC 7692: 7.2.2",
        "With which status code does a receiver fail for compressed data that cannot be inflated?",
        ("1002", "either", "1007"),
        "either",
        "RFC 7692 names no code; 1007 is for data that is not consistent with the type of the message (7.4.1), 1002 "
        "for a protocol error. Implementations differ.",
    ),
    Switch(
        "empty_deflate_payload",
        "RFC 7692: 7.2.1, 7.2.3.6",
        "What is a compressed message without any octet of payload?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "A sender leaves at least one octet, that of an empty block (7.2.3.6); with the four octets put back, no "
        "payload is the beginning of a block, but zlib tells nobody, and most receivers take an empty message.",
    ),
    Switch(
        "cut_deflate_data",
        "RFC 7692: 7.2.2",
        "What is a compressed message whose data ends inside a block?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "No sender may send it, and section 7.2.2 leaves open how a receiver finds out: zlib gives what came out so "
        "far and waits for more, and nearly all receivers take that for the message.",
    ),
    Switch(
        "final_block_alone",
        "RFC 7692: 7.2.1, 7.2.3.4",
        "What is a compressed message that ends with a block with BFINAL = 1 and no octet after it?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 7.2.3.4 has one more octet there, which 'is necessary to allow the payload to be decompressed in the "
        "same manner'; most receivers stop at BFINAL and take it.",
    ),
    Switch(
        "upgrade_list",
        "4.1, 4.2.1, 4.2.2",
        "What is an Upgrade field that lists websocket among other protocols, or a request's with websocket repeated?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "Section 4.1 has the client's value include the keyword, section 4.2.1 has it contain the value websocket; "
        "of the answer, section 4.1 asks that the value match.",
    ),
    Switch(
        "request_with_body",
        "4.2.1",
        "What does a server do with a handshake that announces a body?",
        ACCEPT_EITHER_REFUSE,
        "either",
        "HTTP lets a GET have a body and gives it no meaning; RFC 6455 says nothing.",
    ),
    Switch(
        "request_dropped",
        "4.2.1, 10.7",
        "May a server drop the TCP connection of a handshake that it does not accept instead of answering it?",
        ("allowed", "refused"),
        "allowed",
        "Sections 4.2.1 and 4.2.2 say that it MUST return an error code, section 10.7 that an endpoint that sees an "
        "opening handshake it does not expect (e.g., incorrect path or origin) MAY drop the TCP connection, and SHOULD "
        "return a status code.",
    ),
    Switch(
        "other_requests",
        "4.2.1",
        "May a server answer a request that does not ask for a WebSocket as HTTP has it, with a page for example?",
        ("allowed", "refused"),
        "allowed",
        "By the letter of section 4.2.1 whatever is no handshake is answered with an error code; but section 1.5 "
        "says that its servers can share a port with HTTP servers.",
    ),
)

_BY_NAME: Final = {switch.name: switch for switch in SWITCHES}
_PLACES: Final = {name: place for place, name in enumerate(_BY_NAME)}
_DEFAULTS: Final = tuple(switch.default for switch in SWITCHES)


def is_set_to(name: str, value: str) -> Expr:
    """The rule expression: the switch has this value. Raises :class:`ValueError` for an unknown name or value."""
    return _BY_NAME[_checked(name)].variable == Const(_index(name, value), value)


def _checked(name: str) -> str:
    if name not in _BY_NAME:
        raise ValueError(f"there is no switch {name!r}: the switches are {', '.join(_BY_NAME)}")
    return name


def _index(name: str, value: str) -> int:
    values = _BY_NAME[_checked(name)].values
    if value not in values:
        raise ValueError(f"the switch {name} has no value {value!r}: its values are {', '.join(values)}")
    return values.index(value)


class Switches(Mapping[str, str]):
    """An immutable choice for every switch: the defaults, changed by keyword.

    Raises :class:`ValueError` for a name or a value that does not exist.
    """

    __slots__ = ("_values",)

    def __init__(self, **changes: str) -> None:
        for name, value in changes.items():
            _index(name, value)
        chosen = (changes.get(switch.name, switch.default) for switch in SWITCHES)
        self._values = tuple(chosen) if changes else _DEFAULTS

    def __getitem__(self, name: str) -> str:
        return self._values[_PLACES[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(_BY_NAME)

    def __len__(self) -> int:
        return len(SWITCHES)

    def __hash__(self) -> int:
        return hash(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Switches) and self._values == other._values

    def __repr__(self) -> str:
        changed = ", ".join(f"{k}={v!r}" for k, v in self.changes().items())
        return f"Switches({changed})"

    def changes(self) -> dict[str, str]:
        """The switches that differ from their default."""
        return {s.name: v for s, v in zip(SWITCHES, self._values, strict=True) if v != s.default}

    def indices(self) -> dict[str, int]:
        """The value of each switch variable."""
        return {s.variable.name: s.values.index(v) for s, v in zip(SWITCHES, self._values, strict=True)}
