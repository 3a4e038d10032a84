"""docs/autobahn.md: the catalogue beside Autobahn, made from its cases and the judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from wsoracle.generators.cases.canonical import Answer
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.model.octets.units import shown
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PONG, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.verdict import PROFILES, Verdict

from ..expected.expectations import expectations
from .comparison import Comparison, Stated, compare_all

DOCUMENT: Final = Path("docs") / "autobahn.md"
QUOTED: Final = 150
"""Characters of a quotation that are shown."""

_NAMES: Final = {
    "1": "messages in one frame",
    "2": "Ping and Pong",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragments",
    "6": "UTF-8",
    "7": "closing",
    "9": "long and many",
    "10": "fragments by the sender",
    "12": "compression of different data",
    "13": "compression under different parameters",
}

_INTRODUCTION: Final = """\
# The catalogue beside Autobahn

This document is generated: `wsoracle cases --autobahn --write docs/autobahn.md`. To make it anew takes the data of
Autobahn (AutobahnTestSuite 25.10.1), which is not part of this repository; `--autobahn-cases FILE` or
`WSORACLE_AUTOBAHN_CASES` says where it is.

## What is the same, and what is not

- The ids are the same: case `6.4.2` here is case 6.4.2 there. All {cases} cases are here.
- The stimulus is the same, octet for octet: frames, payloads, their order, the sizes of writes. A pause of that suite
  is a `Settle` here: the tester goes on as soon as the endpoint has taken in what was sent, and does not wait for a
  clock. In the middle of a frame (6.4.3, 6.4.4) it is only a separate write.
- In groups 12 and 13 the sizes, counts, fragments and parameters are the same, and the data are others, of the same
  kinds, made by seed. Messages of a volley are on their way together; there each waits for the echo before it. The
  comparison is of messages as they are without compression.
- Titles and descriptions are our own.
- No expectation is stored. The judge applies the rules of the model to the behaviour of the endpoint; each rule
  stands for a sentence of RFC 6455, RFC 7692 or an RFC that they refer to. The rest of this page compares the two.
- A case that an endpoint can pass without having processed anything counts only if the same endpoint answered its
  control, a legal case near to it, in the same run. Autobahn has no controls: a server that completes the
  opening handshake and drops TCP passes 139 of these cases there, and no case here.

## How agreement is defined

Autobahn names, for each case, lists of events by verdict (OK, NON-STRICT), the codes of the endpoint's
Close, and the side that has to begin to close. Each list with each code is a behaviour. The two suites *agree* on a
case, in a profile, where

- (a) the judge gives every behaviour that Autobahn names the verdict that Autobahn gives it;
- (b) the canonical behaviour of the model's endpoint is OK for Autobahn.

Both must hold for servers and for clients. A *profile* says what the verdict on an open point is: `interop` holds an
endpoint to what implementations agree on where the RFC leaves a reaction open, `letter` does not.

Agreement says nothing of behaviours that Autobahn does not name: it compares events for equality, so all
others are FAILED there. Such differences are everywhere, and are not repeated for each case:

- It passes an endpoint that ends TCP without a Close wherever it does not ask for a clean end. Here that is
  NON-STRICT: {no_close}.
- Another code than the one that fits the failure is WRONG CODE there and NON-STRICT here: {code}.
- To a legal Close any legal code may answer here. There only 1000 or the same code may.
- In some cases of group 7 its program sets a verdict aside from the lists, which its data does not say. The lists are
  what is compared here.
- Not to end TCP, or not to answer a Close, is a matter of the closing behaviour alone there. Here it is a broken MUST,
  and the verdict on the case is FAILED.
"""


class _Dispute(NamedTuple):
    title: str
    issues: str
    text: str
    rules: tuple[str, ...]
    cases: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()


_DISPUTES: Final = (
    _Dispute(
        "Codes 1012 to 1015",
        "52, 88, 113",
        "1012, 1013 and 1014 were registered with IANA after the RFC, which reserves the range for such revisions: an "
        "endpoint may take them, and need not know them. 1015 is barred from the wire, so that an endpoint that gets "
        "it has to fail the connection. Autobahn has a case for none of the four; it has 1016.",
        ("7.4.2/may-refuse-later-codes", "7.4.1/send-code-1015", "7.4.1/receive-code-1015"),
        codes=(1012, 1013, 1014, 1015),
    ),
    _Dispute(
        "Code 1004",
        "79",
        "1004 has no meaning. The RFC does not say that it must not be sent, as it does of 1005, 1006 and 1015, and "
        "implementations differ: an endpoint may take it and may refuse it. Autobahn wants it refused.",
        ("7.4.1/may-refuse-code-1004",),
        cases=("7.9.3",),
    ),
    _Dispute(
        "Code 1010 from a server",
        "123",
        "Autobahn sends 1010 to clients too (7.7.8), and wants it taken. The RFC says that servers do not "
        "use it, in a note and not as a requirement: a client may take it and may refuse it. The endpoint of the model "
        "refuses what it may refuse, which is all that the two differ in.",
        ("7.4.1/may-refuse-mandatory-extension",),
        cases=("7.7.8",),
    ),
    _Dispute(
        "A Close that pre-empts an echo",
        "38, 102",
        "No sentence of the RFC makes an application's answer go before a Close. So an endpoint that fails the "
        "connection, or answers a Close, before it has echoed what came earlier does nothing wrong: the judge says OK "
        "where Autobahn says NON-STRICT. That is the reason for most differences above.",
        ("5.5.1/close", "7.1.7/server-closes-tcp"),
        cases=("4.2.4", "7.1.6"),
    ),
    _Dispute(
        "Invalid text that is noticed late",
        "9",
        "The RFC asks to fail the connection when a message is found not to be UTF-8. It does not say how early that "
        "must be found: neither at the end of a fragment nor within a frame. Autobahn calls the later "
        "reaction NON-STRICT, the judge calls both OK.",
        ("8.1/invalid-text", "8.1/fail-fast"),
        cases=("6.4.1", "6.4.3"),
    ),
    _Dispute(
        "A Close in the middle of a frame",
        "47",
        "Autobahn's fuzzer's timers close the connection wherever the stream is, also in the middle of a frame, "
        "where the Close is payload. Our tester sends its Close between frames only; inside a frame it ends TCP.",
        (),
    ),
    _Dispute(
        'What "fail" means',
        "5",
        "To fail the connection is to end it: with a Close that says why, where that is possible, which is a SHOULD, "
        "and then without waiting for an answer. So a Close with another code, or none, is NON-STRICT, and to go on "
        "is FAILED.",
        ("7.1.7/server-closes-tcp", "7.1.7/close-frame-before-tcp", "7.1.7/appropriate-code"),
        cases=("3.1",),
    ),
    _Dispute(
        "TCP that ends abruptly",
        "78",
        "Where nothing was wrong, an endpoint that wants to end the connection begins the closing handshake. Where it "
        "fails the connection the Close is a SHOULD.",
        ("7.3/closing-handshake-first", "7.1.7/close-frame-before-tcp"),
        cases=("1.1.2", "3.1"),
    ),
    _Dispute(
        "Ten Pings",
        "2.10, 2.11",
        "An endpoint may answer only the latest of several Pings. Autobahn wants ten Pongs; the judge "
        "takes fewer, if the last one is answered.",
        ("5.5.3/send-pong", "5.5.2/pong-owed"),
        cases=("2.10",),
    ),
    _Dispute(
        "A Close between the fragments of a message",
        "7.1.5",
        "Control frames may stand between fragments, Close among them; the message is never completed, and that is no "
        "fault of the endpoint's. It answers the Close. To fail the connection with 1002 instead cannot be told "
        "from an answer with that code, which is legal: Autobahn fails it, for it wants 1000.",
        ("5.5.1/close", "5.4/close-inside-message"),
        cases=("7.1.5",),
    ),
)


def document(path: Path) -> str:
    """The document, from the suite's cases in a file. Raises OSError or ValueError where that is not one."""
    compared = compare_all(path)
    by_id = {one.case.id: one for one in compared}
    introduction = _INTRODUCTION.format(
        cases=len(compared), no_close=of_rule("7.1.7/close-frame-before-tcp"), code=of_rule("7.1.7/appropriate-code")
    )
    parts = [introduction, *_totals(compared), *_differences(compared), *_disputed(by_id)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def of_rule(rule_id: str) -> str:
    """A rule with its strength and the beginning of its quotation."""
    rule = RULES.by_id[rule_id]
    quote = rule.quote if len(rule.quote) <= QUOTED else rule.quote[:QUOTED].rsplit(" ", 1)[0] + " ..."
    return f"{rule.strength.value} `{rule_id}`: “{quote}”"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _group(one: Comparison) -> str:
    return one.case.id.partition(".")[0]


# --- totals


def _totals(compared: Sequence[Comparison]) -> Iterator[str]:
    yield "## Agreement by group\n"
    yield (
        "The last column counts cases in which the judge calls something OK that Autobahn does not name, "
        "and so fails, whether the two agree on the rest or not (other codes in an answer to a Close left aside).\n"
    )
    rows = []
    groups = [*dict.fromkeys(map(_group, compared)), ""]
    for group in groups:
        here = [one for one in compared if not group or _group(one) == group]
        profiles = [one.profiles for one in here]
        rows.append(
            [
                f"{group} {_NAMES[group]}" if group else "all",
                str(len(here)),
                str(sum(len(found) == len(PROFILES) for found in profiles)),
                *(str(sum(found == (profile,) for found in profiles)) for profile in PROFILES),
                str(sum(not found for found in profiles)),
                str(sum(bool(_more(one)) for one in here)),
            ]
        )
    yield _table(["group", "cases", "agree", *(f"{name} alone" for name in PROFILES), "differ", "more is OK"], rows)


def _more(one: Comparison) -> list[str]:
    """The other answers (not other codes) that are OK for the judge."""
    named = {tuple((event.opcode, event.payload) for event in stated.events) for stated in one.stated}
    found = (m for m in one.more if m.verdict is Verdict.OK)
    return [
        m.candidate.words or "no answer" for m in found if tuple((e.opcode, e.payload) for e in m.events) not in named
    ]


# --- differences


def _differences(compared: Sequence[Comparison]) -> Iterator[str]:
    yield "## Cases in which the two differ\n"
    yield (
        "*Autobahn*: the verdict of that suite on a behaviour. *Judge*: the verdict of the judge on the same (in both "
        "profiles and for both roles, unless noted). *Besides*: other behaviours that the judge calls OK. *Clause*: "
        "the clause that decides. *Agrees*: the profile in which the two agree.\n"
    )
    for group in dict.fromkeys(map(_group, compared)):
        here = [one for one in compared if _group(one) == group and len(one.profiles) < len(PROFILES)]
        yield f"### Group {group}: {_NAMES[group]}\n"
        if here:
            rows = [_row(one) for one in here]
            yield _table(["case", "behaviour", "Autobahn", "judge", "besides", "clause", "agrees"], rows)
        else:
            yield "The two agree on every case, in both profiles.\n"
        others = [one for one in compared if _group(one) == group and one not in here and _more(one)]
        if others:
            yield "Both agree on these cases; the judge calls something else OK too:\n"
            yield _table(["case", "besides", "clause"], [_besides(one) for one in others])


def _row(one: Comparison) -> list[str]:
    differing = [stated for stated in one.stated if any(not stated.agrees(profile) for profile in PROFILES)]
    behaviours = "<br>".join(_behaviour(stated, one) for stated in differing)
    clauses = dict.fromkeys(rule for stated in differing for rule in stated.rules)
    if not clauses or any(not stated.rules for stated in differing):
        clauses.update(dict.fromkeys(_reasons(one)))
    return [
        f"{one.case.id}: {one.case.title}",
        behaviours or "what a conforming endpoint does",
        "<br>".join(stated.verdict for stated in differing) or "not OK",
        "<br>".join(_said(stated) for stated in differing) or "OK",
        "<br>".join(dict.fromkeys(_more(one))) or "nothing",
        "<br>".join([*_NO_CLAUSE[: any(map(_breaks_promise, differing))], *map(of_rule, clauses)]),
        ", ".join(one.profiles) or "neither",
    ]


_NO_CLAUSE: Final = ["no clause: not the echo that a run asks for"]


def _breaks_promise(stated: Stated) -> bool:
    """Whether the judge fails it for the sake of the application alone."""
    return not stated.rules and Verdict.FAILED in stated.verdicts.values()


def _besides(one: Comparison) -> list[str]:
    pongs = [event for event in one.stated[0].events if event.opcode == PONG]
    rule = "5.5.3/send-pong" if len(pongs) > 1 and len(pongs) == len(one.stated[0].events) else "5.5.2/pong-owed"
    return [f"{one.case.id}: {one.case.title}", "<br>".join(dict.fromkeys(_more(one))), of_rule(rule)]


def _reasons(one: Comparison) -> tuple[str, ...]:
    """The rules by which the judge calls OK what the other suite does not."""
    found = expectations(one.case, Role.SERVER)
    return found[0].rules[-1:] if found else ()


def _behaviour(stated: Stated, one: Comparison) -> str:
    said = ", ".join(_event(event) for event in stated.events) or "no answer"
    when = {0: "", 1: " before the second pause", 2: " after the second pause"}[stated.late]
    return f"{said}; Close {stated.code}{when}"


def _event(event: Answer) -> str:
    if event.opcode == PONG:
        return f"Pong {shown(event.payload)}"
    return f"{'binary' if event.opcode == BINARY else 'text'} {shown(event.payload)}"


def _said(stated: Stated) -> str:
    said = {profile: {stated.verdicts[role, profile].value for role in Role} for profile in PROFILES}
    if len({*map(frozenset, said.values())}) == 1:
        return " or ".join(sorted(said[PROFILES[0]]))
    return ", ".join(f"{profile}: {' or '.join(sorted(said[profile]))}" for profile in PROFILES)


# --- disputes


def _disputed(by_id: dict[str, Comparison]) -> Iterator[str]:
    yield "## Verdicts that users of Autobahn dispute\n"
    yield "Numbers are those of its issues, or of its cases. The tables give the verdicts of the judge.\n"
    for dispute in _DISPUTES:
        yield f"### {dispute.title} ({dispute.issues})\n"
        yield dispute.text + "\n"
        if dispute.rules:
            yield "\n".join(f"- {of_rule(rule)}" for rule in dispute.rules) + "\n"
        for case_id in dispute.cases:
            yield _judged(by_id[case_id].case)
        for code in dispute.codes:
            yield _judged(_close_with(code))


def _close_with(code: int) -> Case:
    frame = SendFrame(Frame(CLOSE, code.to_bytes(2, "big")))
    title = f"A Close with code {code}"
    return Case(f"close-{code}", title, title, (title,), (frame,))


def _judged(case: Case) -> str:
    """The verdicts of the judge on each behaviour in a case, for a server, in both profiles; clients have the same."""
    rows: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for profile in PROFILES:
        for one in expectations(case, Role.SERVER, profile, failed=True):
            rows.setdefault((one.what, one.rules), {})[profile] = one.verdict.value
    name = case.title if case.id.startswith("close-") else f"Case {case.id}: {case.title}"
    table = _table(
        ["behaviour", *PROFILES, "rules"],
        [
            [what, *(said.get(profile, "") for profile in PROFILES), ", ".join(f"`{rule}`" for rule in rules)]
            for (what, rules), said in rows.items()
        ],
    )
    return f"{name}:\n\n{table}"
