"""From a history of the model to a case: concrete octets, every allowed outcome, its visible events, and the control.

Theory of operation. The steps of a history are realised as octets and followed in the machine, which collects the
answers of the endpoint under test on the way (a Pong for each Ping, an echo for each message). At the last step each
outcome that the rules allow leads to a state, and the answers owed there (a Close, the end of TCP) complete the visible
events. Where order is free, each order is an outcome of its own: Pongs among echoes; only the latest Pong; and an end
that overtakes answers.
"""

from __future__ import annotations

from dataclasses import replace

from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.notation.variables import HANDSHAKE
from wsoracle.model.rules import RULES

from .allowed_outcomes import allowed_outcomes
from .case import Case
from .derived import checked, judge_only, negative
from .legal_twin import control_id, control_title, legal_twins
from .origin import Origin
from .realised_history import CannotBuildError, CaseHistory, RealisedHistory, from_opening


def build_case(case_id: str, origin: Origin, title: str, history: CaseHistory, description: str = "") -> list[Case]:
    """The case of a history and, where it is negative, its control before it.

    Raises :class:`CannotBuildError` for a history that no octets can bring about.
    """
    history = from_opening(history)
    run = RealisedHistory(history, machine_for(RULES, history.setting), history.start)
    for event, label in history.path:
        run.follow(event, label)
    state = run.state
    run.history = history = replace(history, event=run.realisable(history.event))
    frame = run.perform(history.event)
    allowed = tuple(allowed_outcomes(run, state, frame))
    claims = tuple(name for name in ("rsv1", "rsv2", "rsv3") if getattr(history.start, f"claims_{name}"))

    case = Case(
        id=case_id,
        title=title,
        steps=tuple(run.steps),
        roles=frozenset((history.setting.role,)),
        opening=history.start.handshake != HANDSHAKE.index("complete"),
        origin=origin,
        allowed=allowed,
        description=description,
        limit=history.setting.limit,
        switches=history.setting.switches,
        claims=claims,
    )
    if not negative(case):
        return [checked(case)]
    control = _control(history, on_its_own=run.on_its_own)
    return [control, checked(replace(case, control=control.id))]


def _control(history: CaseHistory, *, on_its_own: bool) -> Case:
    """The control of a negative case: the nearest legal twin that can be built and sent."""
    for twin in legal_twins(history, on_its_own=on_its_own):
        try:
            cases = build_case(control_id(twin), Origin("control"), control_title(twin), twin)
        except (CannotBuildError, ValueError):
            continue
        if len(cases) == 1 and judge_only(cases[0]) is None:
            return cases[0]
    raise CannotBuildError("there is no legal twin to serve as a control")
