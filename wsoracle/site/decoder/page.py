"""The page of the decoder: its form, its examples, and what it says where Pyodide is not beside it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final, NamedTuple

from wsoracle.model.notation.switches import SWITCHES, Switch

from .packing import ARCHIVE, PYODIDE

NAME: Final = "decoder.html"
TITLE: Final = "Decoder"
SCRIPT: Final = "decoder.js"
WORKER: Final = "decoder-worker.js"


class DecoderExample(NamedTuple):
    """A text to begin with, and the endpoint that receives it."""

    title: str
    text: str
    role: str


_MASKED: Final = "81 85 37 fa 21 3d 7f 9f 4d 51 58"
_KEY: Final = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
_REQUEST: Final = (
    f"GET /chat HTTP/1.1\nHost: example.org\nUpgrade: websocket\nConnection: Upgrade\n{_KEY}Sec-WebSocket-Version: 13\n"
)
EXAMPLES: Final = (
    DecoderExample("A text", "81 05 48 65 6c 6c 6f", "client"),
    DecoderExample("The same text, sent to a server", "81 05 48 65 6c 6c 6f", "server"),
    DecoderExample("Two fragments with a Ping between them", "01 03 48 65 6c 89 00 80 02 6c 6f", "client"),
    DecoderExample("A Close with a code that no frame may have", "88 82 37 fa 21 3d 34 17", "server"),
    DecoderExample("The beginning of a frame", "89 fe", "server"),
    DecoderExample("Rows of xxd", "00000000: 8105 4865 6c6c 6f                        ..Hello\n", "client"),
    DecoderExample("A request", _REQUEST, "server"),
    DecoderExample("A conversation", f"> {_MASKED}\n< {_MASKED}\n", "server"),
    DecoderExample("A request without a key", _REQUEST.replace(_KEY, ""), "server"),
)  # fmt: skip


def decoder_body(template: str, loaded: Mapping[str, bytes] | None) -> str:
    """The main content; ``loaded`` are the files that are loaded when it is first used, None where there are none."""
    if loaded is None:
        return (
            f"<h1>{TITLE}</h1><p class=lead>It decodes pasted octets and captures in the page, with the model's own "
            "Python.</p>"
            "<p>This site was written without it, since it needs Pyodide, which is Python for browsers. To have it, "
            "write the site again:</p>"
            f"<pre tabindex=0>npm install --prefix pyodide pyodide@{PYODIDE}\n"
            "wsoracle site --out DIR --pyodide pyodide</pre>"
            '<p>The octets of any frame, field by field, are shown by <a href="explorer.html">the explorer</a>, which '
            "needs nothing: build a frame of either endpoint there.</p>"
            "<p>In a terminal the same is said by <code>wsoracle explain</code> and <code>wsoracle judge</code>.</p>"
        )
    examples = "".join(
        f'<li><button type=button data-text="{escape(one.text)}" data-role={one.role}>{escape(one.title)}</button></li>'
        for one in EXAMPLES
    )
    size = f"{sum(map(len, loaded.values())) / 1e6:.0f} MB"
    return template.format(
        title=TITLE, size=size, own=f"{len(loaded[ARCHIVE]) / 1e3:.0f} KB", version=PYODIDE, page=NAME,
        examples=examples, switches="".join(map(_switch, SWITCHES)),
    )  # fmt: skip


def _switch(switch: Switch) -> str:
    """A choice among the values of a disputed point."""
    values = "".join(
        f"<option{' selected' if value == switch.default else ''}>{value}</option>" for value in switch.values
    )
    question = f"{escape(switch.question)} <span class=dim>(section {switch.sections})</span>"
    return (
        f"<p><label for={switch.name}>{question}</label> "
        f"<select id={switch.name} data-switch={switch.name}>{values}</select></p>"
    )
