"""The theorems on permessage-deflate: what is agreed, and what enters the window that both ends keep (RFC 7692).

That both ends' windows are equal is proved of the pair (``.pair``, ``.opening_pair``); here, of one endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import z3

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.symbolic import (
    EVENT_KIND,
    KINDS,
    OUTCOME,
    OUTCOMES,
    SymbolicMachine,
    read_event,
    term,
    within_bounds,
)
from wsoracle.model.notation.expression import Expr, all_of, any_of
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, is_, window_unsaid
from wsoracle.model.notation.variables import (
    AGREED,
    STATE_VARIABLES,
    EventKind,
    distance,
    established,
    handshake_is,
    is_control,
    is_damaged,
    possible_agreement,
    reach,
    received_deflated,
    recv_compressed,
    recv_history,
    recv_type,
    recv_window,
    send_compressed,
    send_history,
    send_takeover,
    send_type,
    send_window,
    sent_deflated,
    server,
    status,
    tcp_open,
)

from .induction import NEXT, SOLVER_MILLISECONDS, SafetyProperty, always, check_never, described
from .opening import DEFAULTS, HeadCondition
from .theorem import ProofResult, Theorem, TheoremKind, TheoremSubject, proved, refuted

_asks_bits, _server_bits = HEAD_VARIABLES["asks_bits"], HEAD_VARIABLES["server_bits"]
_asks_no_takeover = HEAD_VARIABLES["asks_no_takeover"]
_WINDOWS: Final = tuple(f"{n} bits" for n in range(8, 16))

AGREEMENT: Final = (
    HeadCondition("An offer is one that need not be declined.", HEAD_VARIABLES["sound_offer"]),
    HeadCondition("The extension is accepted once.", is_("deflate", "one")),
    HeadCondition("server_no_context_takeover is absent or has no value.",
                  is_("server_no_takeover", "absent", "without a value")),
    HeadCondition("client_no_context_takeover is absent or has no value.",
                  is_("client_no_takeover", "absent", "without a value")),
    HeadCondition("server_max_window_bits is absent, or a number of 8 to 15.",
                  is_("server_bits", "absent", *_WINDOWS)),
    HeadCondition("client_max_window_bits is absent, or a number of 8 to 15.",
                  is_("client_bits", "absent", *_WINDOWS)),
    HeadCondition("A server that is asked to take over no context says that it does not.",
                  ~_asks_no_takeover | is_("server_no_takeover", "without a value")),
    HeadCondition("A server that is asked for a window has none that is larger.",
                  is_("asks_bits", "absent") | (is_("server_bits", *_WINDOWS) & ~(_server_bits > _asks_bits))),
    HeadCondition("The client's window is limited only where the client has offered that.",
                  is_("client_bits", "absent") | HEAD_VARIABLES["takes_client_bits"]),
)  # fmt: skip
"""When an answer agrees to an offer, as sections 5 and 7 of RFC 7692 have it: written a second time, on purpose."""

_RIGHT_OTHERWISE: Final = all_of([
    status == 101, is_("syntax", "well-formed"), is_("http", "1.1"), is_("upgrade", "websocket"),
    is_("connection", "Upgrade"), is_("accept", "right"), is_("subprotocol", "absent", "offered"),
    is_("extensions", "offered"), is_("body", "absent"), is_("versions", "absent"), ~is_("deflate", "absent"),
    ~window_unsaid,
])  # fmt: skip
_METHOD: Final = "Z3: every answer, the default switches"


def _accepts_exactly_when(subject: TheoremSubject) -> ProofResult:
    """A server may answer with permessage-deflate exactly where all conditions hold; a client opens exactly then."""
    conditions = all_of([condition.holds for condition in AGREEMENT])
    for kind, here, outcome in (
        (EventKind.SEND_RESPONSE, server & tcp_open, Kind.PERMIT),
        (EventKind.RECEIVE_RESPONSE, ~server & STATE_VARIABLES["peer_open"] & ~STATE_VARIABLES["failed"], Kind.ACCEPT),
    ):
        built = SymbolicMachine(subject.rules)
        state, facts = built.state_env(), built.frame_env()
        env = built.environment(state, facts)
        allowed = [when for label, when in built.allowed_labels(kind, state, facts).items() if label.kind is outcome]
        solver = z3.Solver()
        solver.set("timeout", SOLVER_MILLISECONDS)
        solver.add(built.setting_bounds, *within_bounds(STATE_VARIABLES.values(), state))
        awaited = here & handshake_is("awaiting 101") & _RIGHT_OTHERWISE & DEFAULTS
        solver.add(built.possible(kind, state, facts), term(awaited, env))
        answer = solver.check(z3.Or(z3.BoolVal(False), *allowed) != term(conditions, env))
        if answer == z3.unknown:
            raise TimeoutError(solver.reason_unknown())
        if answer == z3.sat:
            return refuted(_METHOD, [f"{kind.value} {described(read_event(solver.model(), kind, facts))}"])
    return proved(_METHOD, witnesses=[condition.sentence for condition in AGREEMENT])


def _is(kind: EventKind) -> Expr:
    return EVENT_KIND == KINDS.index(kind)


receives, sends = _is(EventKind.RECEIVE), _is(EventKind.SEND)
accepts = receives & (OUTCOME == OUTCOMES.index(Kind.ACCEPT))
opens: Final = ~established & (NEXT["handshake"] == 0)


def _changed(*names: str) -> Expr:
    return any_of([NEXT[name] != STATE_VARIABLES[name] for name in names])


def _safety(
    name: str, statement: str, never: Expr, suspects: Sequence[str], requirements: Sequence[str] = ()
) -> Theorem:
    def check(subject: TheoremSubject) -> ProofResult:
        return check_never(subject.rules, SafetyProperty(never))

    return Theorem(f"compression/{name}", TheoremKind.SAFETY, statement, check, tuple(suspects), tuple(requirements))


def _always(name: str, statement: str, invariant: Expr, suspects: Sequence[str]) -> Theorem:
    def check(subject: TheoremSubject) -> ProofResult:
        return check_never(subject.rules, always(invariant))

    return Theorem(f"compression/{name}", TheoremKind.SAFETY, statement, check, tuple(suspects))


_HISTORIES: Final = ("recv_history", "send_history")

COMPRESSION: Final = (
    Theorem("compression/agreed-exactly-when", TheoremKind.SAFETY,
            f"A server may accept permessage-deflate, and a client take that for agreed, exactly where "
            f"{len(AGREEMENT)} conditions hold on the answer and an offer.",
            _accepts_exactly_when, ("7692.7.1.2.2/unoffered-window", "7692.5/answer-fits-no-offer")),
    _safety("nothing-agreed-unoffered",
            "No server opens a connection with permessage-deflate where no offer is sound, with a larger window of its "
            "own than was asked for, with a context that was not wanted, or with a window for a client that has not "
            "offered one.",
            opens & server & ~is_("deflate", "absent")
            & ~all_of([AGREEMENT[index].holds for index in (0, 6, 7, 8)]),
            ["7692.7/decline-unsound", "7692.7.1.2.1/within-window"], ["7692.7.1.2.2-05"]),
    _always("agreed-for-both-directions",
            "permessage-deflate is agreed for both directions or for none, with RSV1 and windows of 256 to 32,768 "
            "octets.",
            possible_agreement, ["4.2.2/accept~no-recv_window", "4.2.2/accept~no-send_window"]),
    _safety("agreed-for-ever", "What is agreed never changes after the opening handshake.",
            established & _changed(*AGREED), ["5.5.3/pong~sets-recv_window", "5.5.3/pong~sets-claims_rsv1"]),
    _safety("control-frames-change-no-window", "A control frame never changes a window, nor whether a message in "
            "progress is compressed, unless the message is given up.",
            (accepts | sends) & is_control
            & (_changed(*_HISTORIES) | ((NEXT["recv_type"] != 0) & _changed("recv_compressed"))
               | ((NEXT["send_type"] != 0) & _changed("send_compressed"))),
            ["5.5.2/ping~undoes-recv_history"]),
    _safety("plain-messages-change-no-window", "A message that is not compressed never changes a window.",
            (accepts & ~received_deflated & _changed("recv_history"))
            | (sends & ~sent_deflated & _changed("send_history")),
            ["5.4/text-message~sets-recv_history"], ["7692.6.1-02", "7692.6.2-02"]),
    _always("no-window-without-agreement", "Without permessage-deflate there is no history, and no compressed message.",
            (recv_window != 0) | ((recv_history == 0) & (send_history == 0) & ~recv_compressed & ~send_compressed),
            ["5.4/text-message~sets-recv_history"]),
    _always("mark-ends-with-its-message", "Between messages none is taken for compressed.",
            ((recv_type != 0) | ~recv_compressed) & ((send_type != 0) | ~send_compressed),
            ["5.4/last-text-fragment~no-recv_compressed"]),
    _safety("distances-within-the-window", "No compressed message is sent with a distance beyond the agreed window.",
            sends & sent_deflated & (distance > send_window),
            ["7692.7.2.1/server-window", "7692.7.2.1/client-window"], ["7692.7.2.1-12", "7692.7.2.1-14"]),
    _safety("independent-without-takeover", "Where no context is taken over, no compressed message that is sent refers "
            "to one before it.",
            sends & sent_deflated & ~send_takeover & (reach > 0),
            ["7692.7.2.1/server-context", "7692.7.2.1/client-context"], ["7692.7.2.1-07", "7692.7.2.1-10"]),
    _safety("nothing-before-all-history", "No message is accepted or sent that refers to octets that never were, or "
            "that DEFLATE cannot read.",
            (accepts & received_deflated & ((reach > recv_history) | is_damaged("malformed")))
            | (sends & sent_deflated & ((reach > send_history) | is_damaged("cut inside a block", "malformed"))),
            ["7692.7.2.2/malformed", "7692.7.2.1/send-deflate"]),
)  # fmt: skip
