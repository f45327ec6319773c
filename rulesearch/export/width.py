"""How wide a piece of LaTeX will be, roughly: in characters of the text around it."""

from __future__ import annotations

import re

_NARROW = 0.55
_TOKEN = re.compile(r"\\(?:mathrm|operatorname|text)\b|\\[A-Za-z]+|\\.|[A-Za-z]|\d|\S")
_NO_WIDTH = {r"\left", r"\right", r"\bigl", r"\bigr", r"\mathrm", r"\operatorname", r"\text", r"\bar", r"\dot", r"\hat"}
_NO_WIDTH |= {r"\overline", r"\allowbreak", r"\frac", r"\sqrt"}
_WIDTHS = {r"\,": 0.3, r"\quad": 2.0, r"\exp": 3.0, r"\log": 3.0, r"\tanh": 4.0, r"\sin": 3.0, r"\cos": 3.0}
_WIDTHS |= {r"\min": 3.0, r"\max": 3.0, "+": 2.0, "-": 2.0, r"\cdot": 1.5, r"\times": 2.0, ",": 0.8, ".": 0.6}


def latex_width(latex: str) -> float:
    """Return a width; a fraction is as wide as its wider half, sub- and superscripts are small."""
    width, position = _group(latex, 0)
    return width if position >= len(latex) else width + latex_width(latex[position + 1 :])


def _group(latex: str, position: int) -> tuple[float, int]:
    """Return the width up to the closing brace of the group that begins at `position`, and where that brace is."""
    total, scale = 0.0, 1.0
    while position < len(latex):
        character = latex[position]
        if character == "}":
            return total, position
        if character == "{":
            inner, position = _group(latex, position + 1)
            total += scale * inner
            scale, position = 1.0, position + 1
            continue
        if latex.startswith(r"\frac{", position):
            upper, middle = _group(latex, position + 6)
            lower, end = _group(latex, middle + 2)
            total, scale, position = total + scale * max(upper, lower), 1.0, end + 1
            continue
        if character in "^_":
            scale, position = 0.7, position + 1
            continue
        match = _TOKEN.match(latex, position)
        if match is None:
            position += 1
            continue
        token = match.group()
        position = match.end()
        if token not in _NO_WIDTH:
            total += scale * _WIDTHS.get(token, _NARROW if token in "()[]|'1iljtfr" else 1.0)
            scale = 1.0
    return total, position
