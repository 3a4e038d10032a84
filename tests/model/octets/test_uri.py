"""ws and wss URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.uri import AUTHORITY, RESOURCE_NAME, WebSocketUri, parse_uri

PCHARS = st.text("azAZ09-._~!$&'()*+,;=:@", max_size=5) | st.sampled_from(["%23", "%C3%a4"])
PATHS = st.lists(PCHARS, max_size=4).map(lambda segments: "".join(f"/{segment}" for segment in segments))
QUERIES = st.none() | st.tuples(PCHARS, st.sampled_from(["", "/", "?", "a=b"])).map("".join)
HOSTS = st.sampled_from(["example.com", "EXAMPLE.com", "127.0.0.1", "[::1]", "[2001:DB8::7]", "x", "a_b", "%41"])


@given(st.sampled_from(["ws", "wss", "WS", "wsS"]), HOSTS, st.none() | st.integers(1, 65535), PATHS, QUERIES)
def test_components(scheme: str, host: str, port: int | None, path: str, query: str | None) -> None:
    secure = scheme.lower() == "wss"
    text = f"{scheme}://{host}" + ("" if port is None else f":{port}") + path + ("" if query is None else f"?{query}")
    uri = parse_uri(text)
    assert uri == WebSocketUri(
        secure,
        host.lower(),
        port or (443 if secure else 80),
        (path or "/") + (f"?{query}" if query else ""),
    )
    assert RESOURCE_NAME.fullmatch(uri.resource_name)
    assert AUTHORITY.fullmatch(uri.host_header)
    assert parse_uri(f"{scheme}://{uri.host_header}{uri.resource_name}") == uri
    assert (uri.host_header == uri.host) is (port in (None, 443 if secure else 80))


@given(st.text(max_size=20) | st.text("ws:/[]?#%x1@ ", max_size=20).map(lambda rest: f"ws://{rest}"))
def test_any_text_is_a_uri_or_refused(text: str) -> None:
    try:
        uri = parse_uri(text)
    except ValueError as error:
        assert str(error)
    else:
        assert uri.resource_name.startswith("/") and 0 < uri.port < 65536 and "#" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ws://example.com/chat", (False, "example.com", 80, "/chat", "example.com")),
        ("wss://example.com", (True, "example.com", 443, "/", "example.com")),
        ("ws://example.com?x=1", (False, "example.com", 80, "/?x=1", "example.com")),
        ("ws://example.com/?", (False, "example.com", 80, "/", "example.com")),
        ("ws://example.com:443/", (False, "example.com", 443, "/", "example.com:443")),
        ("wss://Example.COM:0443/A", (True, "example.com", 443, "/A", "example.com")),
        ("ws://example.com:/", (False, "example.com", 80, "/", "example.com")),
        ("ws://[::1]:8080//a?b?c", (False, "[::1]", 8080, "//a?b?c", "[::1]:8080")),
    ],
)
def test_by_example(text: str, expected: tuple[bool, str, int, str, str]) -> None:
    uri = parse_uri(text)
    assert (*uri, uri.host_header) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ws://example.com/#top", "no fragment .* 'ws://example.com/'"),
        ("ws://example.com/a#", "%23"),
        ("http://example.com/", "ws or wss"),
        ("example.com", "ws://example.com/chat"),
        ("ws:/example.com/", "no URI"),
        ("ws://", "no URI"),
        ("ws:///chat", "no URI"),
        ("ws://user@example.com/", "no URI"),
        ("ws://example.com/a b", "no URI"),
        ("ws://example.com/ä", "no URI"),
        ("ws://example.com/%2", "no URI"),
        ("ws://example.com:0/", "1 to 65535"),
        ("ws://example.com:65536/", "1 to 65535"),
        ("ws://example.com:" + "9" * 5000, "no URI"),
        ("ws://example.com:x/", "no URI"),
        ("ws://::1/", "no URI"),
        ("ws://[::::]/", "IPv6"),
        ("ws://[]/", "no URI"),
        ("ws://example.com/\n", "no URI"),
        (" ws://example.com/", "no URI"),
    ],
)
def test_what_is_refused_is_told(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_uri(text)
