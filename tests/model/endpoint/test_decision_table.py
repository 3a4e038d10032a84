"""The decision table: what it takes, what it leaves, and that it stays small."""

from __future__ import annotations

from wsoracle.model.endpoint import decision_table as table_module
from wsoracle.model.endpoint.decision_table import MOST_ENTRIES, MOST_ROWS, DecisionTable, Row
from wsoracle.model.endpoint.events import EndpointEvent, Message
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Frame, Role
from wsoracle.model.rules import RULES

KEY = b"\x37\xfa\x21\x3d"
TEXT_RULES, BINARY_RULES = ("6.2/text-message",), ("6.2/binary-message",)


def _table(role: Role = Role.SERVER, limit: int = 100_000, *, echo: bool = False) -> DecisionTable:
    return DecisionTable(CompiledMachine(RULES, Setting(role, limit, echo)))


def _row(table: DecisionTable, state: State | None = None) -> Row:
    row = table.row(State() if state is None else state)
    assert row is not None
    return row


def _read(octets: bytes, table: DecisionTable | None = None, state: State | None = None) -> tuple[int, list[object]]:
    table = _table() if table is None else table
    events: list[EndpointEvent] = []
    at = table.read(_row(table, state), octets, 0, events)
    assert all(isinstance(event, Message) for event in events)
    return at, list(events)


def test_whole_messages_of_every_length() -> None:
    for role, key in ((Role.SERVER, KEY), (Role.CLIENT, None)):
        table = _table(role)
        for length in (*range(10), 124, 125, 126, 127, 128, 129, 1000, 4095, 4096, 4097, 65535):
            data = bytes(97 + index % 26 for index in range(length))
            octets = encode(Frame(TEXT, data, key=key)) + encode(Frame(BINARY, data, key=key))
            for _ in range(2):
                assert _read(octets, table) == (
                    len(octets),
                    [Message(data.decode(), TEXT_RULES), Message(data, BINARY_RULES)],
                )


def test_what_it_leaves_for_the_general_way() -> None:
    hello = encode(Frame(TEXT, b"Hello", key=KEY))
    for frame in (
        Frame(TEXT, b"\xff", key=KEY),
        Frame(TEXT, b"x" * 125 + b"\xff", key=KEY),
        Frame(TEXT, b"x", key=KEY, fin=False),
        Frame(CONTINUATION, b"x", key=KEY),
        Frame(PING, b"x", key=KEY),
        Frame(TEXT, b"x", key=KEY, rsv1=True),
        Frame(TEXT, b"x"),
        Frame(TEXT, b"x" * 200),
        Frame(TEXT, b"x", key=KEY, form=1),
        Frame(TEXT, b"x", key=KEY, form=2),
        Frame(BINARY, b"x" * 65536, key=KEY),
        Frame(3, b"x", key=KEY),
    ):
        for rounds in range(2):
            at, events = _read(hello + encode(frame) + hello)
            assert (at, len(events)) == (len(hello), 1), (frame, rounds)
    for frame in (Frame(TEXT, b"x", key=KEY), Frame(TEXT, b"\xff"), Frame(PING), Frame(TEXT, b"\xff" * 126)):
        assert _read(encode(frame), _table(Role.CLIENT)) == (0, [])


def test_what_is_not_complete_is_left() -> None:
    for role, key in ((Role.SERVER, KEY), (Role.CLIENT, None)):
        for size in (0, 5, 200):
            octets = encode(Frame(BINARY, b"x" * size, key=key))
            table = _table(role)
            for end in range(len(octets)):
                assert _read(octets[:end], table) == (0, [])


def test_the_stated_limit_holds() -> None:
    table = _table(limit=150)
    for size, taken in ((150, 1), (151, 0), (125, 1)):
        assert len(_read(encode(Frame(BINARY, b"x" * size, key=KEY)), table)[1]) == taken
    assert _read(encode(Frame(BINARY, b"x" * 9, key=KEY)), _table(limit=8)) == (0, [])


def test_what_changes_the_state_is_left() -> None:
    octets = encode(Frame(TEXT, b"Hello", key=KEY))
    assert _read(octets, _table(echo=True)) == (0, [])
    assert len(_read(octets, state=State(sent_close=True))[1]) == 1
    for state in (State(got_close=True), State(failed=True), State(tcp_open=False), State(pong_due=True)):
        assert _read(octets, state=state) == (0, [])
    assert _table().row(State(recv_type=TEXT)) is None


def test_it_is_bounded() -> None:
    table = _table()
    row = _row(table)
    for length in range(126, 126 + MOST_ENTRIES + 100):
        _read(encode(Frame(BINARY, bytes(length), key=KEY)), table)
        assert len(row.long) <= MOST_ENTRIES
    assert len(_read(encode(Frame(BINARY, bytes(130), key=KEY)), table)[1]) == 1
    for code in range(3 * MOST_ROWS):
        _row(table, State(close_code=1000 + code))
    assert len(table._rows) <= MOST_ROWS
    for two in range(0x8000, 0x8000 + MOST_ENTRIES + 100):
        table.read(row, two.to_bytes(2, "big") + bytes(4), 0, [])
        assert len(row.short) <= MOST_ENTRIES


def test_patterns_repeat_a_key() -> None:
    for words in range(6):
        assert table_module._pattern(words) * int.from_bytes(KEY, "big") == int.from_bytes(KEY * words, "big")
