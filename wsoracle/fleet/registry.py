"""The registry of real implementations: one row each, and nothing about any of them elsewhere.

The scripts are in ``scripts/``, and so are ``requirements.txt`` and ``package.json``, which pin packages. In a
command line ``{python}`` is the interpreter of the fleet's virtual environment, ``{scripts}`` the folder of scripts,
``{modules}`` node_modules, ``{built}`` the folder for what is compiled, ``{port}`` the port to listen on (0: the
system picks one), ``{url}`` the fuzzing server and ``{agent}`` the name in its reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from wsoracle.model.octets.vocabulary import Role

__all__ = ["PEERS", "Kind", "Peer", "find"]

Kind = Literal["pip", "npm", "apt"]


@dataclass(frozen=True, slots=True)
class Peer:
    """An implementation.

    `code_base` is what reads and writes its frames, `language` what that is written in. `packages` are the names that
    `kind` installs, first the one whose version is shown; `also` names packages whose versions are shown beside it.
    `programs` are (program, Debian package) pairs that must be on the PATH. `server` and `client` are command lines,
    empty where it has no such role. `build` are commands that make `artifact` (a path below ``{built}``) from
    `source` (below ``{scripts}``). `version` is a command whose output holds the version; without one it is read from
    what the package manager installed.
    """

    name: str
    language: str
    code_base: str
    kind: Kind
    packages: tuple[str, ...]
    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    programs: tuple[tuple[str, str], ...] = ()
    source: str = ""
    artifact: str = ""
    build: tuple[tuple[str, ...], ...] = ()
    version: tuple[str, ...] = ()
    notes: str = ""

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles in which it can be run."""
        commands = {Role.SERVER: self.server, Role.CLIENT: self.client}
        return tuple(role for role, command in commands.items() if command)


def _python(script: str, *more: str) -> tuple[str, ...]:
    return ("{python}", f"{{scripts}}/python/{script}.py", *more)


def _node(script: str, *more: str) -> tuple[str, ...]:
    return ("node", f"{{scripts}}/javascript/{script}.cjs", *more)


_SERVER: Final = ("{port}",)
_CLIENT: Final = ("{url}", "{agent}")
_NODE: Final = (("node", "nodejs"), ("npm", "npm"))
_NPM: Final = (("npm", "npm"),)
_BUN: Final = "{modules}/bun/bin/bun.exe"
_DENO: Final = ("{modules}/.bin/deno", "run", "--quiet", "--no-prompt", "--allow-net")

_JARS: Final = ":".join(
    f"/usr/share/java/{jar}.jar"
    for jar in (
        *(f"jetty9-{part}" for part in ("server", "http", "io", "util", "util-ajax", "servlet", "security", "client")),
        *(f"jetty9-websocket-{part}" for part in ("api", "common", "client", "server", "servlet")),
        "servlet-api",
    )
)
_JETTY: Final = ("java", "-Dorg.eclipse.jetty.LEVEL=WARN", "-cp", f"{{built}}/jetty:{_JARS}", "JettyPeer")

PEERS: Final = (
    Peer(
        "websockets", "Python", "websockets", "pip", ("websockets",),
        server=_python("websockets_server", *_SERVER),
        client=_python("websockets_client", *_CLIENT),
        notes="asyncio; WEBSOCKETS_MAX_FRAGMENTS raised from 4,096",
    ),
    Peer(
        "websockets-threads", "Python", "websockets", "pip", ("websockets",),
        server=_python("websockets_threads_server", *_SERVER),
        client=_python("websockets_threads_client", *_CLIENT),
        notes="blocking, a thread a connection; WEBSOCKETS_MAX_FRAGMENTS raised from 4,096",
    ),
    Peer(
        "wsproto", "Python", "wsproto", "pip", ("wsproto",),
        server=_python("wsproto_server", *_SERVER),
        client=_python("wsproto_client", *_CLIENT),
        notes="sans-I/O: the script answers pings and closes, as wsproto's documentation says",
    ),
    Peer(
        "aiohttp", "Python/Cython", "aiohttp", "pip", ("aiohttp",),
        server=_python("aiohttp_server", *_SERVER),
        client=_python("aiohttp_client", *_CLIENT),
        notes="max_msg_size=0",
    ),
    Peer(
        "tornado", "Python", "tornado", "pip", ("tornado",),
        server=_python("tornado_server", *_SERVER),
        client=_python("tornado_client", *_CLIENT),
    ),
    Peer(
        "trio-websocket", "Python", "wsproto", "pip", ("trio-websocket", "trio"), also=("wsproto",),
        server=_python("trio_websocket_server", *_SERVER),
        client=_python("trio_websocket_client", *_CLIENT),
        notes="on wsproto; the client's timeouts lowered from 60 s",
    ),
    Peer(
        "picows", "Python/Cython", "picows", "pip", ("picows",),
        server=_python("picows_server", *_SERVER),
        client=_python("picows_client", *_CLIENT),
        notes="its websockets-like layer, which joins fragments and checks UTF-8",
    ),
    Peer(
        "autobahn", "Python", "autobahn", "pip", ("autobahn", "twisted"), also=("twisted",),
        server=_python("autobahn_server", *_SERVER),
        client=_python("autobahn_client", *_CLIENT),
        notes="on Twisted; failByDrop=False",
    ),
    Peer(
        "websocket-client", "Python", "websocket-client", "pip", ("websocket-client",),
        client=_python("websocket_client_client", *_CLIENT),
        notes="no extensions; the application closes after an error",
    ),
    Peer(
        "uvicorn-websockets", "Python", "websockets", "pip", ("uvicorn", "websockets"), also=("websockets",),
        server=_python("uvicorn_server", *_SERVER, "websockets"),
        notes="uvicorn --ws websockets",
    ),
    Peer(
        "uvicorn-websockets-sansio", "Python", "websockets", "pip", ("uvicorn", "websockets"), also=("websockets",),
        server=_python("uvicorn_server", *_SERVER, "websockets-sansio"),
        notes="uvicorn --ws websockets-sansio",
    ),
    Peer(
        "uvicorn-wsproto", "Python", "wsproto", "pip", ("uvicorn", "wsproto"), also=("wsproto",),
        server=_python("uvicorn_server", *_SERVER, "wsproto"),
        notes="uvicorn --ws wsproto",
    ),
    Peer(
        "hypercorn", "Python", "wsproto", "pip", ("hypercorn", "wsproto"), also=("wsproto",),
        server=_python("hypercorn_server", *_SERVER),
        notes="accepts permessage-deflate where it is offered, which cannot be turned off",
    ),
    Peer(
        "ws", "JavaScript", "ws", "npm", ("ws",), programs=_NODE,
        server=_node("ws_server", *_SERVER),
        client=_node("ws_client", *_CLIENT),
        notes="maxPayload and maxFragments 0",
    ),
    Peer(
        "undici", "JavaScript", "undici", "npm", ("undici",), programs=_NODE,
        client=_node("undici_client", *_CLIENT),
        notes="offers permessage-deflate",
    ),
    Peer(
        "faye-websocket", "JavaScript", "websocket-driver", "npm", ("faye-websocket", "websocket-driver"),
        also=("websocket-driver",), programs=_NODE,
        server=_node("faye_websocket_server", *_SERVER),
        client=_node("faye_websocket_client", *_CLIENT),
        notes="on websocket-driver",
    ),
    Peer(
        "websocket-driver", "JavaScript", "websocket-driver", "npm", ("websocket-driver",), programs=_NODE,
        server=_node("websocket_driver_server", *_SERVER),
        client=_node("websocket_driver_client", *_CLIENT),
        notes="sans-I/O",
    ),
    Peer(
        "bun", "Zig/C++", "bun", "npm", ("bun",), programs=_NPM,
        server=(_BUN, "{scripts}/javascript/bun_server.js", *_SERVER),
        client=(_BUN, "{scripts}/javascript/web_client.js", *_CLIENT),
        notes="the server is uWebSockets",
    ),
    Peer(
        "deno", "Rust", "fastwebsockets", "npm", ("deno",), programs=_NPM,
        server=(*_DENO, "{scripts}/javascript/deno_server.js", *_SERVER),
        client=(*_DENO, "{scripts}/javascript/web_client.js", *_CLIENT),
    ),
    Peer(
        "libwebsockets", "C", "libwebsockets", "apt", ("libwebsockets-dev",), programs=(("cc", "gcc"),),
        server=("{built}/libwebsockets_peer", "server", *_SERVER),
        client=("{built}/libwebsockets_peer", "client", *_CLIENT),
        source="c/libwebsockets_peer.c", artifact="libwebsockets_peer",
        build=(("cc", "-O2", "-o", "{built}/libwebsockets_peer", "{scripts}/c/libwebsockets_peer.c", "-lwebsockets"),),
        version=("{built}/libwebsockets_peer", "--version"),
        notes="LWS_SERVER_OPTION_VALIDATE_UTF8",
    ),
    Peer(
        "gorilla", "Go", "gorilla/websocket", "apt", ("golang-github-gorilla-websocket-dev",),
        programs=(("go", "golang-go"),),
        server=("{built}/gorilla_peer", "server", *_SERVER),
        client=("{built}/gorilla_peer", "client", *_CLIENT),
        source="go/gorilla_peer.go", artifact="gorilla_peer",
        build=(("go", "build", "-o", "{built}/gorilla_peer", "{scripts}/go/gorilla_peer.go"),),
        notes="the script checks UTF-8, which the library leaves to the application",
    ),
    Peer(
        "beast", "C++", "Boost.Beast", "apt", ("libboost-dev", "libboost-system-dev"), programs=(("c++", "g++"),),
        server=("{built}/beast_peer", "server", *_SERVER),
        client=("{built}/beast_peer", "client", *_CLIENT),
        source="cpp/beast_peer.cpp", artifact="beast_peer",
        build=(("c++", "-std=c++17", "-O1", "-pthread", "-o", "{built}/beast_peer", "{scripts}/cpp/beast_peer.cpp"),),
        version=("{built}/beast_peer", "--version"),
        notes="writes messages in fragments of 4 KiB; the version is Boost's",
    ),
    Peer(
        "jetty", "Java", "Jetty", "apt", ("libjetty9-java", "libjetty9-extra-java"),
        programs=(("javac", "default-jdk-headless"), ("java", "default-jdk-headless")),
        server=(*_JETTY, "server", *_SERVER),
        client=(*_JETTY, "client", *_CLIENT),
        source="java/JettyPeer.java", artifact="jetty/JettyPeer.class",
        build=(("javac", "-nowarn", "-d", "{built}/jetty", "-cp", _JARS, "{scripts}/java/JettyPeer.java"),),
        version=(*_JETTY, "--version"),
    ),
    Peer(
        "chromium", "C++", "Chromium", "apt", ("chromium",), programs=(("chromium", "chromium"),),
        client=("{python}", "{scripts}/browser/browser_client.py", "chromium", *_CLIENT),
        version=("chromium", "--version"),
        notes="headless, driven by a page; offers permessage-deflate; starts in 1 to 3 s",
    ),
)  # fmt: skip
"""Every implementation, Python's first."""


def find(name: str) -> Peer | None:
    """The row of a name; None where there is none."""
    return next((peer for peer in PEERS if peer.name == name), None)
