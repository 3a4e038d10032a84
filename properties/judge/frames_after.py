"""The frames behind an opening handshake: how the trace is cut from there on, in one explanation of the handshake."""

from __future__ import annotations

from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import Role

from .explanation import Subject
from .history import History
from .moments import Moment
from .search import OpenedExplanation


def frames_after(history: History, opened: OpenedExplanation, subject: Subject) -> tuple[History, list[Moment]]:
    """The history in which frames are cut as this explanation has them, and its moments from there on.

    It is another history where octets that looked like a head are frames, once the connection is open, and where
    compressed messages are inflated.
    """
    state, early = opened.explanation.place.state, opened.early
    moments = [moment for moment in history.moments[opened.following :] if moment.what is not None]
    if state.recv_window or not history.frames_only_from(opened.sent_from):
        at, sent_from = opened.moment.at, opened.sent_from
        if early and state.recv_window and subject.setting.role is Role.CLIENT:
            sent_from = min(moment.what.start for moment in early if isinstance(moment.what, FrameUnit))
        history = history.under(state, subject.setting.limit, sent_from)
        moments = [m for m in history.moments if isinstance(m.what, FrameUnit) or m.at >= at]
        if sent_from < opened.sent_from:
            early = tuple(one._replace(what=m.what) for one, m in zip(early, moments, strict=False))
            moments = moments[len(early) :]
    return history, [*early, *moments]
