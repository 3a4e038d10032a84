"""A case as a script that plays its octets with a standard library alone: for Python, and for bash.

The script of a case for servers is a client, that for clients listens. Both make the opening handshake, unless the case
makes its own, and print what comes back; they judge nothing.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from importlib import resources
from typing import Final, Literal

from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.deflate_parameters import DEFLATE
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role

from ..cases.case import Case
from ..cases.compression import FIELD, Compression, alone, field_value
from ..cases.steps import EndSending, SendFrame, SendHead, SendOctets, Settle, octets_of, runs

ScriptForm = Literal["python", "sh"]

KEY: Final = bytes.fromhex("37fa213d")
"""The masking key of the example in section 5.7, in every frame of a script: what a real client never does."""

_MOST_HEX: Final = 1024
"""More octets than these are packed in a script for Python; a script for bash takes eight times as many, not packed."""


class NoScript(ValueError):
    """There is no such script; the message says what to do."""


def script_of(case: Case, role: Role, form: ScriptForm) -> str:
    """The script that plays a case to an endpoint of a role. Raises :class:`NoScript`."""
    if role not in case.roles:
        raise NoScript(f"{case.id} is not for a {role}: leave --role out")
    return _python(case, role) if form == "python" else _sh(case, role)


def _steps(case: Case, role: Role) -> Iterator[tuple[str, bytes, int, int | None]]:
    """What a script does: `send`, `head`, `wait` or `end`, with octets, how often, and the longest write."""
    key = KEY if role is Role.SERVER else None
    if case.compression is not None and case.compresses:
        yield from _compressed(case, case.compression, key)
    last: SendFrame | None = None
    for action, times in runs(case.actions[-1:] if case.compresses else case.actions):
        match action:
            case SendFrame() | SendOctets():
                yield "send", octets_of(action, key), times, action.chop
            case SendHead():
                yield "head", action.octets, times, None
            case Settle():
                yield "wait", b"", 1, None
            case EndSending():
                yield "end", b"", 1, None
        if not isinstance(action, Settle):
            last = action if isinstance(action, SendFrame) else None
    # The tester closes what is still open.
    closes = last is not None and last.is_whole and last.frame.opcode != CLOSE and not case.opening
    if closes or case.compresses:
        yield "wait", b"", 1, None
        yield "send", encode(Frame(CLOSE, (1000).to_bytes(2, "big"), key=key)), 1, None
    if role is Role.CLIENT and not any(isinstance(action, EndSending) for action in case.actions):
        # Section 7.1.1: a client waits for the server to close TCP.
        yield "wait", b"", 1, None
        yield "end", b"", 1, None


def _compressed(
    case: Case, compression: Compression, key: bytes | None
) -> Iterator[tuple[str, bytes, int, int | None]]:
    """The messages of a case, each as often as it is sent in all, compressed so that they fit whatever is agreed on."""
    messages = [action for action in case.actions if isinstance(action, SendFrame)]
    for message in dict.fromkeys(messages):
        octets = alone(message.frame.opcode, message.payload, compression.fragment, key)
        yield "send", octets, messages.count(message), None
        yield "wait", b"", 1, None


def _fields(case: Case, role: Role) -> list[str]:
    """What a script puts into its head beside what every head has."""
    if case.compression is None:
        return []
    answer = DEFLATE if case.compresses else field_value([case.compression.wanted.parameters(role)])
    return [f"{FIELD}: {case.compression.offer if role is Role.SERVER else answer}"]


def _about(case: Case) -> str:
    """What the case is, as text that fits into a docstring and into comments."""
    words = f"{case.id}: {case.title}\n\n{case.stimulus}".replace("\\", "\\\\").replace('"', "'")
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in words)


# --- Python -----------------------------------------------------------------------------------------------------------

_CLIENT: Final = """
def main():
    host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "/"
    named = f"{host}:{port}"
    connection = socket.create_connection((host, port), timeout=10)
    connection.settimeout(None)
    reader = Reader(connection)
    reader.start()
    if not OPENING:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {named}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *FIELDS]
        print("\\n".join("> " + line for line in lines), flush=True)
        connection.sendall("".join(line + "\\r\\n" for line in [*lines, ""]).encode())
        reader.wait(lambda: reader.head is not None, 10)
        if reader.head is None or b" 101" not in reader.head[:13]:
            sys.exit("the server did not open the connection")
    target, named = path.encode(), named.encode()
    play(connection, reader, lambda octets: octets.replace(SAMPLE_TARGET, target).replace(SAMPLE_HOST, named))


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
main()
"""

_SERVER: Final = """
def main():
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print(f"listening on ws://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
    connection, _ = listening.accept()
    reader = Reader(connection)
    reader.start()
    reader.wait(lambda: reader.head is not None, 10)
    lines = (reader.head or b"").decode("latin-1").split("\\r\\n")
    keys = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("sec-websocket-key:")]
    told = hashlib.sha1(((keys or [""])[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    accept = base64.b64encode(told).decode()
    if not OPENING:
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Accept: {accept}", *FIELDS]
        print("\\n".join("> " + line for line in lines), flush=True)
        connection.sendall("".join(line + "\\r\\n" for line in [*lines, ""]).encode())
    play(connection, reader, lambda octets: octets.replace(SAMPLE_ACCEPT, accept.encode()))


if len(sys.argv) != 2:
    sys.exit(__doc__)
main()
"""


def _python(case: Case, role: Role) -> str:
    template = (resources.files(__package__) / "data" / "play_case.py.txt").read_text(encoding="utf-8")
    server = role is Role.SERVER
    samples = (SAMPLE_URI.resource_name.encode(), SAMPLE_URI.host_header.encode(), accept_value(SAMPLE_KEY).encode())
    filled = {
        "@WHAT@": _about(case),
        "@ROLE@": role.value,
        "@USAGE@": "HOST PORT [/PATH]" if server else "PORT    (0: any), then let the client connect",
        "@STEPS@": "\n".join(f"    {_python_step(*step)}," for step in _steps(case, role)),
        "@OPENING@": str(case.opening),
        "@FIELDS@": repr(_fields(case, role)),
        "@SAMPLES@": repr(samples)[1:-1],
        "@MAIN@": (_CLIENT if server else _SERVER).strip(),
    }
    for mark, text in filled.items():
        template = template.replace(mark, text, 1)
    return template


def _python_step(what: str, octets: bytes, times: int, chop: int | None) -> str:
    if what in ("wait", "end"):
        return f'("{what}",)'
    packed = "z" + base64.b64encode(zlib.compress(octets, 9)).decode("ascii")
    return f'("{what}", "{octets.hex() if len(octets) <= _MOST_HEX else packed}", {times}, {chop})'


# --- bash -------------------------------------------------------------------------------------------------------------

_SH: Final = """#!/usr/bin/env bash
@WHAT@
# It plays the octets of this case to a WebSocket server and prints what comes back. bash, od and timeout are needed:
#     bash SCRIPT HOST PORT [/PATH]
host=${1:?HOST PORT [/PATH]} port=${2:?HOST PORT [/PATH]} path=${3:-/}
exec 3<>"/dev/tcp/$host/$port" || exit 1
timeout 5 cat <&3 | od -A d -t x1z -v &
play() { printf '%b' "$1" >&3; }
"""

_SH_OPENING: Final = """printf '%s\\r\\n' "GET $path HTTP/1.1" "Host: $host:$port" \\
    'Upgrade: websocket' 'Connection: Upgrade' \\
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' 'Sec-WebSocket-Version: 13' @FIELDS@'' >&3
sleep 0.5
"""


def _sh(case: Case, role: Role) -> str:
    if role is not Role.SERVER:
        raise NoScript("a script for a shell cannot listen: use --script python for clients")
    about = "\n".join(f"# {line}".rstrip() for line in _about(case).splitlines())
    fields = "".join(f"'{field}' " for field in _fields(case, role))
    opening = "" if case.opening else _SH_OPENING.replace("@FIELDS@", fields)
    lines = [_SH.replace("@WHAT@", about, 1) + opening]
    for what, octets, times, _ in _steps(case, role):
        if len(octets) > 8 * _MOST_HEX:
            raise NoScript(f"{case.id} sends {len(octets):,} octets at once: use --script python")
        if what == "wait":
            lines.append("sleep 0.5\n")
        elif what == "end":
            raise NoScript(f"{case.id} closes half of TCP, which a shell cannot: use --script python")
        else:
            line = f"play '{_escaped(octets, what == 'head')}'\n"
            lines.append(line if times == 1 else f"for _ in $(seq {times}); do {line.rstrip()}; done\n")
    return "".join([*lines, "wait\n"])


def _escaped(octets: bytes, is_head: bool) -> str:
    """Octets as `printf %b` takes them, between single quotes; the host and the target of a head are variables."""
    text = "".join(f"\\x{octet:02x}" for octet in octets)
    if is_head:
        for sample, variable in (
            (SAMPLE_URI.resource_name, "$path"),
            (SAMPLE_URI.host_header, "$host:$port"),
        ):
            text = text.replace(_escaped(sample.encode(), False), f"'\"{variable}\"'")
    return text
