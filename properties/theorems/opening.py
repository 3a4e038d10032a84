"""The theorems on the opening handshake: when a server accepts, when a client opens, and what happens before.

The conditions of sections 4.1 and 4.2.1 are written here a second time on purpose, as a list of plain sentences, and
not taken from the rules: a theorem says that the rows, which name faults, add up to just these conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import z3

from wsoracle.model.machine.interpreted import Kind, Label
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
from wsoracle.model.notation.expression import Expr, Var, all_of, any_of
from wsoracle.model.notation.head_variables import (
    ANSWER_PARAMETERS,
    HEAD_VARIABLES,
    MISFITS,
    constrains_unasked,
    is_,
    window_unsaid,
)
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import SWITCHES, is_set_to
from wsoracle.model.notation.variables import (
    CLAIMS,
    STATE_VARIABLES,
    EventKind,
    State,
    browser,
    defines_rsv1,
    defines_rsv2,
    defines_rsv3,
    established,
    failed,
    handshake_is,
    is_data,
    method_get,
    peer_open,
    server,
    status,
)

from .induction import NEXT, SOLVER_MILLISECONDS, Monitor, SafetyProperty, always, check_never, described
from .theorem import ProofResult, Theorem, TheoremKind, TheoremSubject, proved, refuted


class HeadCondition(NamedTuple):
    """One thing that a head must have, in English and formally."""

    sentence: str
    holds: Expr


REQUEST: Final[tuple[HeadCondition, ...]] = (
    HeadCondition("It is a request of HTTP.", is_("syntax", "well-formed", "tolerated")),
    HeadCondition("The method is GET.", method_get),
    HeadCondition("The version of HTTP is at least 1.1.", is_("http", "1.1", "higher than 1.1")),
    HeadCondition("The target is a resource name, or an absolute URI with one.",
                  is_("target", "a resource name", "an absolute http or https URI")),
    HeadCondition("There is one Host field, and it is valid.", is_("host", "one")),
    HeadCondition("Upgrade includes websocket.",
                  is_("upgrade", "websocket", "a list with websocket", "websocket more than once")),
    HeadCondition("Connection includes Upgrade.",
                  is_("connection", "Upgrade", "Upgrade more than once", "Upgrade beside no token")),
    HeadCondition("There is one key.", is_("key", "16 octets", "another number of octets", "not base64")),
    HeadCondition("There is one version, and it is 13.", is_("version", "13")),
    HeadCondition("The subprotocols, if there are any, are a list of tokens.",
                  ~is_("protocols", "not a list of tokens")),
    HeadCondition("The extensions, if there are any, are a list as section 9.1 has it.",
                  ~is_("offers", "not a list of extensions")),
)  # fmt: skip
"""The conditions of a server on a request, the switches at their defaults."""

BEYOND_DISPUTE: Final = all_of([
    *(condition.holds for condition in REQUEST),
    is_("syntax", "well-formed"), is_("http", "1.1"), is_("upgrade", "websocket"), is_("connection", "Upgrade"),
    is_("key", "16 octets"),
    ~is_("protocols", "with a repeated token"), is_("origin", "absent"), ~is_("body", "announced"),
])  # fmt: skip
"""A request that leaves a server no reason to refuse it, but its application's."""

_VALUES: Final = all_of([
    is_(name, "absent", "more than once", *(["without a value"] if name.endswith("takeover") else
                                            [f"{n} bits" for n in range(8, 16)]))
    for name in ANSWER_PARAMETERS
])  # fmt: skip

ANSWER: Final = (
    HeadCondition("It is a response of HTTP.", is_("syntax", "well-formed", "tolerated")),
    HeadCondition("The status is 101.", status == 101),
    HeadCondition("Upgrade is websocket.", is_("upgrade", "websocket", "websocket more than once")),
    HeadCondition("Connection includes Upgrade.",
                  is_("connection", "Upgrade", "Upgrade more than once", "Upgrade beside no token")),
    HeadCondition("There is a Sec-WebSocket-Accept, and it fits the key.", is_("accept", "right", "repeated")),
    HeadCondition("The subprotocol, if there is one, was offered.",
                  is_("subprotocol", "absent", "offered", "none chosen")),
    HeadCondition("The extensions, if there are any, were offered, with parameters that are known.",
              is_("extensions", "absent", "offered")),
    HeadCondition("permessage-deflate, if it is accepted, is so once, and with each parameter at most once.",
                  ~is_("deflate", "more than one") & ~any_of([is_(n, "more than once") for n in ANSWER_PARAMETERS])),
    HeadCondition("Its parameters have values where they have to, and fit an offer (RFC 7692, section 7).",
                  is_("deflate", "absent") | (_VALUES & HEAD_VARIABLES["sound_offer"] & ~any_of(MISFITS))),
)  # fmt: skip
"""The conditions of a client on the answer, the switches at their defaults."""

UNDISPUTED: Final = all_of([
    *(condition.holds for condition in ANSWER),
    is_("syntax", "well-formed"), is_("http", "1.1"), is_("upgrade", "websocket"),
    is_("connection", "Upgrade"), is_("accept", "right"), is_("subprotocol", "absent", "offered"),
    is_("versions", "absent"), is_("body", "absent"), ~window_unsaid,
    ~constrains_unasked,
])  # fmt: skip
"""An answer that leaves a client no reason to fail the connection."""

DEFAULTS: Final = all_of([is_set_to(switch.name, switch.default) for switch in SWITCHES])


def _conditions(conditions: Sequence[HeadCondition]) -> Expr:
    return all_of([condition.holds for condition in conditions])


class _Question:
    """The outcomes of a rule set for a head, in any state where it is read, the switches at their defaults."""

    def __init__(self, rules: RuleSet, kind: EventKind, when: Expr) -> None:
        self.kind = kind
        built = SymbolicMachine(rules)
        self.state, self.facts = built.state_env(), built.frame_env()
        self.env = built.environment(self.state, self.facts)
        self.labels = built.allowed_labels(kind, self.state, self.facts)
        self.solver = z3.Solver()
        self.solver.set("timeout", SOLVER_MILLISECONDS)
        self.solver.add(built.setting_bounds, *within_bounds(STATE_VARIABLES.values(), self.state))
        self.solver.add(built.possible(kind, self.state, self.facts), term(when & DEFAULTS, self.env))

    def allows(self, *kinds: Kind, delivers: str | None = None) -> Any:
        """An outcome of one of these kinds is allowed."""

        def wanted(label: Label) -> bool:
            return label.kind in kinds and (delivers is None or label.delivers == delivers)

        return z3.Or(z3.BoolVal(False), *(when for label, when in self.labels.items() if wanted(label)))

    def term(self, expression: Expr) -> Any:
        """The Z3 term of an expression about the head."""
        return term(expression, self.env)

    def example(self, *terms: Any) -> list[str] | None:
        """A head for which the terms hold, in words; None where no head does. TimeoutError where Z3 gives up."""
        answer = self.solver.check(*terms)
        if answer == z3.unknown:
            raise TimeoutError(self.solver.reason_unknown())
        if answer == z3.unsat:
            return None
        return [f"{self.kind.value} {described(read_event(self.solver.model(), self.kind, self.facts))}"]


_METHOD: Final = "Z3: every head, every state in which one is read, default switches"
READING_REQUEST: Final = peer_open & ~failed
READING_ANSWER: Final = peer_open & ~failed & handshake_is("awaiting 101")
ACCEPTED: Final = "opening handshake"
OPEN: Final = "open"


def _exactly(
    kind: EventKind, when: Expr, delivers: str, conditions: Sequence[HeadCondition]
) -> Callable[[TheoremSubject], ProofResult]:
    """Accepting is allowed exactly where all conditions hold."""

    def check(subject: TheoremSubject) -> ProofResult:
        question = _Question(subject.rules, kind, when)
        found = question.example(
            question.allows(Kind.ACCEPT, delivers=delivers) != question.term(_conditions(conditions))
        )
        return proved(_METHOD, witnesses=[c.sentence for c in conditions]) if found is None else refuted(_METHOD, found)

    return check


def _each_fault(
    kind: EventKind, when: Expr, delivers: str, conditions: Sequence[HeadCondition]
) -> Callable[[TheoremSubject], ProofResult]:
    """For each condition: a head that breaks it alone exists, and is not accepted."""

    def check(subject: TheoremSubject) -> ProofResult:
        question = _Question(subject.rules, kind, when)
        examples = []
        for broken in conditions:
            others = all_of([c.holds for c in conditions if c is not broken])
            alone = question.term(others & ~broken.holds)
            example = question.example(alone)
            if example is None:
                return refuted(_METHOD, [f"nothing breaks this alone: {broken.sentence}"])
            accepted = question.example(alone, question.allows(Kind.ACCEPT, delivers=delivers))
            if accepted is not None:
                return refuted(_METHOD, accepted)
            examples.append(f"{broken.sentence} Refused: {example[0]}")
        return proved(_METHOD, witnesses=examples)

    return check


def _no_other_reason(subject: TheoremSubject) -> ProofResult:
    question = _Question(subject.rules, EventKind.RECEIVE_REQUEST, READING_REQUEST)
    found = question.example(question.allows(Kind.REFUSE), question.term(BEYOND_DISPUTE))
    return proved(_METHOD) if found is None else refuted(_METHOD, found)


def _other_answers_open_nothing(subject: TheoremSubject) -> ProofResult:
    question = _Question(subject.rules, EventKind.RECEIVE_RESPONSE, READING_ANSWER)
    found = question.example(question.allows(Kind.FAIL), question.term(UNDISPUTED))
    return proved(_METHOD) if found is None else refuted(_METHOD, found)


# --- over runs ------------------------------------------------------------------------------------------------------


def _is(kind: EventKind) -> Expr:
    return EVENT_KIND == KINDS.index(kind)


def _stays(names: Sequence[str], state: State) -> Expr:
    first = state._asdict()
    return all_of([
        (STATE_VARIABLES[n] if first[n] else ~STATE_VARIABLES[n]) if isinstance(first[n], bool)
        else STATE_VARIABLES[n] == first[n]
        for n in names
    ])  # fmt: skip


receives_frame, sends_frame = _is(EventKind.RECEIVE), _is(EventKind.SEND)
receives_request, sends_request = _is(EventKind.RECEIVE_REQUEST), _is(EventKind.SEND_REQUEST)
receives_response, sends_response = _is(EventKind.RECEIVE_RESPONSE), _is(EventKind.SEND_RESPONSE)
accepts: Final = OUTCOME == OUTCOMES.index(Kind.ACCEPT)
refuses: Final = OUTCOME == OUTCOMES.index(Kind.REFUSE)
opens: Final = ~established & (NEXT["handshake"] == 0)
by_answer: Final = (sends_response | receives_response) & (status == 101)
final_response: Final = (sends_response | receives_response) & (status >= 200)

has_opened: Final = Var("has_opened")
request_accepted: Final = Var("request_accepted")
request_waits: Final = Var("request_waits")
has_requested: Final = Var("has_requested")
OPENED: Final = Monitor(has_opened, established, has_opened | by_answer & ~(OUTCOME == OUTCOMES.index(Kind.FAIL)))
TAKEN: Final = Monitor(request_accepted, False, (request_accepted & ~final_response) | (
    receives_request & accepts & ~is_("key", "absent")))  # fmt: skip
WAITS: Final = Monitor(
    request_waits, False,
    (request_waits & ~final_response & ~by_answer) | ((receives_request & (accepts | refuses)) | sends_request),
)  # fmt: skip
ASKED: Final = Monitor(has_requested, False, has_requested | sends_request)


def _never(when: Expr, *monitors: Monitor) -> SafetyProperty:
    return SafetyProperty(when, monitors)


def _theorem(
    name: str, statement: str, check: Callable[[TheoremSubject], ProofResult], suspects: Sequence[str]
) -> Theorem:
    return Theorem(f"opening/{name}", TheoremKind.SAFETY, statement, check, tuple(suspects))


def _safety(name: str, statement: str, wanted: SafetyProperty, *suspects: str) -> Theorem:
    def check(subject: TheoremSubject) -> ProofResult:
        return check_never(subject.rules, wanted)

    return _theorem(name, statement, check, suspects)


_REQUESTS: Final = (EventKind.RECEIVE_REQUEST, READING_REQUEST, ACCEPTED, REQUEST)
_ANSWERS: Final = (EventKind.RECEIVE_RESPONSE, READING_ANSWER, OPEN, ANSWER)

CONDITIONS: Final = (
    _theorem("server-accepts-exactly-when",
             f"A server may answer a request with 101 exactly where all of {len(REQUEST)} conditions hold.",
             _exactly(*_REQUESTS), ["4.2.1/connection", "4.2.1/sound-request"]),
    _theorem("each-fault-of-a-request-is-enough",
             f"Each of the {len(REQUEST)} conditions can be broken alone, and a server that meets such a request must "
             "not accept it.",
             _each_fault(*_REQUESTS), ["4.2.1/get-only"]),
    _theorem("no-other-reason-to-refuse",
             "A request that breaks no condition and touches no disputed point leaves the protocol no reason to refuse "
             "it.",
             _no_other_reason, ["4.2.1/host~without-host-is-repeated-or-invalid", "4.2.1/host"]),
    _theorem("client-opens-exactly-when",
             f"A client may take the connection for established exactly where all of {len(ANSWER)} conditions hold on "
             "the answer.",
             _exactly(*_ANSWERS), ["4.1/answer-accept", "4.1/established"]),
    _theorem("each-fault-of-an-answer-is-enough",
             f"Each of the {len(ANSWER)} conditions can be broken alone, and a client that gets such an answer must "
             "not take the connection for established.",
             _each_fault(*_ANSWERS), ["4.1/answer-upgrade"]),
    _theorem("no-other-reason-to-fail",
             "An answer that breaks no condition and touches no disputed point never makes a client fail the "
             "connection.",
             _other_answers_open_nothing, ["4.1/answer-accept"]),
)  # fmt: skip

RUNS: Final = (
    _safety("opened-by-101-alone", "Nothing but a response with status 101 ever establishes a connection.",
            _never(opens & ~by_answer), "4.1/other-status~undoes-handshake"),
    _safety("server-opens-after-a-sound-request", "A server opens only a connection for which it has accepted a "
            "request.",
            _never(server & opens & ~request_accepted, TAKEN), "4.2.2/nothing-to-accept"),
    _safety("client-opens-after-its-request", "A client opens only a connection on which it has sent a request.",
            _never(~server & opens & ~has_requested, ASKED), "4.1/unasked-response"),
    _safety("opened-with-the-right-accept", "A connection opens only with the Sec-WebSocket-Accept that fits the key.",
            _never(opens & ~is_("accept", "right", "repeated")), "4.1/answer-accept", "4.2.2/send-accept"),
    _safety("no-subprotocol-that-was-not-offered", "A connection never opens with a subprotocol that the client did "
            "not offer.",
            _never(opens & is_("subprotocol", "not offered", "not one token")),
            "4.1/answer-subprotocol", "4.2.2/send-offered-subprotocol"),
    _safety("no-extension-that-was-not-offered", "A connection never opens with an extension that the client did not "
            "offer.",
            _never(opens & is_("extensions", "not offered", "not a list of extensions")),
            "4.1/answer-extensions", "4.2.2/send-offered-extensions"),
    _safety("bits-are-those-agreed-on", "The reserved bits that may be used are just those that the extensions in the "
            "answer define.",
            _never(opens & any_of([NEXT[name] != bit for name, bit in
                                   zip(CLAIMS, (defines_rsv1, defines_rsv2, defines_rsv3), strict=True)])),
            "4.1/established~no-claims_rsv1", "4.2.2/accept~no-claims_rsv1"),
    _safety("open-is-for-ever", "An opening handshake that is complete is never undone.",
            _never(established & (NEXT["handshake"] != 0)), "6.1/send-text~sets-handshake"),
    _safety("no-frame-is-sent-before-open", "No frame is sent before the connection is open.",
            _never(sends_frame & ~has_opened, OPENED), "4.1/handshake-before-data"),
    _safety("no-message-before-open", "A connection that is not open delivers no message.",
            _never(receives_frame & accepts & is_data & ~has_opened, OPENED),
            "4.2.1/sound-request~undoes-handshake"),
    _safety("client-waits-for-the-answer", "Once a client has sent its request, it sends nothing before the answer.",
            _never(~server & (sends_frame | sends_request) & request_waits, WAITS),
            "4.1/wait-for-response", "4.1/handshake-before-data"),
    _safety("every-request-is-answered", "A server does not stay silent, with TCP open both ways, while a request has "
            "no answer.",
            _never(server & peer_open & _is(EventKind.SILENCE) & request_waits, WAITS),
            "4.2.1/response-owed", "10.7/response-owed"),
    _safety("answered-before-closing", "A server does not close TCP while a handshake has no answer, unless the client "
            "has ended it.",
            _never(server & peer_open & _is(EventKind.CLOSE_TCP) & handshake_is("awaiting 101", "to be refused")),
            "10.7/answer-before-closing"),
    _safety("faults-are-answered-with-an-error", "A request that is refused is never answered with a final status "
            "that is neither an error nor a redirect.",
            _never(sends_response & (status >= 200) & ((status < 300) | (status >= 600))
                   & handshake_is("to be refused", "unreadable", "another version")),
            "4.2.1/error-for-faulty", "4.2.2/error-for-version"),
    _safety("other-versions-are-told-ours", "A request of another version is never answered with 426 and without the "
            "versions that the server knows.",
            _never(sends_response & (status == 426) & handshake_is("another version")
                   & ~is_("versions", "a list with 13")), "4.4/name-versions"),
    _safety("connecting-ends-with-tcp", "Whatever the stage of the opening handshake, the peer's end of TCP ends its "
            "part.",
            _never(_is(EventKind.RECEIVE_EOF) & NEXT["peer_open"]), "7.1.4/not-established~undoes-peer_open"),
    _safety("client-fails-when-lost", "A client whose TCP ends before the answer has failed the connection.",
            _never(_is(EventKind.RECEIVE_EOF) & ~server & peer_open & handshake_is("not begun", "awaiting 101")
                   & ~NEXT["failed"]), "7.2.1/client-lost~no-failed"),
    _safety("browsers-say-where-they-come-from", "A browser's request names its origin.",
            _never(sends_request & browser & is_("origin", "absent")), "4.1/send-origin"),
    _safety("handshake-leaves-no-trace", "Before the opening handshake is complete, all that frames change is as it is "
            "right after it.",
            always(established | _stays([n for n in STATE_VARIABLES
                                         if n not in ("handshake", "failed", "tcp_open", "peer_open")], State())),
            "4.2.1/sound-request~sets-sent_close"),
)  # fmt: skip

OPENING: Final = (*CONDITIONS, *RUNS)
