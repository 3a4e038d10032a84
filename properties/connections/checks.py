"""The checks that look at many connections, the sentences that each one stands for, and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..judge.verdict import Verdict
from ..requirements.register import REGISTER
from ..requirements.requirement import Requirement

_BY_ID: Final = {row.id: row for row in REGISTER}


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """Something that is looked for over many connections.

    ``requirements`` are the ids of the sentences in the register that are not followed where it is found, the one that
    decides first.
    """

    id: str
    title: str
    requirements: tuple[str, ...]

    @property
    def sentences(self) -> tuple[Requirement, ...]:
        """The rows of the register."""
        return tuple(_BY_ID[one] for one in self.requirements)

    @property
    def verdict(self) -> Verdict:
        """The verdict where it is found, by the key word of the sentence that decides."""
        level = self.sentences[0].level
        return Verdict.FAILED if level.startswith(("MUST", "SHALL", "REQUIRED")) else Verdict.NON_STRICT


CHECKS: Final = (
    ConnectionCheck("nonce/repeated", "A nonce is new for each connection", ("4.1-26",)),
    ConnectionCheck("nonce/near", "Nonces do not lie close to one another", ("4.1-26",)),
    ConnectionCheck("keys/fresh", "Masking keys differ and show no pattern", ("5.3-02", "5.3-03", "10.3-01")),
    ConnectionCheck("keys/foreseen", "A masking key does not follow from those before it", ("5.3-03", "10.3-01")),
    ConnectionCheck(
        "opening/one-at-a-time", "One connection to a host opens after the other", ("4.1-06", "4.1-05", "4.1-07")
    ),
    ConnectionCheck(
        "opening/backoff",
        "After an abnormal closure a client waits before it tries again",
        ("7.2.3-01", "7.2.3-02", "7.2.3-04"),
    ),
    ConnectionCheck("uri/fragment", "The fragment of a URI is not sent", ("3-02", "4.1-03")),
    ConnectionCheck("uri/number-sign", "%23 in a URI stays escaped", ("3-03",)),
    ConnectionCheck(
        "uri/path", "A path that is not ASCII is sent as percent-encoded UTF-8", ("11.1.1-02", "11.1.2-02")
    ),
    ConnectionCheck("uri/host", "A host beyond ASCII is sent as ASCII", ("11.1.1-01", "11.1.2-01")),
    ConnectionCheck("uri/resource", "The target is the resource name of the URI", ("4.1-20",)),
    ConnectionCheck(
        "tls/handshake-first", "Nothing but TLS is sent before the TLS handshake is complete", ("4.1-13", "4.1-15")
    ),
    ConnectionCheck("tls/untrusted", "A certificate that cannot be verified ends the attempt", ("4.1-14",)),
    ConnectionCheck("tls/server-name", "The TLS handshake names the host (SNI)", ("4.1-16",)),
)

CHECK_BY_ID: Final = {check.id: check for check in CHECKS}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check has found: ``count`` of ``of`` connections (or keys, as ``what`` says); 0 where all is well.

    ``what`` is a sentence; ``example`` shows the first place in the words or the octets of the endpoint.
    """

    check: ConnectionCheck
    count: int
    of: int
    what: str
    example: str = ""

    @property
    def verdict(self) -> Verdict:
        """OK where nothing was found."""
        return self.check.verdict if self.count else Verdict.OK
