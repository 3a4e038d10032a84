"""What chapter 15 of docs/spec.md says of two libraries, beside what they do."""

from importlib.metadata import version

import pytest

from tests.wsoracle.spec.test_document import BY_HAND, PATH, cells
from wsoracle.implementations import PeerUnderTest, available_peers
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.octets import frames
from wsoracle.model.octets.vocabulary import Frame, Role


def claims() -> dict[str, dict[str, str]]:
    """The table of chapter 15: library with version, switch, words."""
    lines = BY_HAND[BY_HAND.index("| switch | wsproto") :].splitlines()
    head, _, *rest = lines
    libraries = [cell.strip() for cell in cells(head)][1:]
    rows = [[cell.strip() for cell in cells(line)] for line in rest[: rest.index("")]]
    return {name: {row[0].strip("`"): row[i + 1] for row in rows} for i, name in enumerate(libraries)}


def test_the_text_speaks_of_the_locked_versions() -> None:
    locked = (PATH.parents[1] / "requirements" / "locked.txt").read_text(encoding="utf-8").splitlines()
    assert all(name.replace(" ", "==") in locked for name in claims())
    by_name = {switch.name: switch for switch in SWITCHES}
    for said_of in claims().values():
        for switch, words in said_of.items():
            assert any(words.startswith(value) for value in by_name[switch].values), (switch, words)


@pytest.mark.peers
@pytest.mark.parametrize("library", ["wsproto", "websockets"])
@pytest.mark.parametrize("role", Role)
def test_libraries_do_what_the_text_says_of_them(library: str, role: Role) -> None:
    factories = {peer.implementation: peer for peer in available_peers()}
    if library not in factories:
        pytest.skip(f"{library} is not installed")
    wanted = claims()[f"{library} {version(library)}"]
    behaviour = Behaviour(factories[library], role)
    assert {switch: behaviour.of(switch) for switch in wanted} == wanted


class Behaviour:
    """What a library does at the disputed points, in the words of the text."""

    def __init__(self, peer: type[PeerUnderTest], role: Role) -> None:
        self.peer = peer
        self.role = role

    def of(self, switch: str) -> str:
        match switch:
            case "code_1004":
                return self.codes(1004)
            case "code_1010_from_server":
                return self.codes(1010)
            case "codes_1012_to_1014":
                return self.codes(1012, 1013, 1014)
            case "codes_unassigned":
                return self.codes(1016, 2999)
            case "codes_5000_and_more":
                return self.codes(5000, 65535)
            case "non_minimal_lengths":
                refused = {self.fails(self.frame(1, b"hi", form=form)) for form in (1, 2)}
                return {True: "refuse", False: "accept"}[refused.pop()] if len(refused) == 1 else "either"
            case "invalid_utf8_noticed":
                first = self.frame(1, b"\xff", fin=False)
                assert self.fails(first, self.frame(0, b"", fin=True))
                return "at once" if self.fails(first) else "at the end"
            case "close_inside_message":
                inside = self.fails(self.frame(1, b"a", fin=False), self.frame(8, b"\x03\xe8"))
                return "refused" if inside else "allowed"
            case "control_after_close":
                return "must" if self.answers_after_close() else "never"
        raise AssertionError(f"nothing is known of {switch}")

    def codes(self, *codes: int) -> str:
        refused = [c for c in codes if self.fails(self.frame(8, c.to_bytes(2, "big")))]
        if not refused:
            return "accept"
        return "refuse" if len(refused) == len(codes) else f"refuse {', '.join(map(str, refused))}, accept the others"

    def frame(self, opcode: int, payload: bytes, *, fin: bool = True, form: int | None = None) -> bytes:
        key = bytes.fromhex("37fa213d") if self.role is Role.SERVER else None
        return frames.encode(Frame(opcode, payload, fin, key=key, form=form))

    def fails(self, *frames: bytes) -> bool:
        peer = self.peer.opened(self.role)
        for frame in frames:
            peer.receive(frame)
        return any(event.kind == "failed" for event in peer.events())

    def answers_after_close(self) -> bool:
        peer = self.peer.opened(self.role)
        peer.send_close(1000)
        peer.octets_to_send()
        peer.receive(self.frame(9, b"x"))
        return bool(peer.octets_to_send())
