"""One requirement of RFC 6455: a sentence, the party that it binds, and how the project covers it.

Section and level are not typed in by hand: the section is in the id, the level is in the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .rfc_text import level_of, lower_case_keyword


class Binds(StrEnum):
    """The party that a sentence binds.

    ENDPOINT is client and server alike; SENDER and RECEIVER are an endpoint in that part; APPLICATION is the user of
    an endpoint (and makes a URI, for instance); EXTENSION and SPECIFICATION are texts: of an extension, and the RFC.
    """

    CLIENT = "client"
    SERVER = "server"
    ENDPOINT = "endpoint"
    SENDER = "sender"
    RECEIVER = "receiver"
    INTERMEDIARY = "intermediary"
    APPLICATION = "application"
    EXTENSION = "extension"
    SPECIFICATION = "specification"


class Status(StrEnum):
    """How a requirement is covered: by rules, theorems or checks over many connections, or not at all and for a reason.

    NOT_OBSERVABLE: nothing that a peer can see, on one connection or many, can show that it was broken.
    """

    COVERED = "covered"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the register.

    ``id`` is the section and a running number in the order of the text ("5.2-03"); ``quote`` is the whole sentence,
    normalised as :mod:`.rfc_text` says. ``why`` is the reason why the requirement is not observable, None where it is
    covered. ``rules`` and ``theorems`` are the ids that cover the sentence although their own words do not lead to it;
    the rules that quote the sentence are found by the register.
    """

    id: str
    binds: Binds
    quote: str
    why: str | None = None
    rules: tuple[str, ...] = ()
    theorems: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """How the requirement is covered."""
        return Status.COVERED if self.why is None else Status.NOT_OBSERVABLE

    @property
    def section(self) -> str:
        """The section in which the sentence stands: of RFC 6455, or, with "7692." before its number, of RFC 7692."""
        return self.id.rpartition("-")[0]

    @property
    def level(self) -> str:
        """The key word that decides (see :func:`.rfc_text.level_of`).

        A sentence of sections 5 to 8 that says it in lower case has the level "must (lower case)" or the like. Raises
        ValueError for a sentence with neither.
        """
        level = level_of(self.quote)
        if level is not None:
            return level
        lower = lower_case_keyword(self.quote)
        if lower is None:
            raise ValueError(f"requirement {self.id} has no normative key word")
        return f"{lower} (lower case)"
