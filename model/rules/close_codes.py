"""The register of close codes: one row a range, from which the rules for receiving and sending codes are made.

Sources: RFC 6455 sections 7.4.1 and 7.4.2, and the IANA registry of section 11.7 for codes that came later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..notation.rule import Strength
from ..octets.vocabulary import Role

BOTH: Final = frozenset(Role)

DEFINED_CODE: Final = (
    "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) "
    "representing a status code with value /code/ defined in Section 7.4."
)
"""The sentence of section 5.5.1 about the body of a Close."""


@dataclass(frozen=True)
class CodeRange:
    """A range of close codes, and the roles that may put it on the wire.

    ``senders``: the roles that may send it. Where a role may not, ``forbidden`` is the strength of the rule against
    sending, and a receiver refuses it by CONSENSUS (the RFC binds only the sender). Where ``switch`` is named, that
    switch decides instead for the roles in ``disputed``. ``quote`` is the sentence of ``section`` that says so.
    ``outside``: section 7.4 neither defines it nor leaves it to others, so that section 5.5.1 bars sending it.
    """

    low: int
    high: int
    name: str
    meaning: str
    section: str
    quote: str
    senders: frozenset[Role] = BOTH
    forbidden: Strength | None = None
    switch: str | None = None
    disputed: frozenset[Role] = frozenset()
    outside: bool = False
    source: str = "RFC 6455"

    @property
    def codes(self) -> str:
        """The range as people write it."""
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


REGISTER: Final[tuple[CodeRange, ...]] = (
    CodeRange(0, 999, "unused-codes", "not used", "7.4.2", "Status codes in the range 0-999 are not used.",
              senders=frozenset(), forbidden=Strength.MUST, outside=True),
    CodeRange(1000, 1000, "normal", "normal closure", "7.4.1", "1000 indicates a normal closure"),
    CodeRange(1001, 1001, "going-away", "going away", "7.4.1", '1001 indicates that an endpoint is "going away"'),
    CodeRange(1002, 1002, "protocol-error", "protocol error", "7.4.1",
              "1002 indicates that an endpoint is terminating the connection due to a protocol error."),
    CodeRange(1003, 1003, "unsupported-data", "a type of data it cannot accept", "7.4.1",
              "it has received a type of data it cannot accept"),
    CodeRange(1004, 1004, "code-1004", "reserved without a meaning", "7.4.1",
              "Reserved. The specific meaning might be defined in the future.",
              switch="code_1004", disputed=BOTH),
    CodeRange(1005, 1005, "code-1005", "no status code was present (never on the wire)", "7.4.1",
              "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
              senders=frozenset(), forbidden=Strength.MUST),
    CodeRange(1006, 1006, "code-1006", "closed abnormally (never on the wire)", "7.4.1",
              "1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
              senders=frozenset(), forbidden=Strength.MUST),
    CodeRange(1007, 1007, "inconsistent-data", "data not consistent with the type of the message", "7.4.1",
              "it has received data within a message that was not consistent with the type of the message"),
    CodeRange(1008, 1008, "policy-violation", "a message that violates its policy", "7.4.1",
              "it has received a message that violates its policy"),
    CodeRange(1009, 1009, "too-big", "a message that is too big to process", "7.4.1",
              "it has received a message that is too big for it to process"),
    CodeRange(1010, 1010, "mandatory-extension", "an extension the client needs was not negotiated", "7.4.1",
              "Note that this status code is not used by the server, because it can fail the WebSocket handshake",
              senders=frozenset({Role.CLIENT}), switch="code_1010_from_server", disputed=frozenset({Role.SERVER})),
    CodeRange(1011, 1011, "unexpected-condition", "an unexpected condition", "7.4.1",
              "it encountered an unexpected condition that prevented it from fulfilling the request"),
    CodeRange(1012, 1014, "later-codes", "service restart, try again later, bad gateway", "7.4.2",
              "reserved for definition by this protocol, its future revisions, and extensions specified in a permanent "
              "and readily available public specification",
              switch="codes_1012_to_1014", disputed=BOTH, source="IANA registry"),
    CodeRange(1015, 1015, "code-1015", "the TLS handshake failed (never on the wire)", "7.4.1",
              "1015 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
              senders=frozenset(), forbidden=Strength.MUST),
    CodeRange(1016, 2999, "unassigned-codes", "reserved, not assigned", "7.4.2",
              "Status codes in the range 1000-2999 are reserved for definition by this protocol",
              switch="codes_unassigned", disputed=BOTH),
    CodeRange(3000, 3999, "registered-codes", "libraries, frameworks and applications", "7.4.2",
              "reserved for use by libraries, frameworks, and applications"),
    CodeRange(4000, 4999, "private-codes", "private use", "7.4.2", "reserved for private use"),
    CodeRange(5000, 65535, "codes-beyond", "not mentioned by the RFC", "7.4",
              "specifies which ranges may be used by extensions, frameworks, and end applications",
              switch="codes_5000_and_more", disputed=BOTH, outside=True),
)  # fmt: skip


def code_range(code: int) -> CodeRange:
    """The row of the register for a code of 16 bits; :class:`ValueError` for other numbers."""
    for row in REGISTER:
        if row.low <= code <= row.high:
            return row
    raise ValueError(f"a close code has 16 bits: {code}")
