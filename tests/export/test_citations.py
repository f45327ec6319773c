"""BibTeX of rules and of the library."""

from __future__ import annotations

import re

import pytest

import rulesearch as rs
from rulesearch.rules import KnownRule, known_rules

ALL = [each for known in known_rules().values() for each in known.family()]


@pytest.mark.parametrize(
    ("text", "key"), [("x*y - w*y**2", "oja1982"), ("3*x*y", "hebb1949"), ("on_pre: y - 0.1; on_post: x", "vogels2011")]
)
def test_the_paper_of_a_rule_comes_first(text: str, key: str) -> None:
    assert rs.cite(text)[0].key == key


def test_a_rule_that_is_nothing_known_cites_this_program() -> None:
    assert [each.key for each in rs.cite("tanh(x*w)**3")] == ["rulesearch"]


def test_a_rule_is_not_cited_as_one_of_the_opposite_sign() -> None:
    assert [each.key for each in rs.cite("2*x*y")] == ["hebb1949", "rulesearch"]
    assert [each.key for each in rs.cite("-2*x*y")] == ["foldiak1990", "rulesearch"]
    assert "oja1982" not in {each.key for each in rs.cite("x*y + w*y**2")}
    assert "oja1982" in {each.key for each in rs.cite("x*y - 2*w*y**2")}


def test_a_known_rule_cites_its_paper_alone() -> None:
    assert rs.cite("triplet-visual-nearest-full")[0].key == "pfister2006"


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_entries_are_whole(known: KnownRule) -> None:
    assert re.match(r"@\w+\{[a-z]+\d{4},\n", known.bibtex)
    assert known.bibtex.count("{") == known.bibtex.count("}")
    for field in ("author", "title", "year"):
        assert f"  {field} = {{" in known.bibtex


def test_keys_belong_to_one_paper() -> None:
    keys: dict[str, set[str]] = {}
    for known in ALL:
        keys.setdefault(known.bibtex.split(",")[0], set()).add(known.bibtex)
    assert all(len(found) == 1 for found in keys.values())
