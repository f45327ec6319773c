"""The options of commands that search: built from the fields of an experiment, which is the one list of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any

import typer

from rulesearch.cli.arguments import read_settings, whole
from rulesearch.errors import RulesearchError, shown
from rulesearch.workflow.experiment import GivenField, given_fields

_NAMED = re.compile(r"[A-Za-z_]\w*\s*\[", re.ASCII)
"""How a rule of a set begins."""

_KINDS: dict[tuple[type, ...], type] = {(int,): int, (int, float): float}


def takes_search_options(helps: Mapping[str, str] | None = None, defaults: bool = False) -> Callable[[Any], Any]:
    """Return a decorator that puts options in the place of a command's parameter `changes`.

    The command gets there what was given, by field, as Python has it.

    **Arguments:** `helps`: texts of fields that mean something else here; `defaults`: whether fields that are not given
    have the defaults of an experiment, and the help says so.
    """

    def decorate(command: Any) -> Any:
        options = given_fields()
        own = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for each in own.parameters.values():
            if each.name == "changes":
                parameters += [_parameter(option, (helps or {}).get(option.name), defaults) for option in options]
            else:
                parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))

        @wraps(command)
        def called(**given: Any) -> None:
            changes = {option.name: _read(option, given.pop(option.name)) for option in options}
            command(**given, changes=changes)

        made: Any = called
        made.__signature__ = own.replace(parameters=parameters)
        made.__annotations__ = {each.name: each.annotation for each in parameters}
        return made

    return decorate


def _parameter(option: GivenField, own_help: str | None, defaults: bool) -> inspect.Parameter:
    low = -float("inf") if option.limit is None else option.limit.low
    reader = whole(low) if option.kinds == (int,) else None
    kind: Any = list[str] if _is_repeated(option) or _is_of_rules(option) else _KINDS.get(option.kinds, str)
    text = option.option.help if own_help is None else own_help
    shown_as = typer.Option(option.flag, metavar=option.option.metavar, help=text, parser=reader)
    default = option.default if defaults and not _is_repeated(option) else None
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind | None, shown_as]
    )


def _is_repeated(option: GivenField) -> bool:
    return Mapping in option.kinds or list in option.kinds


def _is_of_rules(option: GivenField) -> bool:
    return option.option.metavar.startswith("RULE")


def _read(option: GivenField, value: Any) -> Any:
    """Return a value as an experiment takes it, None where it was not given.

    **Raises:** `RulesearchError` where it has no `=`, is given twice, or the field cannot have it.
    """
    if Mapping in option.kinds:
        return read_settings(value, option.flag, option.option.example) or None
    if value is None or value == []:
        return None
    if _is_of_rules(option):
        return _rules(option, value)
    if option.limit is not None and not option.limit.holds(value):
        raise RulesearchError(f"{option.flag} must {option.limit.must}, found {shown(value)}")
    return value


def _rules(option: GivenField, texts: Sequence[str]) -> str:
    """Return the text of rules that may be given one by one, each with its name; a single text as it is.

    **Raises:** `RulesearchError` where one of several has no name.
    """
    # One may have been protected by a space, as it begins with a minus sign.
    texts = [text.strip() for text in texts]
    for text in texts:
        if len(texts) > 1 and not _NAMED.match(text):
            raise RulesearchError(
                f"{option.flag} is given {len(texts)} times, once as {shown(text)}; give it once, "
                f"or once for each rule of a set: {option.flag} NAME[{text if '[' not in text else '...'}]"
            )
    return "; ".join(texts)
