"""Options of an engine: numbers with a meaning and a range, each declared once, beside its field."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean, shown


@dataclass(frozen=True, slots=True)
class Option:
    """A number that `--option name=value` changes.

    **Fields:** `default`; `meaning`; `low` and `high`: allowed range; `whole`: only whole numbers.
    """

    default: float
    meaning: str
    low: float
    high: float
    whole: bool


def option(default: float, meaning: str, low: float, high: float) -> Any:
    """Return a field of a dataclass of settings that is an option; whole numbers only where the default is one."""
    return dataclasses.field(
        default=default, metadata={"option": Option(default, meaning, low, high, isinstance(default, int))}
    )


def options_of(settings_type: type[Any]) -> dict[str, Option]:
    """Return the options among the fields of a dataclass of settings, by name; none where it is no dataclass."""
    fields = dataclasses.fields(settings_type) if dataclasses.is_dataclass(settings_type) else ()
    return {field.name: field.metadata["option"] for field in fields if "option" in field.metadata}


def read_options(engine: str, settings_type: type[Any], given: Mapping[str, object]) -> dict[str, float]:
    """Return given options as numbers, also where they are text.

    **Raises:** `RulesearchError` for an option that the engine does not have, or a value that it cannot take.
    """
    known = options_of(settings_type)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) if known else "; it has none"
            raise RulesearchError(f"engine {engine} has no option {name!r}{hint}")
    return {name: _number(engine, name, known[name], value) for name, value in given.items()}


def _number(engine: str, name: str, declared: Option, value: object) -> float:
    place = f"option {name} of engine {engine}"
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number) or (declared.whole and math.isfinite(number) and number != int(number)):
        wanted = "a whole number" if declared.whole else "a number"
        raise RulesearchError(f"{place} must be {wanted}, found {shown(value)}")
    if not declared.low <= number <= declared.high:
        raise RulesearchError(
            f"{place} must lie in {declared.low:g} to {declared.high:g}, found {shown(value)}; "
            f"see: rulesearch engines {engine}"
        )
    return int(number) if declared.whole else number
