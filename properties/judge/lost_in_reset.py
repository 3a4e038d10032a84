"""Units that an endpoint may have sent unseen before a reset of TCP: some frames and heads stand for all others.

A reset (RFC 9293, section 3.10.7) throws away what the receiver had not taken in, and a sender that closes with input
unread sends one. So a Close frame, a reply, or the answer of an opening handshake may be missing right before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsoracle.model.notation.head_variables import HEAD_SHAPES, ResponseFacts, value_of
from wsoracle.model.notation.variables import LOST, NO_CODE, FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, TEXT, Role

LOST_WITH_RESET = "TCP was reset: what the endpoint sent last may be lost"

CLEANLY = "7.1.1/close-cleanly"
"""The rule that a reset breaks for which no unread input is the reason: events do not tell how TCP is closed."""

_NORMAL = 1000
_ERRORS = (400, 426)


def unseen_closes(state: State, setting: Setting) -> Iterator[FrameFacts]:
    """Close frames that an endpoint in a state may have sent: with the code that fits, or without one."""
    masked = setting.role is Role.CLIENT
    codes = (state.fail_code,) if state.failed else (state.close_code, _NORMAL)
    for code in dict.fromkeys(code for code in codes if code not in (0, NO_CODE, LOST)):
        yield FrameFacts(CLOSE, masked=masked, length=2, code=code)
    yield FrameFacts(CLOSE, masked=masked)


def unseen_replies(state: State, setting: Setting) -> Iterator[FrameFacts]:
    """The last frame of what an endpoint may still have sent to its peer's application, or was about to end."""
    masked = setting.role is Role.CLIENT
    if state.send_type:
        yield FrameFacts(CONTINUATION, masked=masked, answers=True)
    elif state.reply_due:
        yield FrameFacts(TEXT, masked=masked, answers=True)


def unseen_answers(*, opening: bool = False) -> Iterator[ResponseFacts]:
    """Answers with which a server may have refused a request; one of them names the versions that it knows.

    With ``opening``, also the one by which it accepts: where TCP is lost, it may go on from there.
    """
    if opening:
        yield ResponseFacts()
    plain = HEAD_SHAPES[ResponseFacts][1]
    assert isinstance(plain, ResponseFacts)
    for status in _ERRORS:
        yield plain._replace(status=status)
        yield plain._replace(status=status, versions=value_of("versions", "a list with 13"))
