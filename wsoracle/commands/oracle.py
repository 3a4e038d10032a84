"""``wsoracle oracle``: answers for programs in any language, one line of JSON each."""

from __future__ import annotations

import sys

import click

from ..cli import WrongInput


@click.command("oracle")
@click.option("--stdio", is_flag=True, help="Read questions from standard input, and write answers to standard output.")
@click.option("--validate", is_flag=True, help="Hold each question and each answer against the JSON Schema.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of all messages.")
def command(stdio: bool, validate: bool, schema: bool) -> None:
    """Answer questions of programs in any language: one line of JSON each (docs/oracle.md).

    A session begins with {"seq":1,"cmd":"start","version":1} and ends with {"seq":9,"cmd":"stop"}, or with the end of
    the input. In between: judge a trace, follow connections as they run, encode, decode and explain octets. An error is
    an answer, and does not end the session.
    """
    from ..oracle.schema_checks import schema as shipped
    from ..oracle.session import SCHEMA, OracleSession
    from ..oracle.stdio import reader_of, serve
    from ..text.output import STDOUT, write_json

    if schema:
        write_json(STDOUT, shipped(SCHEMA))
        return
    if not stdio:
        raise WrongInput("say how questions come: wsoracle oracle --stdio reads them from standard input")
    if sys.stdin is None:
        raise WrongInput("standard input is closed: questions come from there")
    out = sys.stdout.buffer

    def write(octets: bytes) -> None:
        out.write(octets)
        out.flush()

    serve(reader_of(sys.stdin.fileno()), write, OracleSession(validate=validate))
