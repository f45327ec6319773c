"""Little grammars whose numbers are known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rulesearch.grammar import Grammar, parse_grammar


def _little_grammar(
    productions: dict[str, list[str]],
    symbols: str = "x y",
    slots: dict[str, str] | None = None,
    constants: str = "",
) -> Grammar:
    """Return a grammar of pure numbers; constants are uniform in [-2, 2]."""
    lines = ['name = "little"', 'description = "for tests"']
    for name in symbols.split():
        lines += [f"[symbols.{name}]", 'meaning = "any"', 'unit = ""']
    for name in constants.split():
        lines += [f"[constants.{name}]", "range = [-2.0, 2.0]", 'prior = "uniform"', 'unit = ""']
    lines.append("[slots]")
    lines += [f'{slot} = "{start}"' for slot, start in (slots or {"on_step": "a"}).items()]
    lines.append("[productions]")
    lines += [f"{name} = {texts!r}" for name, texts in productions.items()]
    lines += ["[limits]", "size = 15", "depth = 8"]
    return parse_grammar("\n".join(lines))


@pytest.fixture(scope="session")
def little_grammar() -> Callable[..., Grammar]:
    """The function that makes a little grammar from its productions."""
    return _little_grammar


@pytest.fixture(scope="session")
def sums_and_products() -> Grammar:
    """Two symbols, sum and product: 2**(2k+1) Catalan(k) derivations of 2k + 1 nodes."""
    return _little_grammar({"a": ["x", "y", "a + a", "a * a"]})
