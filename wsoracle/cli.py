"""The command line. One module of :mod:`wsoracle.commands` a command, imported only when it is called.

Exit status: 0 where something was checked and held (or done), 1 where something was refuted or failed, 2 for input that
is wrong, with one line on standard error that says what to do, 130 after Ctrl-C, 143 after SIGTERM, 141 where the
reader of the output has gone. A fault of the program itself is 70; ``WSORACLE_TRACEBACK=1`` shows where.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import FrameType, MappingProxyType
from typing import Any, Final, NoReturn

import click
from click.core import augment_usage_errors

from .text.output import OutputError, one_line

OK: Final = 0
FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERNAL: Final = 70
INTERRUPTED: Final = 130
READER_GONE: Final = 141
TERMINATED: Final = 143

GRACE: Final = 2.0
"""Seconds after an interruption in which everything has to come to its end."""

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "demo": "Explore, prove, mutate, cover, generate and run, and write all of it below one directory.",
        "explain": "Decode octets: the rules that they meet, and the clauses.",
        "repl": "Explore two endpoints step by step in the terminal: what each may do next, and why.",
        "judge": "Judge recorded traces: the verdict, the clauses behind it, and the octet that decides.",
        "oracle": "Answer questions of programs in any language: one line of JSON each (docs/oracle.md).",
        "rules": "List the rules, with the clause that each stands for.",
        "requirements": "List the normative sentences of RFC 6455 and RFC 7692, and what covers each.",
        "prove": "Prove the theorems, and find for each a fault that refutes it.",
        "explore": "Explore the model, and wsproto and websockets against it, as server and as client.",
        "mutants": "Make faults by changing rules, and kill each by a case or prove it equivalent.",
        "selfcheck": "Judge endpoints drawn from the rules: some conform, and each of the others departs from one rule "
        "once.",
        "generate": "Write test cases: as JSON, as vectors, for Autobahn, or for pytest.",
        "run": "Run the cases on wsproto and websockets, in process, and judge what they do.",
        "fleet": "Install and start real implementations, test each, and write the findings.",
        "serve": "Serve cases to WebSocket clients under test, and write a page for each case.",
        "proxy": "Sit between a client and a server, pass their octets on unchanged, and judge both.",
        "wstest": "Test as Autobahn does: the same options, specification files and report tree.",
        "graph": "Draw the states that an endpoint can reach.",
        "cases": "List the cases that a tester runs, or show what is sent and expected in one.",
        "spec": "Make the generated blocks of docs/spec.md, or check them.",
        "site": "Write a static site for people who learn the protocol.",
        "test": "Test running servers whose application echoes, and write a page for each case.",
        "drive": "Run the cases against a parser in any language, without sockets and timers.",
        "report": "Make the pages and lists of a run anew, from the JSON files of its cases.",
        "bench": "Measure frames and questions a second, judging, and whole suites beside Autobahn.",
    }
)
"""Every command with its line of help, in the order in which they are shown. The module has the command's name."""


EXTRAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hypothesis": "explore",
        "networkx": "explore",
        "websockets": "explore",
        "wsproto": "explore",
        "z3": "prove",
    }
)
"""What a plain install leaves out, and the extra that brings it. What ``[prove]`` brings, ``[explore]`` brings too."""

EXPLORING: Final = ("bench", "demo", "explore", "run")
"""Commands that need ``[explore]``, whichever part of it they miss first."""

LAST_COUNTS: Final = ("wstest",)
"""Commands that take the last value of an option that is there again, as the program whose place they take does."""


class WrongInput(click.UsageError):
    """Something is wrong with what the user gave; the message is one line that says what to do."""


def checked(check: Callable[[str, str], None], what: str, text: str) -> str:
    """The text, where a check of :mod:`.input_checks` has nothing against it; WrongInput else."""
    try:
        check(what, text)
    except ValueError as error:
        raise WrongInput(str(error)) from error
    return text


class Program(click.Group):
    """The group of all commands: each is imported when it is called, and every error is one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{__package__}.commands.{cmd_name}"
        if name not in sys.modules:
            gc.disable()  # what a module makes stays: looking for cycles in it is a third of the time of importing
            try:
                import_module(name)
            finally:
                gc.freeze()
                gc.enable()
        command: click.Command = sys.modules[name].command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, and its arguments; WrongInput for an option that counts once and is there again."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name not in LAST_COUNTS:
            inner = click.Context(command, info_name=name, parent=ctx)
            with augment_usage_errors(inner):
                _, _, order = command.make_parser(inner).parse_args(list(rest))
            for option, times in Counter(option for option in order if isinstance(option, click.Option)).items():
                if times > 1 and not (option.multiple or option.is_flag):
                    raise WrongInput(f"{option.opts[-1]} is there {times} times: give it once", inner)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run with these arguments (by default those of the process), and exit with the status."""
        status = self._status(list(sys.argv[1:] if args is None else args), prog_name or str(self.name), extra)
        sys.exit(status)

    def _status(self, args: list[str], name: str, extra: Mapping[str, Any]) -> int:
        try:
            with self.make_context(name, args, **extra) as context:
                self.invoke(context)
            sys.stdout.flush()
        except click.exceptions.Exit as done:
            return self._flushed(done.exit_code)
        except click.ClickException as error:
            return _complain(_said(error))
        except OutputError as error:
            return _complain(str(error))
        except (KeyboardInterrupt, click.Abort):
            return _interrupted(INTERRUPTED)
        except Terminated:
            return _interrupted(TERMINATED)
        except BrokenPipeError:
            _discard_output()
            return READER_GONE
        except OSError as error:
            return _complain(f"{error.filename or 'the output'}: {error.strerror or error}")
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            return _complain(_without(module, args)) if module in EXTRAS else self._fault(error)
        except MemoryError:
            return _complain("out of memory: give less at a time")
        except Exception as error:
            return self._fault(error)
        return OK

    def _fault(self, error: Exception) -> int:
        if os.environ.get("WSORACLE_TRACEBACK"):
            raise error
        on_stderr(
            f"internal error: {type(error).__name__}: {error} (please report it; WSORACLE_TRACEBACK=1 says where)"
        )
        return INTERNAL

    def _flushed(self, status: int) -> int:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            return READER_GONE
        except OSError as error:
            return _complain(f"the output: {error.strerror or error}")
        return status


def _said(error: click.ClickException) -> str:
    """The error that click found, and the help to read."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if isinstance(error, WrongInput) or context is None:
        return message
    return f"{message}: see {context.command_path} --help"


def _without(module: str, args: Sequence[str]) -> str:
    """The line for a command that needs what is not installed."""
    command = next((arg for arg in args if arg in COMMANDS), "")
    extra = "explore" if command in EXPLORING else EXTRAS[module]
    return f"{command or 'this'} needs {module}, which is not installed: pip install 'wsoracle[{extra}]'"


def _complain(message: str) -> int:
    _discard_unwritable()
    on_stderr(f"error: {message}")
    return WRONG_INPUT


def on_stderr(message: str) -> None:
    """One line for the user, on standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(f"wsoracle: {one_line(message)}", file=sys.stderr, flush=True)


def _discard_unwritable() -> None:
    """Discard output that cannot be written, so that the interpreter does not try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from . import __version__

        click.echo(f"wsoracle {__version__}")
        context.exit()


@click.group(
    "wsoracle",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=True,
    epilog="Exit status: 0 checked and held, 1 refuted or failed, 2 wrong input.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def program(context: click.Context) -> None:
    """An executable formal model of RFC 6455, the WebSocket protocol: proofs, generated cases, explanations."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


class Terminated(BaseException):
    """SIGTERM: what is half written is taken away on the way out."""


_told = threading.Event()


def _interrupted(status: int) -> int:
    if not _told.is_set():
        _told.set()
        on_stderr(f"{'interrupted' if status == INTERRUPTED else 'terminated'}: nothing further was checked")
    return status


def _end_workers() -> None:
    """End the processes at work for this one: they take away what is half written."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        for child in multiprocessing.active_children():
            child.terminate()


def _end_anyway(status: int) -> None:
    """A pool that was interrupted while it started its processes may wait for them for ever."""
    _end_workers()
    os._exit(_interrupted(status))


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C or SIGTERM: also ends the processes at work for this one, which would else go on with what they do."""
    status, error = (TERMINATED, Terminated) if signal_number == signal.SIGTERM else (INTERRUPTED, KeyboardInterrupt)
    _end_workers()
    late = threading.Timer(GRACE, _end_anyway, (status,))
    late.daemon = True
    late.start()
    raise error


def main() -> NoReturn:
    """The command ``wsoracle``."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    # Closed standard streams are None; what is written to them is lost, as the user asked.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Text of the RFC and of payloads must come out on any terminal, if need be escaped.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        program.main()
    finally:
        gc.freeze()  # everything goes at once: to look for cycles in it first would take longer than many a command
