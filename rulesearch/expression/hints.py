"""What people write in other languages, and what it is called here: for the one line that refuses it."""

from __future__ import annotations

import re

from rulesearch.expression.printing import GREEK

_MINUS = "write - for the minus"
_TIMES = "write * for a product"
_LATEX = "LaTeX is not read; type for example x*y - w*y**2"
_COMPARE = "write step(a - b) for a > b"

_CHARACTERS: dict[str, str] = {
    "^": "write ** for a power, as in x**2",
    **dict.fromkeys("\u2212\u2013\u2014\ufe63\uff0d", _MINUS),
    **dict.fromkeys("\u00d7\u00b7\u22c5\u2219\u2217\u2022", _TIMES),
    **dict.fromkeys("\u00f7\u2215\u2044", "write / for a quotient"),
    **dict.fromkeys("\\${}&", _LATEX),
    **dict.fromkeys("<>\u2264\u2265", _COMPARE),
    **{mark: f"write **{power} for a power" for power, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{mark: f"write {digit} behind the name, as in y2" for digit, mark in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{letter: f"write {name}" for name, letter in GREEK.items()},
    "ε": "write epsilon",
    "φ": "write phi",
    "ϑ": "write theta",
    "√": "write sqrt(x)",
    "Θ": "write step(x) for the Heaviside function, or the name Theta",
    "∞": "write inf, which only bounds may be",
    "|": "write abs(x)",
    "[": "write round brackets in expressions, and relu(x) for the rectifier",
    "]": "write round brackets in expressions, and relu(x) for the rectifier",
    ".": "write functions alone: exp(x), not np.exp(x)",
    "=": "a constant stands behind a semicolon, as in a*x; a = 0.5",
    "!": "there are no factorials and no negations",
    "'": "write one name for one quantity, as in x2",
}

_FUNCTIONS: dict[str, str] = {
    "square": "x**2",
    "cube": "x**3",
    "pow": "x**n",
    "power": "x**n",
    "inv": "1/x",
    "ln": "log(x)",
    "log10": "log(x)/log(10)",
    "log2": "log(x)/log(2)",
    **dict.fromkeys(("heaviside", "theta", "h", "unitstep"), "step(x)"),
    **dict.fromkeys(("clip", "clamp", "bound"), "max(low, min(x, high))"),
    **dict.fromkeys(("sigmoid", "logistic", "expit"), "1/(1 + exp(-x))"),
    **dict.fromkeys(("rectify", "rect", "ramp", "pos", "plus"), "relu(x)"),
    **dict.fromkeys(("sgn", "signum"), "sign(x)"),
    "sinh": "(exp(x) - exp(-x))/2",
    "cosh": "(exp(x) + exp(-x))/2",
    **dict.fromkeys(("absolute", "fabs", "norm"), "abs(x)"),
    **dict.fromkeys(("minimum", "fmin"), "min(a, b)"),
    **dict.fromkeys(("maximum", "fmax"), "max(a, b)"),
    "frac": "a/b",
    "sqr": "x**2",
    **dict.fromkeys(("if", "ifelse", "where", "piecewise"), "step(a - b)*x for x where a > b"),
}

_LEFT = re.compile(
    r"\s*(?P<left>(?P<rate>d\s*w\s*/\s*d\s*t|dwdt|dw_dt|w_dot)|(?:d|δ|Δ|∆|delta_?|Delta_?|D)\s*w|w|w_new|new_w)"
    r"\s*(?P<sign>\+|-|\*|/)?=(?!=)"
)


def character_hint(character: str) -> str | None:
    """Return what to write in place of a character that no expression has; None where nobody knows."""
    return _CHARACTERS.get(character)


def function_hint(name: str) -> str | None:
    """Return what to write in place of a function of that name; None where nobody knows."""
    return _FUNCTIONS.get(name.lower())


def left_side_hint(text: str) -> str | None:
    """Return what to say of a text that begins with the left-hand side of an equation for w; None where none does."""
    found = _LEFT.match(text)
    if found is None:
        return None
    left = " ".join(found["left"].split())
    if found["rate"]:
        return f"{left} = is not part of a rule; write only its right-hand side, as in drift: -w/tau"
    return (
        f"{left} {found['sign'] or ''}= is not part of a rule; write only what is added to w, such as y*(x - w*y); "
        "limits of w are bounds = [0, 1]"
    )
