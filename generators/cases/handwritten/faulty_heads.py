"""Further samples of faults in opening handshakes: one sample tells whether a fault is looked for, several how.

Each has one fact that is not as in the sound head; what follows from that fact the rules say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import Role

from ..case import Case
from .heads import ACCEPT, CONNECTION, FIRST, KEY, UPGRADE, VERSION, changed, head_case

GROUP: Final = "More samples of faults"

_METHODS: Final = ("HEAD", "get", "OPTIONS", "GETT")
_UPGRADES: Final = ("web-socket", "websockets", "websocket2", "xwebsocket", "h2c", "TLS/1.0")
_CONNECTIONS: Final = ("close", "keep-alive", "Upgraded", "x-Upgrade", "Up-grade")
_VERSIONS: Final = ("0", "8", "12", "14", "131", "255")
_ACCEPTS: Final = {
    "of-another-key": "0000000000000000000000000w0=",
    "of-no-key": "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=",
    "empty": "",
}
"""The accept values that belong to no request: of octets by chance, of the GUID alone, none."""


def faulty_heads() -> Iterator[Case]:
    """The cases, for servers and then for clients."""
    server, client = Role.SERVER, Role.CLIENT
    for method in _METHODS:
        lines = changed(server, FIRST[server], FIRST[server].replace("GET", method))
        yield head_case("sample", server, f"method-{method}", f"the method is {method}", GROUP, lines)
    lines = changed(server, KEY, "Sec-WebSocket-Key: ")
    yield head_case("sample", server, "key-empty", "the key is empty", GROUP, lines)
    for version in _VERSIONS:
        lines = changed(server, VERSION, f"Sec-WebSocket-Version: {version}")
        yield head_case("sample", server, f"version-{version}", f"the version is {version}", GROUP, lines)
    for role in (server, client):
        for old, values in ((UPGRADE, _UPGRADES), (CONNECTION, _CONNECTIONS)):
            field = old.partition(":")[0]
            for value in values:
                name = f"{field.lower()}-{value.lower().replace('/', '-')}"
                title = f"the value of {field} is {value}"
                yield head_case("sample", role, name, title, GROUP, changed(role, old, f"{field}: {value}"))
    for name, value in _ACCEPTS.items():
        lines = changed(client, ACCEPT, f"Sec-WebSocket-Accept: {value}")
        title = f"the accept value is {value or 'empty'}"
        yield head_case("sample", client, f"accept-{name}", title, GROUP, lines)
