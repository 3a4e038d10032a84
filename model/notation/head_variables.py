"""The variables of the rules of the opening handshake: a request and a response of HTTP.

A head (request or status line, and header fields) is reduced to what sections 4.1 and 4.2 ask of it: for each point one
small number that says whether it is as it should be and, if not, in which way. Reading octets into these facts is the
business of ``model.facts.heads``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from .expression import Const, Expr, Sort, Var, all_of, any_of, ite


class RequestFacts(NamedTuple):
    """A request as rules see it; the defaults are those of a sound one that offers nothing.

    The meaning of each field is that of its variable below (:data:`REQUEST_VARIABLES`).
    """

    syntax: int = 1
    method_get: bool = True
    http: int = 1
    target: int = 1
    host: int = 1
    upgrade: int = 1
    connection: int = 1
    key: int = 1
    version: int = 1
    protocols: int = 0
    offers: int = 0
    origin: int = 0
    body: int = 0
    for_uri: bool = True
    deflate_offers: int = 0


class ResponseFacts(NamedTuple):
    """A response as rules see it, against the request that it answers; the defaults are those of a sound 101.

    The meaning of each field is that of its variable below (:data:`RESPONSE_VARIABLES`). ``accept`` is "repeated"
    where it is right each time, and "wrong" where it is not.
    """

    syntax: int = 1
    status: int = 101
    http: int = 1
    upgrade: int = 1
    connection: int = 1
    accept: int = 1
    subprotocol: int = 0
    extensions: int = 0
    versions: int = 0
    body: int = 0
    defines_rsv1: bool = False
    defines_rsv2: bool = False
    defines_rsv3: bool = False
    deflate: int = 0
    server_no_takeover: int = 0
    client_no_takeover: int = 0
    server_bits: int = 0
    client_bits: int = 0
    sound_offer: bool = False
    asks_no_takeover: bool = False
    asks_bits: int = 0
    takes_client_bits: bool = False

    @property
    def defines_bits(self) -> bool:
        """The extensions in it define a reserved bit."""
        return self.defines_rsv1 or self.defines_rsv2 or self.defines_rsv3


HeadFacts: TypeAlias = RequestFacts | ResponseFacts


def announces_body(head: RequestFacts | ResponseFacts) -> bool:
    """Whether the head announces octets of a body."""
    return head.body == value_of("body", "announced")


class _FactWords(NamedTuple):
    """The words of a fact of a head: its meaning, and the names of its values where it is no truth value."""

    meaning: str
    labels: tuple[str, ...] = ()


_GIVEN: Final = (
    "absent",
    "without a value",
    "with another value",
    "more than once",
    *(f"{n} bits" for n in range(8, 16)),
)
"""How a parameter of permessage-deflate is given: as ``model.octets.deflate_parameters`` reads it."""

_FACTS: Final[Mapping[str, _FactWords]] = {
    "syntax": _FactWords(
        'how far the octets are a head of HTTP; "tolerated": with a fault that RFC 9112 lets recipients tolerate and '
        "forbids to senders (a line that ends with LF alone, CR elsewhere, a folded line, NUL, words of the first line "
        "that are not parted by one space, in a response a blank before a colon)",
        ("malformed", "well-formed", "too large", "tolerated"),
    ),
    "method_get": _FactWords("the method is GET"),
    "status": _FactWords("the status code of HTTP"),
    "http": _FactWords("the version of HTTP in the first line", ("lower than 1.1", "1.1", "higher than 1.1")),
    "target": _FactWords(
        'the request target; "unfit": neither a path with an optional query, nor an absolute http or https URI; "as '
        'browsers send it": a path or query with [ ] { } | ^ ` or a bare %, which no URI has',
        ("unfit", "a resource name", "an absolute http or https URI", "as browsers send it"),
    ),
    "host": _FactWords("the field Host", ("absent", "one", "repeated or invalid")),
    "upgrade": _FactWords(
        "the field Upgrade; letter case does not matter",
        ("absent", "websocket", "another", "a list with websocket", "websocket more than once"),
    ),
    "connection": _FactWords(
        "the elements of the list Connection, be others of them no tokens; letter case does not matter",
        ("absent", "Upgrade", "without Upgrade", "Upgrade more than once", "Upgrade beside no token"),
    ),
    "key": _FactWords(
        'Sec-WebSocket-Key: the octets that its base64 decodes to; "not base64": also with pad bits that are not zero; '
        'an empty field counts as "absent"',
        ("absent", "16 octets", "another number of octets", "not base64", "repeated"),
    ),
    "version": _FactWords("Sec-WebSocket-Version", ("absent", "13", "another", "not a version", "13 and more")),
    "protocols": _FactWords(
        "Sec-WebSocket-Protocol: the subprotocols that the client offers",
        ("absent", "distinct tokens", "not a list of tokens", "with a repeated token"),
    ),
    "offers": _FactWords(
        "Sec-WebSocket-Extensions: the extensions that the client offers",
        ("absent", "a list of extensions", "not a list of extensions"),
    ),
    "origin": _FactWords("the field Origin", ("absent", "one", "repeated")),
    "accept": _FactWords(
        "Sec-WebSocket-Accept, compared with the key of the request", ("absent", "right", "wrong", "repeated")
    ),
    "subprotocol": _FactWords(
        'Sec-WebSocket-Protocol, compared with those that the request offers; "none chosen": absent although some are '
        "offered",
        ("absent", "offered", "not offered", "not one token", "none chosen"),
    ),
    "extensions": _FactWords(
        "Sec-WebSocket-Extensions, compared with those that the request offers",
        ("absent", "offered", "not offered", "not a list of extensions", "with unknown parameters"),
    ),
    "versions": _FactWords(
        "Sec-WebSocket-Version: the versions that the server lists",
        ("absent", "a list with 13", "not a list of versions", "a list without 13"),
    ),
    "body": _FactWords(
        'what Content-Length and Transfer-Encoding say of a body; "of no octets": a Content-Length of 0 alone',
        ("absent", "announced", "of no octets"),
    ),
    "for_uri": _FactWords(
        "target and Host are those of the URI that the client was asked to open; only the client knows"
    ),
    "deflate_offers": _FactWords(
        "the offers of permessage-deflate in Sec-WebSocket-Extensions; an unsound one is one that a server has to "
        "decline (RFC 7692, section 7)",
        ("absent", "all sound", "some unsound"),
    ),
    "deflate": _FactWords("the elements for permessage-deflate in the answer", ("absent", "one", "more than one")),
    "server_no_takeover": _FactWords("server_no_context_takeover in the answer", _GIVEN),
    "client_no_takeover": _FactWords("client_no_context_takeover in the answer", _GIVEN),
    "server_bits": _FactWords("server_max_window_bits in the answer", _GIVEN),
    "client_bits": _FactWords("client_max_window_bits in the answer", _GIVEN),
    "sound_offer": _FactWords(
        "the request has a sound offer of permessage-deflate; of several, the answer is compared with the one that it "
        "fits best"
    ),
    "asks_no_takeover": _FactWords("that offer has server_no_context_takeover"),
    "asks_bits": _FactWords("server_max_window_bits in that offer", _GIVEN),
    "takes_client_bits": _FactWords("that offer has client_max_window_bits, with a value or without"),
    "defines_rsv1": _FactWords("the extensions that are agreed on define RSV1"),
    "defines_rsv2": _FactWords("the extensions that are agreed on define RSV2"),
    "defines_rsv3": _FactWords("the extensions that are agreed on define RSV3"),
}


def _variable(name: str, default: object) -> Var:
    meaning, labels = _FACTS[name]
    if isinstance(default, bool):
        return Var(name, meaning=meaning)
    if name == "status":
        return Var(name, Sort.INT, 100, 999, meaning=meaning)
    return Var(name, Sort.INT, 0, len(labels) - 1, dict(enumerate(labels)), meaning)


REQUEST_VARIABLES: Final = {n: _variable(n, d) for n, d in RequestFacts._field_defaults.items()}
RESPONSE_VARIABLES: Final = {n: _variable(n, d) for n, d in ResponseFacts._field_defaults.items()}
HEAD_VARIABLES: Final = {**REQUEST_VARIABLES, **RESPONSE_VARIABLES}


def _bare(names: tuple[str, ...]) -> dict[str, int]:
    return {name: 0 for name in names if "absent" in _FACTS[name].labels}


HEAD_SHAPES: Final[Mapping[type, tuple[RequestFacts | ResponseFacts, ...]]] = {
    RequestFacts: (
        RequestFacts(),
        RequestFacts(**_bare(RequestFacts._fields)),  # type: ignore[arg-type]
        RequestFacts(offers=1, deflate_offers=1),
    ),
    ResponseFacts: (
        ResponseFacts(),
        ResponseFacts(extensions=1, defines_rsv1=True, deflate=1, sound_offer=True),
        ResponseFacts(
            extensions=1,
            defines_rsv1=True,
            deflate=1,
            server_no_takeover=_GIVEN.index("without a value"),
            client_no_takeover=_GIVEN.index("without a value"),
            server_bits=_GIVEN.index("9 bits"),
            client_bits=_GIVEN.index("8 bits"),
            sound_offer=True,
            asks_no_takeover=True,
            asks_bits=_GIVEN.index("10 bits"),
            takes_client_bits=True,
        ),
        ResponseFacts(**_bare(ResponseFacts._fields), status=200),  # type: ignore[arg-type]
        ResponseFacts(**{**_bare(ResponseFacts._fields), "versions": 1}, status=426),  # type: ignore[arg-type]
    ),
}
"""A sound head of each kind, one of plain HTTP without any field of a handshake, a refusal that names versions, and
sound heads with permessage-deflate: with no parameter, and with all of them."""


def is_(name: str, *values: str) -> Expr:
    """The rule expression: a fact of a head has one of these values. KeyError, ValueError for unknown ones."""
    variable, labels = HEAD_VARIABLES[name], _FACTS[name].labels
    return any_of([variable == Const(labels.index(value), value) for value in values])


def value_of(name: str, label: str) -> int:
    """The number that stands for a value of a fact of a head; KeyError, ValueError for unknown ones."""
    return _FACTS[name].labels.index(label)


def label_of_fact(name: str, value: int) -> str:
    """The name of a value of a fact of a head; KeyError, IndexError for unknown ones."""
    return _FACTS[name].labels[value]


def _when_malformed(facts: type[RequestFacts] | type[ResponseFacts], variables: Mapping[str, Var]) -> Expr:
    """Octets that are no head of HTTP have no further facts: all others are as in a sound head."""
    others = [variables[name] == default for name, default in facts._field_defaults.items() if name != "syntax"]
    return is_("syntax", "well-formed", "tolerated") | all_of(others)


def possible_request() -> Expr:
    """The constraint on the facts of every request, whatever the octets."""
    somewhere = is_("host", "one") | is_("target", "a resource name", "an absolute http or https URI")
    listed = is_("deflate_offers", "absent") | is_("offers", "a list of extensions")
    return _when_malformed(RequestFacts, REQUEST_VARIABLES) & (REQUEST_VARIABLES["for_uri"] | somewhere) & listed


def possible_response() -> Expr:
    """The constraint on the facts of every response, whatever the octets."""
    bits = any_of([RESPONSE_VARIABLES[f"defines_rsv{n}"] for n in (1, 2, 3)])
    agreed = ~bits | is_("extensions", "offered", "with unknown parameters")
    # permessage-deflate is the one extension whose parameters are known (model.facts.fields).
    known = ~is_("extensions", "with unknown parameters") | ~is_("deflate", "absent")
    return _when_malformed(ResponseFacts, RESPONSE_VARIABLES) & agreed & known & _possible_deflate()


def _possible_deflate() -> Expr:
    """What goes together in facts of permessage-deflate: parameters are those of an element, asked for in an offer."""
    variables = RESPONSE_VARIABLES
    answered, offered = ~is_("deflate", "absent"), variables["sound_offer"]
    bare = all_of([is_(name, "absent") for name in ANSWER_PARAMETERS])
    asks_nothing = ~variables["asks_no_takeover"] & is_("asks_bits", "absent") & ~variables["takes_client_bits"]
    return all_of(
        [
            answered | (bare & ~offered),
            ~answered | variables["defines_rsv1"],
            offered | asks_nothing,
            is_("asks_bits", "absent", *(f"{n} bits" for n in range(8, 16))),
        ]
    )


ANSWER_PARAMETERS: Final = ("server_no_takeover", "client_no_takeover", "server_bits", "client_bits")
"""The facts of the four parameters of an answer, in the order of section 7 of RFC 7692."""

DEFLATE_FACTS: Final = (
    "deflate", *ANSWER_PARAMETERS, "sound_offer", "asks_no_takeover", "asks_bits", "takes_client_bits"
)  # fmt: skip
"""The facts of an answer about permessage-deflate."""


def is_paired(base: ResponseFacts, name: str, value: object) -> bool:
    """Whether a change to an answer is worth trying together with another one: facts of permessage-deflate have nothing
    to do with the rest of a head but its status, and where it is accepted of windows one small one stands for all
    between."""
    if not base.deflate:
        return name not in DEFLATE_FACTS
    return name == "status" or (name in DEFLATE_FACTS and (isinstance(value, bool) or value in _TELLING))


_TELLING: Final = (*range(4), _GIVEN.index("8 bits"), _GIVEN.index("9 bits"), _GIVEN.index("15 bits"))
"""How a parameter is given, in pairs of changes."""

takeover_kept: Final = RESPONSE_VARIABLES["asks_no_takeover"] & is_("server_no_takeover", "absent")
window_exceeded: Final = ~is_("asks_bits", "absent") & (
    (is_("server_bits", "absent") & ~is_("asks_bits", "15 bits"))
    | (RESPONSE_VARIABLES["server_bits"] > RESPONSE_VARIABLES["asks_bits"])
)
window_unsaid: Final = is_("asks_bits", "15 bits") & is_("server_bits", "absent")
client_window_limited: Final = ~is_("client_bits", "absent") & ~RESPONSE_VARIABLES["takes_client_bits"]
constrains_unasked: Final = (
    (~is_("server_no_takeover", "absent") & ~RESPONSE_VARIABLES["asks_no_takeover"])
    | ~is_("client_no_takeover", "absent")
    | ~is_("client_bits", "absent")
    | (~is_("server_bits", "absent") & is_("asks_bits", "absent"))
)
"""An answer constrains contexts or windows where the offer asked for nothing, or only said that it knows of it."""
MISFITS: Final = (takeover_kept, window_exceeded, client_window_limited)
"""In what an answer may not fit an offer (RFC 7692, sections 7.1.1.1, 7.1.2.1, 7.1.2.2): rules forbid each, and the
offer that an answer is compared with is the one with the fewest, and then one whose window the answer repeats
(``window_unsaid``: 15 bits are all that there are, but an answer accepts them "by including" the parameter)."""


def has_bits(name: str) -> Expr:
    """The rule expression: a parameter is given as a number of bits, 8 to 15."""
    return HEAD_VARIABLES[name] >= Const(_GIVEN.index("8 bits"), "8 bits")


def window_of(name: str) -> Expr:
    """The rule expression: the octets of the window that a parameter of the answer agrees on (2 to the bits)."""
    size: Expr = Const(1 << 15)
    for bits in range(8, 15):
        size = ite(is_(name, f"{bits} bits"), 1 << bits, size)
    return size
