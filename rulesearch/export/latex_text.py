r"""Text of others in LaTeX: every character stands for itself, as far as pdflatex has a sign for it.

Greek letters and signs of mathematics go through `\ensuremath`, letters with accents through LaTeX's accents. What
there is no sign for in the fonts that every LaTeX has is shown by its code point, `[U+6743]`, so that names stay apart.
"""

from __future__ import annotations

import re
import unicodedata

from rulesearch.expression.printing import GREEK

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': "''",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_MATHEMATICS = {
    **{letter: rf"\{name}" for name, letter in GREEK.items()},
    **{"ε": r"\varepsilon", "φ": r"\varphi", "ϑ": r"\vartheta", "ς": r"\varsigma", "ϖ": r"\varpi"},
    **{"π": r"\pi", "\u03c5": r"\upsilon", "\u03a5": r"\Upsilon", "∆": r"\Delta", "∑": r"\sum", "∏": r"\prod"},
    **{"−": "-", "≤": r"\le", "≥": r"\ge", "≠": r"\neq", "≈": r"\approx", "∞": r"\infty", "∝": r"\propto", "∓": r"\mp"},
    **{"∂": r"\partial", "∇": r"\nabla", "√": r"\surd", "∈": r"\in", "∉": r"\notin", "⟨": r"\langle", "⟩": r"\rangle"},
    **{"→": r"\to", "←": r"\leftarrow", "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "↑": r"\uparrow", "∫": r"\int"},
    **{"↓": r"\downarrow", "\u2032": "'", "\u2033": "''", "\u2217": "*", "⋅": r"\cdot", "∘": r"\circ"},
    **{"«": r"\ll", "»": r"\gg", "\u03f1": r"\varrho", "\u03bf": "o"},
}
_LIKE_LATIN = dict(
    zip(
        ("ALPHA", "BETA", "EPSILON", "ZETA", "ETA", "IOTA", "KAPPA", "MU", "NU", "OMICRON", "RHO", "TAU", "CHI"),
        "ABEZHIKMNOPTX",
        strict=True,
    )
)
"""Capital Greek letters that have no command of their own in LaTeX, by their names."""
_ACCENTS = {
    **{"\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0305": r"\="},
    **{"\u0306": r"\u", "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v"},
    **{"\u0323": r"\d", "\u0327": r"\c", "\u0331": r"\b"},
}
_OVER_MATHEMATICS = {
    **{r"\`": r"\grave", r"\'": r"\acute", r"\^": r"\hat", r"\~": r"\tilde", r"\=": r"\bar", r"\u": r"\breve"},
    **{r"\.": r"\dot", r"\"": r"\ddot", r"\v": r"\check"},
}
_SIGNS = frozenset("¡¢£¥§©ª¬®°±¹²³µ¶·º¼½¾¿ÆØßæøŁłŒœı×÷\u2018\u2019“”–—…•†‡€‰")
"""What pdflatex reads as it is, besides ASCII and letters with accents."""

_LAST_LATIN = "\u017f"
"""Up to here pdflatex reads letters with accents as they are."""


def escape(text: str) -> str:
    """Return text in which every character stands for itself in LaTeX; white space becomes single spaces."""
    shown = ""
    for mark in unicodedata.normalize("NFC", " ".join(text.split())):
        # An accent that Unicode has no letter with goes over what was written last.
        shown = _accented(shown, mark) if mark in _ACCENTS else shown + _sign(mark)
    return shown


def _sign(mark: str) -> str:
    if mark in _ESCAPES:
        return _ESCAPES[mark]
    if mark in _SIGNS or " " <= mark <= "~":
        return mark
    if mark in _MATHEMATICS:
        return rf"\ensuremath{{{_MATHEMATICS[mark]}}}"
    name = unicodedata.name(mark, "")
    if name.startswith("GREEK CAPITAL LETTER ") and name.split()[-1] in _LIKE_LATIN:
        return _LIKE_LATIN[name.split()[-1]]
    kind, _, parts = unicodedata.decomposition(mark).rpartition("> ")
    codes = [chr(int(code, 16)) for code in parts.split()]
    if not kind and len(codes) == 2 and codes[1] in _ACCENTS:
        return mark if mark <= _LAST_LATIN else _accented(_sign(codes[0]), codes[1])
    if kind in ("<super", "<sub"):
        return rf"\ensuremath{{{'^' if kind == '<super' else '_'}{{{''.join(map(_in_mathematics, codes))}}}}}"
    return "".join(map(_sign, codes)) if codes else _code(mark)


def _in_mathematics(mark: str) -> str:
    return _MATHEMATICS.get(mark, _sign(mark))


def _accented(shown: str, accent: str) -> str:
    """Return text with an accent over its last letter, which may be one of mathematics."""
    letter = re.search(r"[A-Za-z0-9\u00c0-\u017f]$|\\ensuremath\{(\\?[A-Za-z]+)\}$", shown)
    over = _OVER_MATHEMATICS.get(_ACCENTS[accent])
    if letter is None or (letter[1] and over is None):
        return shown + _code(accent)
    made = rf"\ensuremath{{{over}{{{letter[1]}}}}}" if letter[1] else f"{_ACCENTS[accent]}{{{letter[0]}}}"
    return shown[: letter.start()] + made


def _code(mark: str) -> str:
    return f"[U+{ord(mark):04X}]"
