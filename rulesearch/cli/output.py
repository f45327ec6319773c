"""What commands print: JSON documents and tables on standard output, everything else on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

_WIDTH_OF_FILES = 200


def strict(value: Any) -> Any:
    """Return a value as JSON can hold it: inf and nan become null, NumPy's numbers plain ones."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(strict(document), allow_nan=False, indent=2))


def notify(text: str) -> None:
    """Print a line for people on standard error."""
    print(text, file=sys.stderr, flush=True)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number for a table; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def named_numbers(values: Mapping[str, float]) -> str:
    """Return `angle_deg 1.2, norm 1` for a table."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def console(error: bool = False) -> Any:
    """Return a rich console; in a file or pipe lines are long rather than broken."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_FILES
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Any:
    """Return a rich table; columns whose cells are all numbers or dashes stand to the right."""
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), title=Text(title) if title else None, title_justify="left"
    )
    for column, heading in enumerate(headings):
        right = bool(rows) and all(_is_number(row[column]) for row in rows)
        made.add_column(Text(heading, style="bold"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell == "-"
    return True


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table."""
    _print(table(headings, rows, title))


def _print(renderable: Any) -> None:
    screen = console()
    with screen.capture() as captured:
        screen.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print pairs of a heading and a text; lines of a text stay lines."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for heading, text in facts:
        made.add_row(Text(heading, style="bold"), Text(text))
    _print(made)
