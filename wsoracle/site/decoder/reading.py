"""What somebody pasted or dropped: octets, a head, a conversation or a capture, explained or ready to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.model.octets.http import HeadParser, ParsedHead, Response
from wsoracle.model.octets.units import SWITCHING, Cutter
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.observation import Arrives, Writes
from wsoracle.properties.judge.verdict import Profile
from wsoracle.properties.traces.arrows import is_written
from wsoracle.properties.traces.pasted import Pasted, is_head, octets_of, of_curl
from wsoracle.properties.traces.recorded import Recorded, TraceError
from wsoracle.properties.traces.registry import FileRead, is_capture, read_file

from ...explain.explanation import ExplainedOctets, ExplainError, UnitReading
from ...explain.frames import explain
from ...explain.heads import explain_request, explain_response, request_of
from ...explain.written import octets_of_text

ExplainedUnits: TypeAlias = ExplainedOctets[UnitReading]

MOST_FRAMES: Final = 200
"""Frames of one direction that are explained on a page."""


class DecodeError(ValueError):
    """Nothing can be decoded; the message is one line that says what to do."""


@dataclass(frozen=True)
class Options:
    """What is said beside the octets, as the options of ``wsoracle explain`` and ``judge`` of the same names."""

    role: Role = Role.SERVER
    after: str = ""
    sent: str = ""
    to: str = ""
    exact: bool = False
    limit: int | None = None
    extensions: str = ""
    switches: Switches = field(default_factory=Switches)
    application: Application | None = None
    profile: Profile = "interop"

    @property
    def setting(self) -> Setting:
        """The setting of the endpoint that receives."""
        return Setting(self.role, self.limit, switches=self.switches)


class Pasting(NamedTuple):
    """What there is: explanations, or a file with traces to judge."""

    explained: tuple[ExplainedUnits, ...] = ()
    file: FileRead | None = None


def found_in_text(text: str, options: Options) -> Pasting:
    """What a pasted text holds. Raises :class:`DecodeError`."""
    if not text.strip():
        raise DecodeError("there are no octets to decode: paste at least one, such as 81")
    octets = text.encode("utf-8", "surrogateescape")
    if is_written(octets):
        return Pasting(file=_judgeable(octets, options))
    if is_head(text.strip()):
        return Pasting(tuple(_heads(text, options)))
    try:
        pasted = octets_of(text)
    except ValueError as error:
        return Pasting(file=_file_of(text, str(error), options))
    if not pasted.octets:
        raise DecodeError("there are no octets to decode: paste at least one, such as 81")
    return found_in_octets(pasted, options)


def found_in_file(octets: bytes, options: Options) -> Pasting:
    """What a file holds: a capture or a trace, else a text as somebody pastes it, else octets as they are.

    Raises :class:`DecodeError`.
    """
    if not octets:
        raise DecodeError("the file is empty")
    if is_capture(octets) or octets.lstrip()[:1] == b"{":
        return Pasting(file=_judgeable(octets, options))
    if b"\0" not in octets:
        try:
            return found_in_text(octets.decode(), options)
        except UnicodeDecodeError:
            pass
    return found_in_octets(Pasted(octets, "octets as they are"), options)


def found_in_octets(pasted: Pasted, options: Options) -> Pasting:
    """Octets, explained as a head where they begin like one, else as frames. Raises :class:`DecodeError`."""
    octets = pasted.octets
    notes = (f"the text was taken for {pasted.taken_for}",) if pasted.taken_for else ()
    if octets.startswith((b"GET ", b"HTTP/")):
        try:
            return Pasting(tuple(_noted(_head_and_frames(octets, options), notes)))
        except ExplainError as error:
            raise DecodeError(str(error)) from None
    return Pasting((_with_notes(_frames(octets, options), notes),))


def _file_of(text: str, why: str, options: Options) -> FileRead:
    """The traces of a text that is no octets, and why it is none."""
    try:
        return _judgeable(text.encode("utf-8", "surrogateescape"), options)
    except DecodeError as error:
        raise DecodeError(str(error) if text.lstrip().startswith("{") else why) from None


def _judgeable(octets: bytes, options: Options) -> FileRead:
    try:
        file = read_file(octets, options.application, options.limit)
        extensions = options.extensions or None
        traces = tuple(
            one.as_stated(options.application, options.limit, None if one.recorded.opening else extensions)
            for one in file.traces
        )
    except TraceError as error:
        raise DecodeError(str(error)) from None
    return file._replace(traces=traces)


# --- heads ------------------------------------------------------------------------------------------------------------


def _heads(text: str, options: Options) -> Iterator[ExplainedUnits]:
    """A head as text, or both heads of which curl tells."""
    octets = (text if options.exact else text.lstrip()).encode("utf-8", "surrogateescape")
    asked, answered = (of_curl(octets, sent=sent) for sent in (True, False))
    if asked is not None or answered is None:
        is_request = asked is not None or not octets.startswith(b"HTTP/")
        yield from _written(octets, is_request, None, options)
    if answered is not None:
        yield from _written(octets, False, asked, options)


def _written(text: bytes, is_request: bool, asked: bytes | None, options: Options) -> Iterator[ExplainedUnits]:
    try:
        written = octets_of_text(text, sent=is_request, exact=options.exact)
        if asked is None and options.to.strip():
            asked = octets_of_text(options.to.encode("utf-8", "surrogateescape"), sent=True, exact=options.exact).octets
        yield from _noted(_head_and_frames(written.octets, options, asked), written.notes)
    except ExplainError as error:
        raise DecodeError(str(error)) from None


def _head_and_frames(
    octets: bytes, options: Options, asked: bytes | None = None, agreed: str = ""
) -> Iterator[ExplainedUnits]:
    """A head, and the frames behind it where the handshake got that far; `agreed` on are these extensions.

    Raises :class:`ExplainError`.
    """
    is_request = not octets.startswith(b"HTTP/")
    setting = replace(options.setting, role=Role.SERVER if is_request else Role.CLIENT)
    if is_request:
        yield explain_request(octets, setting)
    else:
        yield explain_response(octets, setting, None if asked is None else request_of(asked))
    read = _read(octets, setting.role)
    if read is None or (isinstance(read.head, Response) and read.head.status != SWITCHING):
        return
    rest = octets[len(read.octets) :]
    if rest:
        yield _first_frames(rest, setting, extensions=agreed or _agreed(read))


def _read(octets: bytes, role: Role) -> ParsedHead | None:
    parser = HeadParser(role)
    parser.feed(octets)
    return parser.result if isinstance(parser.result, ParsedHead) else None


def _agreed(read: ParsedHead | None) -> str:
    """The extensions that a response agrees on, where they are a list of them."""
    if read is None or not isinstance(read.head, Response) or read.head.status != SWITCHING:
        return ""
    values = read.head.values("Sec-WebSocket-Extensions")
    return ", ".join(values) if parse_extensions(values) else ""


# --- frames -----------------------------------------------------------------------------------------------------------


def _frames(octets: bytes, options: Options) -> ExplainedUnits:
    after, sent = (_given(name, text) for name, text in (("--after", options.after), ("--sent", options.sent)))
    try:
        return _first_frames(octets, options.setting, after, sent, options.extensions)
    except ExplainError as error:
        raise DecodeError(str(error)) from None


def _first_frames(
    octets: bytes, setting: Setting, after: bytes = b"", sent: bytes = b"", extensions: str = ""
) -> ExplainedUnits:
    """Frames explained, as many as a page shows. Raises :class:`ExplainError`."""
    frames = Cutter(octets=bytearray(octets)).frames
    notes: tuple[str, ...] = ()
    if len(frames) > MOST_FRAMES:
        octets = octets[: frames[MOST_FRAMES - 1].end]
        notes = (f"the first {MOST_FRAMES} of {len(frames):,} frames are explained",)
    return _with_notes(explain(octets, setting, after=after, sent=sent, extensions=extensions), notes)


def _given(name: str, text: str) -> bytes:
    try:
        return octets_of(text).octets
    except ValueError as error:
        raise DecodeError(f"{name}: {error}") from None


# --- conversations ----------------------------------------------------------------------------------------------------


def both_directions(recorded: Recorded, options: Options) -> Iterator[tuple[Role, tuple[ExplainedUnits, ...]]]:
    """What each endpoint of a conversation sent, explained as its peer reads it; the client first."""
    arrived, written = (
        b"".join([seen.octets for seen in recorded.trace if isinstance(seen, kind)]) for kind in (Arrives, Writes)
    )
    is_server = recorded.setting.role is Role.SERVER
    of_client, of_server = (arrived, written) if is_server else (written, arrived)
    options = replace(options, after="", sent="")
    asked = _read(of_client, Role.SERVER) if recorded.opening else None
    agreed = _agreed(_read(of_server, Role.CLIENT)) if recorded.opening else recorded.extensions or ""
    for sender, octets in ((Role.CLIENT, of_client), (Role.SERVER, of_server)):
        if not octets:
            continue
        if recorded.opening:
            request = asked.octets if asked is not None and sender is Role.SERVER else None
            yield sender, tuple(_head_and_frames(octets, options, request, agreed))
        else:
            yield sender, (_first_frames(octets, replace(options.setting, role=sender.peer), extensions=agreed),)


def _noted(found: Iterator[ExplainedUnits], notes: tuple[str, ...]) -> Iterator[ExplainedUnits]:
    """The notes stand with the first of the explanations."""
    for number, one in enumerate(found):
        yield one if number else _with_notes(one, notes)


def _with_notes(explained: ExplainedUnits, notes: tuple[str, ...]) -> ExplainedUnits:
    return replace(explained, notes=(*notes, *explained.notes))
