"""How figures look and are saved; nothing global of matplotlib is touched."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.export.equations import slot_equations
from rulesearch.export.width import latex_width
from rulesearch.rules.rule import RuleSet
from rulesearch.writing import write_file

BLUE, RED, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#7F7F7F"
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY)
"""Colours that people with any colour vision can tell apart (Okabe & Ito 2008)."""

SUFFIXES = ("png", "svg", "pdf")

_WIDEST_EQUATION = 62.0


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, which lays out its panels itself."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure


def panel(axes: Any, x: str, y: str, title: str = "") -> Any:
    """Label a panel and take away what is not needed; returns the panel."""
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(which="both", labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes


def rule_title(rules: RuleSet, named: bool = False) -> str:
    """Return the equations of rules for a figure; as rule text where they are too wide.

    **Arguments:** `named`: say the name also of a rule that is the only one.
    """
    lines = []
    for name, rule in rules.rules.items():
        label = f"{name}: " if named or len(rules.rules) > 1 else ""
        for left, parts in slot_equations(rule, digits=3, with_values=True, line=1e9):
            lines.append(f"{label}${left} = {parts[0]}$")
    if all(latex_width(line) <= _WIDEST_EQUATION for line in lines) and draws(lines):
        return "\n".join(lines)
    return "\n".join(textwrap.wrap(str(rules), 88))


def draws(lines: list[str]) -> bool:
    """Return whether matplotlib can draw the mathematics of these lines."""
    from matplotlib.mathtext import MathTextParser

    parser: Any = MathTextParser("path")
    try:
        for line in lines:
            parser.parse(line)
    except ValueError:
        return False
    return True


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure in the format of its file's suffix.

    **Raises:** `RulesearchError` for another suffix, or where the file cannot be written.
    """
    suffix = check_figure_file(path)
    # Without a date in it the same figure gives the same file.
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    with rc_context({"svg.hashsalt": "rulesearch"}):
        write_file(path, lambda place: figure.savefig(place, format=suffix, metadata=metadata))


def check_figure_file(path: Path) -> str:
    """Return the format of a figure by its file's name; raises `RulesearchError` for another suffix, or no folder."""
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in SUFFIXES and os.path.isdir(path):
        raise RulesearchError(f"{path} is a folder; give the name of a file in it, such as {path / 'figure.png'}")
    if suffix not in SUFFIXES:
        raise RulesearchError(f"figures are saved as {', '.join(SUFFIXES)}; found {path.name!r}{_hint(suffix)}")
    if not path.parent.is_dir():
        raise RulesearchError(f"{path}: there is no folder {path.parent}")
    return suffix


def _hint(suffix: str) -> str:
    return did_you_mean(suffix, SUFFIXES) if suffix else "; add one to the name"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number for a table of a page; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}g}"


def limits(values: npt.NDArray[np.float64], least: float = 1e-12) -> float:
    """Return a size that nearly all finite values keep to, for colours that are symmetric about 0; poles stand out."""
    finite = np.abs(values[np.isfinite(values)])
    if not finite.size:
        return 1.0
    largest, usual = float(finite.max()), float(np.quantile(finite, 0.98))
    return max(largest if largest < 3.0 * usual else usual, least)
