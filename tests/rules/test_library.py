"""The library of known rules: every file is complete, and found by each of its names."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import KnownRule, find_known, known_rule, known_rules, parse_rules, rules_from_json, rules_to_json

KNOWN = list(known_rules().values())


def test_every_file_is_a_rule_of_that_name() -> None:
    folder = resources.files("rulesearch.rules") / "known"
    files = sorted(item.name for item in folder.iterdir())
    assert files == [f"{name}.toml" for name in known_rules()]
    assert {"oja", "hebb", "vogels", "stdp-pair"} <= set(known_rules())


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_known_rule_is_complete(known: KnownRule) -> None:
    assert re.fullmatch(r"10\.\d{4,9}/\S+", known.doi) or "https://openreview.net/" in known.reference
    assert known.bibtex.startswith("@")
    assert known.bibtex.count("{") == known.bibtex.count("}")
    assert re.search(r"\(\d{4}\)", known.reference)
    assert known.title
    assert known.does.endswith(".")
    assert known.rules.name == known.name
    assert known.rules.latex()


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_known_rule_survives_text_and_json(known: KnownRule) -> None:
    assert parse_rules(str(known.rules)).rules == known.rules.rules
    assert rules_from_json(rules_to_json(known.rules)) == known.rules


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_known_rule_is_found_by_each_name(known: KnownRule) -> None:
    for name in (known.name, *known.aliases):
        assert find_known(name) is known
        assert known_rule(f" {name.upper()} ") is known


def test_names_and_aliases_are_unique_and_in_small_letters() -> None:
    names = [name for known in KNOWN for name in (known.name, *known.aliases)]
    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert find_known("ojaa") is None
    with pytest.raises(RulesearchError, match="unknown rule 'ojaa'; did you mean 'oja'"):
        known_rule("ojaa")


def test_known_rules_say_what_their_papers_say() -> None:
    assert str(known_rule("oja").rules) == "y*(x - w*y)"
    assert known_rule("oja").rules.size == 7
    vogels = known_rule("vogels").rules.only()
    # Target rate alpha/(2 tau) = 0.25/(2 * 20 ms) = 6.25 Hz
    assert vogels.constants["alpha"].value / (2 * 0.02) == pytest.approx(6.25)
    stdp = known_rule("stdp-pair").rules.only()
    assert stdp.constants["A_minus"].value == pytest.approx(1.05 * stdp.constants["A_plus"].value)
