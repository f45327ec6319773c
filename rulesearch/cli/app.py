"""The commands, and how a call of the program ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rulesearch import __version__
from rulesearch.cli import (
    comparison,
    doctor,
    families,
    file_commands,
    grammar_commands,
    listing,
    rule_commands,
    search_commands,
    starting,
)
from rulesearch.cli.arguments import protect_rules
from rulesearch.errors import MissingPartError, RulesearchError

WRONG_INPUT, MISSING_PART, INTERRUPTED = 2, 3, 130

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
        rule_commands,
        comparison,
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
    """Run the command line and return the exit code: 0 done, 2 wrong input, 3 a part is missing, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except RulesearchError as error:
        return _refuse(str(error), MISSING_PART if isinstance(error, MissingPartError) else WRONG_INPUT)
    except _CLICK_ERROR as error:
        return _refuse(f"{error.format_message()}{_help_hint(error)}", WRONG_INPUT)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, typer.Abort):
        return _refuse("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return _leave_quietly()


def _run(arguments: list[str]) -> int:
    command: Any = typer.main.get_command(app)
    group = command.commands.get(arguments[0]) if len(arguments) == 1 else None
    if not arguments or hasattr(group, "commands"):
        arguments = [*arguments, "--help"]
    try:
        ended = command.main(protect_rules(command, arguments), prog_name="rulesearch", standalone_mode=False)
    except SystemExit as stop:
        # Typer ends the process itself where the reader of a pipe has gone.
        return _leave_quietly() if stop.code == 1 else int(stop.code or 0)
    return ended if isinstance(ended, int) else 0


def _refuse(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _help_hint(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f" (see {context.command_path} --help)" if context is not None else ""


def _leave_quietly() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0
