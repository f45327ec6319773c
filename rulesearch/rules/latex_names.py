r"""Names of a rule in LaTeX: what its slots give, and in a set whose a symbol is: `\Delta w^{\mathrm{lateral}}`."""

from __future__ import annotations

from collections.abc import Iterable

from rulesearch.expression.printing import symbol_latex

_SIDES = {
    "on_pre": (r"\Delta w", r"_{\mathrm{pre}}"),
    "on_post": (r"\Delta w", r"_{\mathrm{post}}"),
    "drift": (r"\dot{w}", ""),
    "on_step": (r"\Delta w", ""),
}


def slot_latex(slot: str, member: str = "") -> str:
    r"""Return what a slot gives, `\Delta w_{\mathrm{pre}}`; `member`: the name of its rule in a set."""
    body, side = _SIDES[slot]
    return f"{of_member(body, member)}{side}"


def of_member(latex: str, member: str) -> str:
    r"""Return a symbol as that of one rule of a set, `\eta^{\mathrm{lateral}}`; as it is where `member` is empty."""
    name = member.replace("_", r"\_")
    return rf"{latex}^{{\mathrm{{{name}}}}}" if member else latex


def member_symbols(constants: Iterable[str], member: str) -> dict[str, str]:
    """Return the LaTeX of the weight and the constants of one rule of a set, in braces: a power may follow them."""
    return {name: f"{{{of_member(symbol_latex(name), member)}}}" for name in (*constants, "w")} if member else {}
