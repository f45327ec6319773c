"""The commands, and how a call of the program ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rulesearch import __version__, interruption
from rulesearch.cli import (
    comparison,
    doctor,
    families,
    file_commands,
    grammar_commands,
    listing,
    measuring,
    rule_commands,
    search_commands,
    starting,
    stressing,
)
from rulesearch.cli.arguments import protect_rules
from rulesearch.cli.streams import LenientStream, open_closed
from rulesearch.errors import MissingPartError, RulesearchError

WRONG_INPUT, MISSING_PART = 2, 3

_CLICK_ERROR: type[Exception] = typer.BadParameter.__mro__[2]
"""The error that click raises for wrong arguments; where it lives depends on the version of typer."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rulesearch {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Search for synaptic plasticity rules, simulate them, and write them down."""


def make_app() -> typer.Typer:
    """Return the application with all its commands."""
    made = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Example: rulesearch discover oja --budget 2000",
    )
    made.callback()(_main)
    for part in (
        search_commands,
        measuring,
        rule_commands,
        comparison,
        stressing,
        families,
        file_commands,
        listing,
        grammar_commands,
        doctor,
        starting,
    ):
        part.register(made)
    return made


app = make_app()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; a stream that cannot be written to ends nothing but itself."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    open_closed()
    streams = sys.stdout, sys.stderr
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    out = LenientStream(sys.stdout)
    sys.stdout, sys.stderr = out, LenientStream(sys.stderr)  # type: ignore[assignment]
    try:
        code = _called(arguments)
        out.flush()
        # A reader that leaves has read what it wanted.
        if out.error is not None and not isinstance(out.error, BrokenPipeError) and code == 0:
            reason = getattr(out.error, "strerror", None) or out.error
            code = _refuse(f"standard output cannot be written: {reason}", WRONG_INPUT)
        return interruption.CODE if interruption.came() else code
    finally:
        sys.stdout, sys.stderr = streams


def _called(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except RulesearchError as error:
        return _refuse(str(error), MISSING_PART if isinstance(error, MissingPartError) else WRONG_INPUT)
    except _CLICK_ERROR as error:
        return _refuse(f"{error.format_message()}{_help_hint(error)}", WRONG_INPUT)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, typer.Abort):
        return _refuse("interrupted", interruption.CODE)


def _run(arguments: list[str]) -> int:
    command: Any = typer.main.get_command(app)
    group = command.commands.get(arguments[0]) if len(arguments) == 1 else None
    if not arguments or hasattr(group, "commands"):
        arguments = [*arguments, "--help"]
    try:
        ended = command.main(protect_rules(command, arguments), prog_name="rulesearch", standalone_mode=False)
    except SystemExit as stop:
        return int(stop.code or 0)
    return ended if isinstance(ended, int) else 0


def _refuse(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _help_hint(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f" (see {context.command_path} --help)" if context is not None else ""
