"""What is proved of a client and a server together, whatever they do and wherever the connection is lost.

The exploration (``pair_runs``) covers channels of any length, and few kinds of frames. Fragmented messages and all
other legal frames and codes are covered by :data:`LOCKSTEP`: what a sender may send, a receiver that has read all
before it accepts, and both stay in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import z3

from wsoracle.model.machine.explorer import TooManyStatesError
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.symbolic import SymbolicMachine, term, within_bounds
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import CLAIMS, LOST, STATE_VARIABLES, EventKind, Setting, possible_agreement
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .induction import SOLVER_MILLISECONDS
from .pair_runs import WEIGHTS, Channel, End, PairRuns, PairState, PairVisit, explored
from .theorem import ProofResult, ProofVerdict, Theorem, TheoremKind, TheoremSubject, proved, refuted

_WINDOWS: Final = ("compressed", "history")
"""What ends of permessage-deflate keep of a direction, beside what they agreed on."""

METHOD: Final = "exhaustive exploration of the pair, channels of any length abstracted to none and some"


def _check(
    rules: RuleSet, wrong: Callable[[PairVisit], bool], method: str = METHOD, invariant: str | None = None
) -> ProofResult:
    # A mutant is explored only until it goes wrong, once for each theorem.
    found, runs = explored(rules) if rules is RULES else (None, PairRuns(rules))
    try:
        for visit in runs if found is None else found:
            if wrong(visit):
                return refuted(method, (*runs.run_to(visit.both), *([visit.climbing] if visit.climbing else [])))
    except TooManyStatesError as error:
        return ProofResult(ProofVerdict.UNKNOWN, str(error))
    return proved(method, invariant, f"{len(runs)} pair states")


def _ends(both: PairState) -> tuple[End, End]:
    return both.client, both.server


def _all_closed(both: PairState) -> bool:
    return not any(end.state.tcp_open for end in _ends(both))


def _undisturbed(both: PairState) -> bool:
    return not both.lost and not any(end.state.failed for end in _ends(both))


def _clean(both: PairState) -> bool:
    return all(end.state.sent_close and end.state.got_close for end in _ends(both))


def _deadlock(visit: PairVisit) -> bool:
    both = visit.both
    pending = (both.client.state.peer_open and both.server.out != Channel()) or (
        both.server.state.peer_open and both.client.out != Channel()
    )
    # No sentence makes a server close its direction of TCP once the client has ended the other.
    lingers = both.server.state.tcp_open and not both.server.state.peer_open and not both.client.state.tcp_open
    begun = both.lost or any(
        s.sent_close or s.got_close or s.failed or not s.tcp_open for s in (e.state for e in _ends(both))
    )
    return begun and not _all_closed(both) and not pending and not lingers and visit.resting


def _unclean(visit: PairVisit) -> bool:
    both = visit.both
    return _all_closed(both) and _undisturbed(both) and not _clean(both)


def _wrong_code(visit: PairVisit) -> bool:
    both = visit.both
    pairs = ((both.client, both.server), (both.server, both.client))
    return any(me.state.got_close and me.state.close_code != peer.said for me, peer in pairs)


def _codes_differ(visit: PairVisit) -> bool:
    """Told different codes, though one end began and the other answered with the code it had received."""
    both = visit.both
    one_began = both.client.began != both.server.began
    echoed = both.client.said == both.server.said
    told = {both.client.state.close_code, both.server.state.close_code}
    return _all_closed(both) and _clean(both) and one_began and echoed and len(told) > 1


def _told_1006(visit: PairVisit) -> bool:
    both = visit.both
    return _undisturbed(both) and any(not end.state.tcp_open and end.state.close_code == LOST for end in _ends(both))


def _simultaneous(visit: PairVisit) -> bool:
    both = visit.both
    return both.client.began and both.server.began and _unclean(visit)


def _client_first(visit: PairVisit) -> bool:
    both = visit.both
    return _undisturbed(both) and not both.client.state.tcp_open and both.server.state.tcp_open


def _nobody_began(visit: PairVisit) -> bool:
    both = visit.both
    return _all_closed(both) and _undisturbed(both) and not (both.client.began or both.server.began)


def _told_apart(visit: PairVisit) -> bool:
    """Both saw a clean end, but one of them is told that it was not."""
    both = visit.both
    clean = [end.state.sent_close and end.state.got_close and not end.state.failed for end in _ends(both)]
    return _all_closed(both) and _undisturbed(both) and clean[0] != clean[1]


def closing_terminates(subject: TheoremSubject) -> ProofResult:
    """Every reachable move that sends nothing new brings the end nearer, by a rank that is never negative."""
    weights = " + ".join(f"{weight} for each of {name}" for name, weight in WEIGHTS.items())
    invariant = f"rank: {weights}; 2 for a Close to send, 2 for a Pong owed, 1 for each direction of TCP, at each end"
    method = f"ranking function, checked on every move; {METHOD}"
    return _check(subject.rules, lambda visit: visit.climbing is not None, method, invariant)


def lockstep(role: Role) -> Callable[[TheoremSubject], ProofResult]:
    """A peer that has read everything before accepts each frame that this role may send, and both stay in step."""

    def check(subject: TheoremSubject) -> ProofResult:
        method = "induction (k = 1): any fragmentation, any length, no stated limit"
        sender = SymbolicMachine(subject.rules, Setting(role))
        receiver = SymbolicMachine(subject.rules, Setting(role.peer))
        mine, theirs = sender.state_env("_s"), sender.state_env("_r")
        frame = sender.frame_env()
        step = [theirs["recv_type"] == mine["send_type"], theirs["recv_utf8"] == mine["send_utf8"]]
        agreed = [theirs[n] == mine[n] for n in CLAIMS]
        agreed += [theirs[f"recv_{n}"] == mine[f"send_{n}"] for n in ("window", "takeover")]
        windows = [theirs[f"recv_{n}"] == mine[f"send_{n}"] for n in _WINDOWS]
        reads = [theirs["peer_open"], *(z3.Not(theirs[n]) for n in ("failed", "got_close", "discarding", "sent_close"))]
        solver = z3.Solver()
        solver.set("timeout", SOLVER_MILLISECONDS)
        solver.add(*step, *agreed, *windows, *reads, z3.Implies(mine["send_type"] == 0, mine["send_utf8"] == 0))
        for env in (mine, theirs):
            solver.add(*within_bounds(STATE_VARIABLES.values(), env), term(possible_agreement, env))
        solver.add(sender.possible(EventKind.SEND, mine, frame))
        taken = receiver.outcomes(EventKind.RECEIVE, theirs, frame)
        for sent in sender.outcomes(EventKind.SEND, mine, frame):
            in_step = [
                z3.And(
                    t.when,
                    z3.Or(
                        t.after["got_close"],
                        z3.And(
                            t.after["recv_type"] == sent.after["send_type"],
                            t.after["recv_utf8"] == sent.after["send_utf8"],
                            *(t.after[f"recv_{n}"] == sent.after[f"send_{n}"] for n in _WINDOWS),
                        ),
                    ),
                )
                for t in taken
                if t.label.kind is Kind.ACCEPT
            ]
            refusals = [receiver.enabled(r, theirs, frame) for r in receiver.rules.of(EventKind.RECEIVE) if r.refuses]
            answer = solver.check(sent.when, z3.Not(z3.And(z3.Or(*in_step), z3.Not(z3.Or(*refusals)))))
            if answer == z3.unknown:
                return ProofResult(ProofVerdict.UNKNOWN, f"{method}: {solver.reason_unknown()}")
            if answer == z3.sat:
                facts = [f"{n} = {solver.model().eval(v, model_completion=True)}" for n, v in frame.items()]
                return refuted(method, [f"the {role} sends by {sent.rules[0]}", ", ".join(facts)])
        same = ("type", "utf8", *_WINDOWS)
        return proved(method, " and ".join(f"recv_{n} = send_{n}" for n in same))

    return check


def _theorem(
    name: str, statement: str, wrong: Callable[[PairVisit], bool], *suspects: str, needs: tuple[str, ...] = ()
) -> Theorem:
    def check(subject: TheoremSubject) -> ProofResult:
        return _check(subject.rules, wrong)

    return Theorem(f"pair/{name}", TheoremKind.PAIR, statement, check, suspects, needs)


LOCKSTEP: Final = tuple(
    Theorem(
        f"pair/no-legal-frame-refused-from-{role}",
        TheoremKind.PAIR,
        f"Whatever a {role} may send, fragmented or not, a {role.peer} that has read all before it accepts, and "
        "both agree on the message in progress and, compressed and plain messages mixed in any way, on the window.",
        lockstep(role),
        ("5.4/text-message~undoes-recv_history", "5.4/interleaved-message", "5.1/server-refuses-unmasked"),
        ("5.4-06", "5.4-08"),
    )
    for role in Role
)

PAIR: Final = (
    *LOCKSTEP,
    _theorem("no-deadlock", "Once closing has begun, by a Close, a failure, a loss or the end of TCP, the pair never "
             "rests with TCP open: something is on its way, or an end owes a step; but a server may keep its direction "
             "of TCP open when the client has closed the other.",
             _deadlock, "5.5.1/close-owed~never-due", "5.5.1/server-tcp-close-owed~never-due", needs=("5.5.1-11",)),
    Theorem("pair/closing-terminates", TheoremKind.PAIR,
            "When nothing new is sent, every move brings the pair nearer to its end: with the absence of deadlock, "
            "both ends close after finitely many moves.",
            closing_terminates, ("7.1.5/one-close", "5.5.3/send-pong")),
    _theorem("both-close-cleanly", "Where nothing is lost and neither end fails the connection, TCP is closed at both "
             "ends only after each has sent and received a Close.",
             _unclean, "7.3/closing-handshake-first", "7.1.1/close-cleanly"),
    _theorem("told-the-peers-code", "The close code that an application is told is the one its peer has sent, 1005 "
             "where the peer's Close had none.",
             _wrong_code, "5.5.1/close~no-close_code"),
    _theorem("codes-agree", "Where one end began to close and the other answered with the same code, both "
             "applications are told that code.",
             _codes_differ, "7.1.5/one-close~drop"),
    _theorem("both-told-the-same", "Where nothing is lost and neither end fails the connection, both applications or "
             "neither are told that the connection was closed cleanly.",
             _told_apart, "7.1.1/close-cleanly"),
    _theorem("no-1006-without-reason", "No application is told 1006 unless the connection was lost or failed.",
             _told_1006, "7.1.1/close-cleanly", "7.3/closing-handshake-first"),
    _theorem("simultaneous-close", "Where both ends begin to close at the same time, both still close cleanly.",
             _simultaneous, "7.1.1/close-cleanly", needs=("5.5.1-12",)),
    _theorem("server-closes-tcp-first", "Where nothing is lost and neither end fails the connection, the server closes "
             "TCP first.",
             _client_first, "7.1.1/client-waits", "7.1.1/close-cleanly"),
    _theorem("someone-began", "Where nothing is lost and neither end fails the connection, an end began the closing "
             "handshake by its own choice.",
             _nobody_began, "7.3/closing-handshake-first"),
)  # fmt: skip
