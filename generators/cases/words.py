"""The actions of a tester in words."""

from __future__ import annotations

from collections import Counter
from typing import Final

from wsoracle.model.octets.units import shown
from wsoracle.model.octets.vocabulary import CLOSE, OPCODE_NAMES

from .steps import Action, SendFrame, SendHead, SendOctets, Settle

MANY: Final = 100
"""Actions of a case that are no longer told one by one."""

HEAD_LINE: Final = b"\r\n"
_NAMES: Final = ("rsv1", "rsv2", "rsv3")


def repetitions(actions: tuple[Action, ...]) -> list[tuple[Action, int]]:
    """Actions with their counts, in order. Where there are very many, each appears once, with the sum."""
    if len(actions) <= MANY:
        return [(action, 1) for action in actions]
    if actions[0] is actions[2]:
        one, other = actions[::2], actions[1::2]
        if one.count(one[0]) == len(one) and other.count(other[0]) == len(other):
            return [(one[0], len(one)), (other[0], len(other))]
    middle = actions[1:-1]
    if middle.count(middle[0]) == len(middle):  # quick where it is the same object again and again
        return [(actions[0], 1), (middle[0], len(middle)), (actions[-1], 1)]
    counts = Counter(map(id, actions))
    return [(action, counts[name]) for name, action in {id(action): action for action in actions}.items()]


def in_words(actions: tuple[Action, ...]) -> str:
    """The stimulus for people, in one sentence."""
    runs = repetitions(actions)
    parts: list[str] = []
    before = 1
    for action, count in runs:
        if count > 1 and count == before:
            parts[-1] += f", {told(action)}"
        else:
            parts.append(told(action) if count == 1 else f"{count} times: {told(action)}")
        before = count
    chops = {action.chop for action, _ in runs if isinstance(action, SendFrame)}
    longest = max((action.size for action, _ in runs if isinstance(action, SendFrame)), default=0)
    how = ""
    if len(chops) == 1 and (chop := chops.pop()) is not None:
        how = ", each in a write of its own" if chop > longest else f", in writes of {octets(chop)}"
    return "; then ".join(parts) + how + "."


def told(action: Action) -> str:
    """One action."""
    match action:
        case SendFrame():
            return _frame(action)
        case SendOctets():
            return f"{'the octets' if action.masked_from is None else 'of its payload'} {shown(action.octets)}"
        case SendHead():
            return f"the head {shown(action.octets.partition(HEAD_LINE)[0])}"
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
    elif action.excerpt is not None:
        words.append(f"({octets(action.size)} from {octets(action.excerpt.start)} of {action.excerpt.name} on)")
    elif action.length is not None:
        words.append(f"({octets(action.length)})")
    elif frame.payload:
        words.append(shown(frame.payload))
    else:
        words.append("(empty)")
    return " ".join(words)


def change_in_words(name: str, value: object) -> str:
    """An unusual fact of a head and its value, in words that are true whatever the client has offered."""
    shown_value = "one that the client is taken to have offered" if value == "offered" else str(value).lower()
    return f"{name.replace('_', ' ')} is {shown_value}"


def octets(count: int) -> str:
    """A number of octets in words: 4194304 is 4 MiB."""
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size and count % size == 0:
            return f"{count // size} {unit}"
    return "1 octet" if count == 1 else f"{count} octets"
