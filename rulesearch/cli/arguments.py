"""Arguments and options that several commands share, and rules that begin with a minus sign."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.errors import RulesearchError, shown

if TYPE_CHECKING:
    from rulesearch.rules import RuleSet
    from rulesearch.tasks.task import Task

RULE_HELP = "Rule text, a known rule's name, a rule.json file, or RUN:RANK; one rule of a set: RUN:RANK[lateral]."

RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help=RULE_HELP)]
TaskOption = Annotated[str, typer.Option("--task", metavar="T", help="A task's name, or my_task.py:Name.")]
MaybeTask = Annotated[str | None, typer.Option("--task", metavar="T", help="A task's name, or my_task.py:Name.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the task; may be repeated.")
]
SetsOption = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="SET", help='Values a symbol can take: "R in {-1,1}", "w in [0,1]".'),
]
NameArgument = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show one in full.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TargetOption = Annotated[
    str | None,
    typer.Option("--target", metavar="COLUMN", help="The weight changes; of protocols: change, if none is given."),
]
ErrorOption = Annotated[
    str | None, typer.Option("--error", metavar="COLUMN", help="Their standard errors: rows weigh 1/error^2.")
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COLUMN,…", help="Columns that are no symbols, with commas between."),
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", metavar="COLUMN", help="What tells preparations apart: preparation, if not given."),
]
GapsOption = Annotated[
    str | None,
    typer.Option("--gaps", metavar="skip", help="Leave out rows that lack a value; without it they are refused."),
]
OutputOption = Annotated[str | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")]

_SCIENTIFIC = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?[eE]\+?\d{1,2}", re.ASCII)
_LONG_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?", re.DOTALL)


def whole(low: float = -math.inf, high: float = math.inf) -> Callable[[str | int], int]:
    """Return the reader of an option that takes whole numbers in a range, also such as `1e5`."""

    def read(text: str | int) -> int:
        try:
            if not isinstance(text, str):
                number = text
            elif _SCIENTIFIC.fullmatch(text.strip()):
                number = _integer(Decimal(text.strip()))
            else:
                number = int(text)
        except ValueError:
            raise typer.BadParameter(f"{shown(text)} is not a whole number, such as 2000 or 2e3") from None
        if not low <= number <= high:
            limits = f"in {low} to {high}" if math.isfinite(high) else f"of at least {low}"
            raise typer.BadParameter(f"{shown(text)} is not a whole number {limits}")
        return number

    return read


def _integer(value: Decimal) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def read_settings(pairs: Iterable[str] | None, option: str = "--set", example: str = "dims=10") -> dict[str, str]:
    """Return the settings of `--set key=value` options, or of another option that is written so.

    **Raises:** `RulesearchError` where one has no `=`, or a key is given twice.
    """
    settings: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        key, value = key.strip(), value.strip()
        if not (equals and key and value):
            raise RulesearchError(f"{option} takes key=value, such as {option} {example}; found {pair!r}")
        if key in settings:
            raise RulesearchError(f"{option} {key} is given twice; give it once")
        settings[key] = value
    return settings


def read_task(name: str | None) -> Task | None:
    """Return the task of a `--task` option, None where it was not given; raises `RulesearchError`."""
    from rulesearch.tasks.registry import load_task

    return None if name is None else load_task(name)


def read_rule(argument: str, task: Task | None = None) -> RuleSet:
    """Return the rules that an argument stands for; raises `RulesearchError`."""
    from rulesearch.rules import find_known
    from rulesearch.workflow.resolve import read_rules

    text = argument.strip()
    if find_known(text) is None and os.path.isdir(text):
        raise RulesearchError(f"{text} is a folder; a rule of a run is given as {text.rstrip('/')}:1")
    return read_rules(text, task)


def protect_rules(command: Any, arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a space before each rule that begins with `-`, so that it is not taken for an option.

    **Arguments:** `command`: the click command that the arguments are for.
    """
    protected: list[str] = []
    value_follows = rule_expected = False
    for index, argument in enumerate(arguments):
        subcommands = getattr(command, "commands", {})
        if value_follows:
            value_follows = False
        elif argument == "--":
            return [*protected, *arguments[index:]]
        elif argument in subcommands:
            command = subcommands[argument]
            rule_expected = any(
                getattr(parameter, "metavar", None) in ("RULE", "RULE...") for parameter in command.params
            )
        elif argument.startswith("-"):
            option = next((p for p in command.params if argument in (*p.opts, *p.secondary_opts)), None)
            if option is not None:
                value_follows = not option.is_flag
            elif (
                rule_expected and len(argument) > 1 and argument not in ("-h",) and not _LONG_OPTION.fullmatch(argument)
            ):
                argument = f" {argument}"
        protected.append(argument)
    return protected
