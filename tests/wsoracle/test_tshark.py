"""What is inside TLS, with a log of its keys: TLS that two ends in this process speak, in packets that tshark reads."""

import shutil
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.capture_files import ANSWER, OPENING, REQUEST, Said, Sent, packets_of, pcap, segments_of
from wsoracle import tshark
from wsoracle.cli import program
from wsoracle.harness.serving import untrusted_tls

HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
MASKED_ECHO: list[Said] = [*OPENING, (True, HELLO), (False, HELLO)]
ECHO: list[Said] = [*OPENING, (True, HELLO), (False, b"\x81\x05Hello"), (True, bytes.fromhex("88820000000003e8"))]
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

needs_tshark = pytest.mark.skipif(shutil.which(tshark.PROGRAM) is None, reason="tshark is not installed")


class TlsTalk:
    """A client and a server without sockets: what TLS makes of what they say, and the log of the client's keys."""

    def __init__(self, keylog: Path, version: ssl.TLSVersion) -> None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.maximum_version = version
        client.keylog_filename = str(keylog)
        self._wire = {True: ssl.MemoryBIO(), False: ssl.MemoryBIO()}
        self._ends = {
            True: client.wrap_bio(self._wire[False], self._wire[True]),
            False: untrusted_tls().wrap_bio(self._wire[True], self._wire[False], server_side=True),
        }
        self.crossed: list[Said] = []
        self._logged = dict.fromkeys(self._wire, b"")

    def says(self, said: Iterable[Said]) -> list[Said]:
        """The octets of TLS, by who writes them."""
        done: set[bool] = set()
        while len(done) < 2:
            for end in (True, False):
                try:
                    self._ends[end].do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
                self._cross(end)
        for end, what in said:
            assert isinstance(what, bytes)
            self._ends[end].write(what)
            self._cross(end)
            got = b""
            while len(got) < len(what):
                got += self._ends[not end].read()
        return self.crossed

    def _cross(self, end: bool) -> None:
        octets = self._wire[end].read()
        if octets:
            self.crossed.append((end, octets))
            self._wire[end].write(octets)


def captured(tmp_path: Path, said: list[Said], version: ssl.TLSVersion = VERSIONS[1], *,
             lost: Callable[[int, Sent], bool] = lambda number, one: False) -> tuple[str, str]:  # fmt: skip
    """The files of a capture and of the log of its keys."""
    capture, keys = tmp_path / "tls.pcap", tmp_path / "keys.log"
    sent = segments_of([*TlsTalk(keys, version).says(said), (True, "FIN"), (False, "FIN")])
    kept = [one for number, one in enumerate(sent) if not lost(number - len(sent), one)]
    capture.write_bytes(pcap(packets_of(kept)))
    return str(capture), str(keys)


def judged(capture: str, keys: str) -> Result:
    return CliRunner().invoke(program, ["judge", "--keylog", keys, capture])


@needs_tshark
@pytest.mark.parametrize("version", VERSIONS, ids=lambda one: one.name)
def test_both_ends_are_judged_inside_tls(tmp_path: Path, version: ssl.TLSVersion) -> None:
    fine = judged(*captured(tmp_path, ECHO, version))
    assert fine.exit_code == 0, fine.output
    assert [line.split()[0] for line in fine.stdout.splitlines() if not line.startswith(" ")] == ["OK", "OK"]
    assert "10.0.0.1:40000 -> 10.0.0.2:80, inside TLS: a client" in fine.stdout
    faulty = judged(*captured(tmp_path, MASKED_ECHO, version))
    assert faulty.exit_code == 1
    assert "inside TLS: a server (behaviour FAILED" in faulty.stdout
    assert "5.1/server-does-not-mask" in faulty.stdout


@needs_tshark
def test_without_its_keys_a_connection_is_said_and_not_judged(tmp_path: Path) -> None:
    capture, _ = captured(tmp_path, ECHO)
    other = tmp_path / "other.log"
    other.write_text("")
    result = judged(capture, str(other))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "1 connection with TLS without an opening handshake that the log of keys shows" in result.stderr


@needs_tshark
def test_a_connection_with_a_hole_is_not_judged(tmp_path: Path) -> None:
    """The segment with the client's text is lost: what the server sends would look like its own idea."""
    capture, keys = captured(
        tmp_path, MASKED_ECHO, lost=lambda number, one: one.client and bool(one.data) and number == -4
    )
    result = judged(capture, keys)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "of which the capture lacks segments: not judged" in result.stderr


@needs_tshark
@pytest.mark.parametrize("with_keys", [False, True])
def test_a_connection_that_was_captured_from_its_middle_is_said(tmp_path: Path, with_keys: bool) -> None:
    """Whatever segment behind its opening the capture begins with; a plain connection beside it is judged."""
    plain = pcap(packets_of(segments_of([*OPENING, (True, "FIN"), (False, "FIN")]), ports=(41000, 80)))
    for kept in range(4, 8):
        capture, keys = captured(tmp_path, ECHO, lost=lambda number, _, kept=kept: number < -kept)  # type: ignore[misc]
        Path(capture).write_bytes(Path(capture).read_bytes() + plain[24:])
        result = CliRunner().invoke(program, ["judge", *(("--keylog", keys) if with_keys else ()), capture])
        assert (result.exit_code, result.stdout.count("OK  ")) == (0, 2), result.output
        assert "1 TCP connection with TLS, captured from the middle, which no keys open" in result.stderr


def test_a_tshark_that_fails_amid_its_output_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, capture = tmp_path / "keys.log", tmp_path / "tls.pcap"
    keys.write_text("")
    capture.write_bytes(pcap(packets_of(segments_of([*OPENING, (True, "FIN"), (False, "FIN")]))))
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for said, status in (
        ("out of memory", 2),
        ('The file "-" appears to have been cut short in the middle of a packet.', 0),
    ):
        (tmp_path / "tshark").write_text(f"#!/bin/sh\nprintf '1\\t2\\n'; echo 'tshark: {said}' >&2\nexit 2\n")
        (tmp_path / "tshark").chmod(0o755)
        result = judged(str(capture), str(keys))
        assert result.exit_code == status
        assert ("tshark cannot read it: tshark: out of memory" in result.stderr) == bool(status)


@needs_tshark
def test_connections_with_and_without_tls_are_judged_together(tmp_path: Path) -> None:
    capture, keys = captured(tmp_path, ECHO)
    plain = packets_of(segments_of([(True, REQUEST), (False, ANSWER)]), ports=(41000, 80))
    octets = Path(capture).read_bytes() + pcap(plain)[24:]
    Path(capture).write_bytes(octets)
    result = judged(capture, keys)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [":41000" in line for line in result.stdout.splitlines() if not line.startswith(" ")].count(True) == 2
    assert result.stdout.count("inside TLS: a ") == 2


def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, trace = tmp_path / "keys.log", tmp_path / "trace.json"
    keys.write_text("")
    trace.write_text("{}")
    assert "--keylog is for captures of packets" in judged(str(trace), str(keys)).stderr
    trace.write_bytes(pcap(packets_of(segments_of(OPENING))))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "--keylog needs tshark, which is not installed" in judged(str(trace), str(keys)).stderr
    (tmp_path / "tshark").write_text("#!/bin/sh\necho 'tshark: no such thing' >&2\nexit 4\n")
    (tmp_path / "tshark").chmod(0o755)
    assert "tshark cannot read it: tshark: no such thing" in judged(str(trace), str(keys)).stderr
    (tmp_path / "tshark").write_text("#!/bin/sh\nsleep 60\n")
    monkeypatch.setattr(tshark, "SECONDS", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert "takes longer than" in judged(str(trace), str(keys)).stderr
    assert "keys.txt" in judged(str(trace), str(tmp_path / "keys.txt")).stderr
