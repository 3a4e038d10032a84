"""Trace files: what is written is read back, and whatever else is read gives one sentence."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application, Feature
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Told,
    What,
    Writes,
)
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.recorded import (
    MOST_UNITS,
    Recorded,
    TraceError,
    parsed,
    trace_from_json,
    trace_to_json,
)

SCHEMA = json.loads(files("wsoracle.properties.traces").joinpath("trace.schema.json").read_text("utf-8"))
CODES = st.none() | st.integers(0, 65535)
OBSERVATIONS: st.SearchStrategy[Observation] = st.one_of(
    st.builds(Arrives, st.binary(max_size=20)),
    st.builds(Writes, st.binary(max_size=20)),
    st.sampled_from([ArrivesEof(), ClosesTcp(), ResetsTcp(), Processed(), Quiet()]),
    st.sampled_from([ArrivesReset(), ShutsDownTcp()]),
    st.builds(Tells, st.sampled_from(get_args(Told)), st.binary(max_size=9), CODES, st.text(max_size=9)),
    st.builds(Asks, st.sampled_from(get_args(What)), st.binary(max_size=9), st.booleans(), CODES, st.text(max_size=9)),
    st.builds(Crashes, st.text(max_size=9)),
)


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    trace = tuple(draw(st.lists(OBSERVATIONS, max_size=6)))
    application: Application = draw(st.sampled_from(get_args(Application)))
    limit = draw(st.none() | st.integers(0, LARGEST_LENGTH))
    switches = draw(st.sampled_from([Switches(), Switches(code_1004="accept")]))
    setting = Setting(draw(st.sampled_from(list(Role))), limit, application == "echo", switches, draw(st.booleans()))
    clock: st.SearchStrategy[list[float]] = st.lists(st.floats(0, 1e6), min_size=len(trace), max_size=len(trace))
    times = sorted(draw(clock))
    flags = st.booleans()
    opening = draw(flags)
    return Recorded(
        trace,
        setting,
        application,
        opening,
        draw(st.frozensets(st.sampled_from(get_args(Told)))),
        draw(st.frozensets(st.sampled_from(get_args(Feature)))),
        tuple(times) if len(trace) > 0 and draw(flags) else None,
        None if opening else draw(st.sampled_from([None, "", "permessage-deflate; client_max_window_bits=9"])),
    )


@settings(max_examples=100, deadline=None)
@given(recordings())
def test_what_is_written_is_read_back(recorded: Recorded) -> None:
    document = trace_to_json(recorded)
    jsonschema.validate(document, SCHEMA)
    assert trace_from_json(parsed(json.dumps(document))) == recorded
    recorded.judged()


MINIMAL: dict[str, Any] = {"format": "wsoracle-trace", "version": 1, "role": "server", "observations": []}


@pytest.mark.parametrize("newer", [{"what": "arrivesReset"}, {"what": "shutsDownTcp"}])
def test_the_end_of_one_direction_is_told_apart_in_version_2(newer: dict[str, str]) -> None:
    document = {**MINIMAL, "observations": [newer]}
    with pytest.raises(TraceError, match=r"observations\[0\].what: expected one of"):
        trace_from_json(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
    recorded = trace_from_json({**document, "version": 2})
    assert trace_to_json(recorded)["version"] == 2


def test_what_version_1_can_say_is_written_as_version_1() -> None:
    recorded = trace_from_json({**MINIMAL, "version": 2, "observations": [{"what": "arrivesEof"}]})
    assert trace_to_json(recorded)["version"] == 1


def test_the_extensions_agreed_on_are_stated_where_the_handshake_is_not_there() -> None:
    stated = {**MINIMAL, "version": 2, "opening": False, "extensions": "permessage-deflate"}
    jsonschema.validate(stated, SCHEMA)
    assert trace_from_json(stated).extensions == "permessage-deflate"
    assert trace_from_json({**stated, "extensions": ""}).extensions == ""
    assert trace_from_json({**MINIMAL, "opening": False}).extensions is None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**stated, "version": 1}, SCHEMA)


def test_what_is_left_out_is_the_usual() -> None:
    jsonschema.validate(MINIMAL, SCHEMA)
    assert trace_from_json(MINIMAL) == Recorded((), Setting(Role.SERVER))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "wsoracle-case"}, 'format: "wsoracle-case": give a trace, whose format is "wsoracle-trace", or'),
        ({"version": 3}, "version: 3 is neither 1 nor 2"),
        ({"version": True}, "version: true is neither 1 nor 2"),
        ({"version": 2.0}, "version: 2.0 is neither 1 nor 2"),
        ({"extensions": "x"}, "extensions: there is no such field"),
        ({"version": 2, "opening": False, "extensions": []}, "extensions: a list is no text"),
        ({"version": 2, "extensions": "x"}, "extensions: the trace begins with the opening handshake"),
        ({"role": "proxy"}, 'role: expected one of client, server, got "proxy"'),
        ({"role": ["server"]}, "role: expected one of client, server, got a list"),
        ({"application": None}, "application: expected one of"),
        ({"limit": -1}, "limit: -1 is no whole number"),
        ({"limit": 1.5}, "limit: 1.5 is no whole number"),
        ({"limit": 10**40}, "limit: a number that long"),
        ({"switches": []}, "switches: expected an object"),
        ({"switches": {"nonsense": "x"}}, "switches: "),
        ({"switches": {"code_1004": "maybe"}}, "switches: "),
        ({"willing": 1}, "willing: 1 is neither true nor false"),
        ({"sees": "text"}, "sees: a text is no list"),
        ({"needs": ["speed"]}, "needs: expected one of"),
        ({"colour": 1}, "colour: there is no such field"),
        ({"observations": {}}, "observations: an object is no list"),
        ({"observations": [1]}, "observations[0]: a number is no object"),
        ({"observations": [{}]}, "observations[0].what: expected one of"),
        ({"observations": [{"what": "arrives"}]}, "observations[0].octets: null is not a string"),
        ({"observations": [{"what": "arrives", "octets": "0"}]}, 'observations[0].octets: "0" is not a string'),
        ({"observations": [{"what": "arrives", "octets": "00 00"}]}, "observations[0].octets"),
        ({"observations": [{"what": "quiet", "octets": "00"}]}, "observations[0].octets: there is no such field"),
        ({"observations": [{"what": "quiet", "t": -1}]}, "observations[0].t: -1 is not a number of seconds"),
        ({"observations": [{"what": "quiet", "t": 1}, {"what": "quiet"}]}, "observations[1].t: it is missing"),
        ({"observations": [{"what": "quiet"}, {"what": "quiet", "t": 1}]}, "observations[1].t: the first"),
        ({"observations": [{"what": "quiet", "t": 1}, {"what": "quiet", "t": 0}]}, "observations[1].t: 0 is earlier"),
        ({"observations": [{"what": "tells", "kind": "rumours"}]}, "observations[0].kind"),
        ({"observations": [{"what": "asks", "kind": "close", "code": 65536}]}, "observations[0].code: 65536"),
        ({"observations": [{"what": "crashes", "reason": 3}]}, "observations[0].reason: a number is no text"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(TraceError) as caught:
        trace_from_json({**MINIMAL, **change})
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "3", "null", '{"a": NaN}', "[" * 100_000, '{"a":' * 100_000, b"\xff\xfe", "9" * 9000]
)
def test_any_text_is_read_or_refused_in_one_sentence(text: str | bytes) -> None:
    with pytest.raises(TraceError) as caught:
        parsed(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*trace_to_json(Recorded((), Setting(Role.SERVER)))]), JSON), st.data())
def test_no_document_makes_it_raise_anything_else(changes: dict[str, Any], data: st.DataObject) -> None:
    row = data.draw(st.dictionaries(st.sampled_from(["what", "t", "octets", "kind", "code", "payload", "fin"]), JSON))
    row["what"] = data.draw(st.sampled_from(["arrives", "tells", "asks", "quiet", "crashes"]))
    try:
        trace_from_json({**MINIMAL, "observations": [row], **changes})
    except TraceError as error:
        assert "\n" not in str(error)


# --- hostile documents --------------------------------------------------------------------------------------------

_SOUND = trace_to_json(
    Recorded(
        (
            Arrives(b"\x89\x80abcd"),
            Writes(b"\x8a\x00"),
            Asks("text", b"x", False),
            Tells("close", b"", 1000, "bye"),
            ShutsDownTcp(),
            ArrivesReset(),
            Quiet(),
            Crashes("why"),
        ),
        Setting(Role.SERVER),
        opening=False,
        times=tuple(float(n) for n in range(8)),
    )
)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just([]), st.just({}), st.just("00"),
    st.sampled_from(["arrives", "writes", "server", "client", 10**400, -1, 1.5, "1", "quiet", "processed"]),
)  # fmt: skip


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


@given(st.data())
def test_a_changed_trace_is_read_and_judged_or_named_in_one_sentence(data: st.DataObject) -> None:
    """Values are replaced, dropped, doubled and put elsewhere; what is read can be judged, shown and written again."""
    document = copy.deepcopy(_SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        *way, last = data.draw(st.sampled_from([place for place in _places(document) if place]))
        inside = document
        for key in way:
            inside = inside[key]
        match data.draw(st.sampled_from(("replace", "drop", "double", "move"))):
            case "replace":
                inside[last] = data.draw(_VALUES)
            case "drop":
                del inside[last]
            case "double":
                inside.update({f"{last}2": inside[last]}) if isinstance(inside, dict) else inside.insert(
                    0, inside[last]
                )
            case _:
                document[data.draw(st.sampled_from(sorted(_SOUND)))] = copy.deepcopy(inside[last])
    try:
        recorded = trace_from_json(document)
    except TraceError as error:
        assert str(error) and "\n" not in str(error) and len(str(error)) < 400
        return
    judgement = recorded.judged()
    assert judgement.profile == "interop"
    assert len(list(recorded.in_words)) == len(recorded.trace)
    assert trace_from_json(trace_to_json(recorded)) == recorded


@given(st.data())
def test_a_text_that_is_cut_spliced_or_spoilt_is_named_in_one_sentence(data: st.DataObject) -> None:
    text = json.dumps(_SOUND).encode()
    at, upto = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    middle = data.draw(st.one_of(st.binary(max_size=8), st.just(text[at:upto]), st.just(b"["), st.just(b"\xff")))
    try:
        trace_from_json(parsed(text[:at] + middle + text[upto:]))
    except TraceError as error:
        assert str(error) and "\n" not in str(error) and len(str(error)) < 400


def test_a_trace_of_very_many_observations_or_frames_is_not_judged() -> None:
    with pytest.raises(TraceError, match="more than 500,000 objects and lists: give a part of it"):
        parsed(b"[" * (MOST_UNITS + 1))
    frames = (Writes(b"\x8a\x00" * MOST_UNITS), Quiet())
    assert Recorded(frames, Setting(Role.SERVER), opening=False).not_judged == ""
    many = Recorded((Arrives(b"\x89\x00"), *frames), Setting(Role.SERVER), opening=False)
    assert "more than 500,000 frames" in many.not_judged
    assert (many.judged().verdict, many.judged().rules) == (Verdict.INFORMATIONAL, ())
