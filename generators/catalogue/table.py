"""What the tables of the catalogue are written with: frames in few words, and a case from a line of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from wsoracle.model.vocabulary import CLOSE, CONTINUATION, OPCODE_NAMES, Frame
from wsoracle.properties.observation import shown

from ..live_case import Action, LiveCase, SendFrame, SendOctets, Settle

__all__ = ["APART", "OCTETWISE", "a_case", "chopped", "close", "fragmented", "octets", "repetitions", "send"]

OCTETWISE: Final = 1
"""Writes of one octet each."""

APART: Final = 64
"""Each frame, none of which is longer, in a write of its own, and not joined with those beside it."""

MANY: Final = 100
"""Actions of a case that are no longer told one by one."""

_SMALL: Final = 15.0
_NOTHING: Final = 0.2
_MOST: Final = 100.0
_NAMES: Final = ("rsv1", "rsv2", "rsv3")


def send(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, length: int | None = None) -> SendFrame:
    """A frame; ``rsv`` are the three reserved bits as a number, RSV1 the highest; ``length`` as in `SendFrame`."""
    frame = Frame(opcode, payload, fin, bool(rsv & 4), bool(rsv & 2), bool(rsv & 1))
    return SendFrame(frame, length=length)


def close(code: int | None = 1000, reason: bytes = b"") -> SendFrame:
    """A Close; None: without a code."""
    return send(CLOSE, (b"" if code is None else code.to_bytes(2, "big")) + reason)


def chopped(chop: int | None, *actions: SendFrame) -> tuple[SendFrame, ...]:
    """The same frames in writes of so many octets."""
    return tuple(SendFrame(one.frame, chop, one.cut, one.length) for one in actions)


def fragmented(opcode: int, payload: bytes, size: int, length: int | None = None) -> tuple[SendFrame, ...]:
    """A message in fragments of ``size`` octets; with ``length``, of one octet again and again."""
    whole = len(payload) if length is None else length
    last = (whole - 1) // size
    if length is None:
        pieces = [payload[at : at + size] for at in range(0, whole, size)]
        return tuple(send(CONTINUATION if n else opcode, piece, fin=n == last) for n, piece in enumerate(pieces))
    if not last:
        return (send(opcode, payload, length=length),)
    middle = send(CONTINUATION, payload, fin=False, length=size)
    end = send(CONTINUATION, payload, length=whole - last * size)
    return (send(opcode, payload, fin=False, length=size), *(middle,) * (last - 1), end)


def a_case(
    case_id: str, group: tuple[str, ...], title: str, actions: Iterable[Action], *, log: bool = True
) -> LiveCase:
    """A case of the catalogue: what it sends is told from what it does, and so is the time that it may take."""
    done = tuple(actions)
    runs = repetitions(done)
    seconds = sum(_seconds(action) * count for action, count in runs)
    seconds = min(_MOST, round(_SMALL + seconds, 1)) if seconds > _NOTHING else _SMALL
    return LiveCase(case_id, title, in_words(runs), group, done, log=log, seconds=seconds)


def repetitions(actions: tuple[Action, ...]) -> list[tuple[Action, int]]:
    """Actions with how often they are done, in order. Of very many, the same one is named once, with the sum."""
    if len(actions) <= MANY:
        return [(action, 1) for action in actions]
    counts = Counter(map(id, actions))
    return [(action, counts[name]) for name, action in {id(action): action for action in actions}.items()]


def _seconds(action: Action) -> float:
    """What an action adds to the time that a case may take."""
    if isinstance(action, Settle):
        return 0.06
    if not isinstance(action, SendFrame):
        return 0.0
    return action.size / 200_000 + (1 if action.chop is None else action.size // action.chop) / 1_000


# --- in words


def in_words(runs: Sequence[tuple[Action, int]]) -> str:
    """What is sent, for people, in one sentence."""
    parts: list[str] = []
    before = 1
    for action, count in runs:
        if count > 1 and count == before:
            parts[-1] += f", {_told(action)}"
        else:
            parts.append(_told(action) if count == 1 else f"{count} times: {_told(action)}")
        before = count
    chops = {action.chop for action, _ in runs if isinstance(action, SendFrame)}
    longest = max((action.size for action, _ in runs if isinstance(action, SendFrame)), default=0)
    how = ""
    if len(chops) == 1 and (chop := chops.pop()) is not None:
        how = ", each in a write of its own" if chop > longest else f", in writes of {octets(chop)}"
    return "; then ".join(parts) + how + "."


def _told(action: Action) -> str:
    match action:
        case SendFrame():
            return _frame(action)
        case SendOctets():
            return f"of its payload {shown(action.octets)}"
        case Settle():
            return "wait until it is taken in"
    return "its end of TCP closed"


def _frame(action: SendFrame) -> str:
    frame = action.frame
    words = [OPCODE_NAMES[frame.opcode]]
    words += [] if frame.fin else ["without FIN"]
    bits = [name.upper() for name in _NAMES if getattr(frame, name)]
    words += ["with " + " and ".join(bits)] if bits else []
    if frame.opcode == CLOSE and frame.length >= 2:
        words.append(str(int.from_bytes(frame.payload[:2], "big")))
        words += [f"and the reason {shown(frame.payload[2:])}"] if frame.length > 2 else []
    elif action.cut is not None:
        words.append(f"(only its header, which declares {octets(action.size)})")
    elif action.length is not None:
        words.append(f"({octets(action.length)})")
    elif frame.payload:
        words.append(shown(frame.payload))
    else:
        words.append("(empty)")
    return " ".join(words)


def octets(count: int) -> str:
    """So many octets, in words: of 4194304 it says 4 MiB."""
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size and count % size == 0:
            return f"{count // size} {unit}"
    return "1 octet" if count == 1 else f"{count} octets"
