"""Exported NESTML models pass NESTML's parser and its context checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from peers import make_environment, run_peer
from strategies import random_tree
from test_brian2_export import CLOCKED, HARD

from rulesearch.errors import RulesearchError
from rulesearch.export import export
from rulesearch.export.nestml_code import TAKEN
from rulesearch.rules import Rule, RuleSet, Synaptic, Trace, known_rules, parse_rules

pytestmark = pytest.mark.slow

REFUSED = {
    "steps": "anti-hebb bcm covariance e2l-error e2l-reward hebb hebbff oja rubner-tavan sanger",
    "not linear": "btsp graupner-brunel r-stdp",
    "reads (v|w|I_E)": "clopath codependent codependent-inhibitory urbanczik-senn zenke-orchestrated",
}
"""Known rules that NESTML cannot express, by a part of the reason that is given."""

RANDOM = 60
NAMES = ("w", "x", "y", "x2", "R", "E", "v")


def _reason(name: str) -> str:
    return next((part for part, names in REFUSED.items() if name in names.split()), "")


@pytest.fixture(scope="module")
def nestml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("nestml"), "nestml==9.0.0")


def _check(nestml: Path, folder: Path, models: dict[str, RuleSet]) -> None:
    files = {}
    for number, (name, rules) in enumerate(models.items()):
        path = folder / f"model_{number}.nestml"
        path.write_text(export(rules, "nestml"), "utf-8")
        files[str(path)] = (name, len(rules.rules))
    found = run_peer(nestml, "nestml_models.py", {"files": list(files)})
    for path, (name, number) in files.items():
        assert found[path]["errors"] == [], name
        assert found[path]["warnings"] == [], name
        assert len(set(found[path]["models"])) == number, name


def test_known_rules_pass_or_say_why_not(nestml: Path, tmp_path: Path) -> None:
    models = {}
    for known in known_rules().values():
        for each in known.family():
            if _reason(known.name):
                with pytest.raises(RulesearchError, match=_reason(known.name)):
                    export(each.rules, "nestml")
            else:
                models[each.name] = each.rules
    assert len(models) == 24
    _check(nestml, tmp_path, models)


def test_hard_rules_and_clashing_names_pass(nestml: Path, tmp_path: Path) -> None:
    models = {name: parse_rules(text) for name, text in HARD.items()}
    models["decay"] = parse_rules(CLOCKED["decay"])
    models["reads v"] = parse_rules("on_pre: relu(v - theta)*y*R; on_post: sign(I_E); theta = -50 mV; bounds = [0, 1]")
    names = []
    for name in sorted(TAKEN - {"eta"}):
        try:
            parse_rules(f"on_pre: {name}; {name} = 0.3")
        except RulesearchError:
            continue
        names.append(name)
    assert len(names) > 150
    for start in range(0, len(names), 20):
        chosen = names[start : start + 20]
        given = "; ".join(f"{name} = 0.3" for name in chosen)
        models[f"names {chosen}"] = parse_rules(f"on_pre: y*({' + '.join(chosen)}); {given}")
    _check(nestml, tmp_path, models)


def test_random_rules_pass(nestml: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    models = {}
    for number in range(RANDOM):
        slots = {slot: random_tree(int(generator.integers(1, 13)), NAMES, generator) for slot in ("on_pre", "on_post")}
        eligibility = Synaptic({"on_pre": random_tree(3, NAMES, generator)}, 0.3)
        rule = Rule(
            slots,
            0.1,
            {"E": eligibility, "x2": Trace("pre", 0.1, nearest=True), "y2": Trace("post", 0.1, resets=True)},
            {},
            (0.0, np.inf),
        )
        models[str(number)] = RuleSet.single(rule)
    _check(nestml, tmp_path, models)
