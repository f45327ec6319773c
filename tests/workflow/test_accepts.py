"""Whether a grammar holds a rule, modulo algebra; and whatever stands for a rule."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.grammar import load_grammar
from rulesearch.rules import known_rule, parse_rules, rules_to_json
from rulesearch.tasks import load_task
from rulesearch.workflow.membership import accepts
from rulesearch.workflow.resolve import read_rules, task_of

RATE = load_grammar("rate")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("y*(x - w*y)", True),
        ("x*y - w*y**2", True),
        ("y*(x - 0.5*w*y)", True),
        ("y*(x - alpha*w*y); alpha = 0.5", True),
        ("y*(x - alpha*w*y); alpha = 5", False),
        ("min(x, y)", True),
        ("(x - x_bar)*y; x_bar = lowpass(x, 100)", True),
        ("(x - x_bar)*y; x_bar = lowpass(x, 50)", False),
        ("drift: x*y", False),
    ],
)
def test_membership_is_modulo_algebra(text: str, accepted: bool) -> None:
    found = accepts(RATE, parse_rules(text))
    assert found["accepted"] == accepted, found
    assert (found["derivation"] is not None) == accepted
    assert found["how"]


@pytest.mark.parametrize(
    ("text", "how", "derivation"),
    [
        ("on_pre: -0.007*y", "as written, signs moved", "on_pre: -(y*0.007)"),
        ("on_pre: -(0.007*y)", "as written", "on_pre: -(y*0.007)"),
        ("on_pre: -a*y; on_post: a*x; a = 0.007", "as written", "on_pre: -(y*0.007); on_post: x*0.007"),
        ("on_pre: y - 0.007*y", "as written", "on_pre: y - y*0.007"),
    ],
)
def test_a_sign_goes_into_a_constant_or_out_of_it(text: str, how: str, derivation: str) -> None:
    found = accepts(load_grammar("stdp"), parse_rules(text))
    assert found == {"accepted": True, "how": how, "derivation": derivation}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("y*y/y", False), ("exp(log(y))", False), ("y + 0/w", False), ("x*y - w*y + w*y", True), ("1e-9*tanh(x)", False)],
)
def test_a_grammar_holds_no_rule_that_is_defined_at_other_points(tmp_path: Path, text: str, accepted: bool) -> None:
    path = tmp_path / "sums.toml"
    path.write_text(
        """
        name = "sums"
        description = "Sums and products."
        slots = { on_step = "change" }
        productions = { change = ["x", "y", "w", "change + change", "change - change", "change*change"] }
        limits = { size = 9, depth = 6 }
        [symbols]
        x = { meaning = "presynaptic activity", unit = "" }
        y = { meaning = "postsynaptic activity", unit = "" }
        w = { meaning = "weight", unit = "" }
        """
    )
    assert accepts(load_grammar(str(path)), parse_rules(text))["accepted"] == accepted


@pytest.mark.slow
def test_a_function_that_no_derivation_computes_is_not_accepted() -> None:
    assert not accepts(RATE, parse_rules("sin(x)"))["accepted"]


def test_known_rules_of_the_tasks_are_accepted() -> None:
    assert accepts(RATE, known_rule("oja").rules)["accepted"]
    assert accepts(load_grammar("spiking"), load_task("inhibitory-rate").baseline({"target": 5.0}))["accepted"]


def test_rules_are_read_from_text_name_and_file(tmp_path: Path) -> None:
    oja = parse_rules("y*(x - w*y)")
    assert read_rules("y*(x - w*y)") == oja
    assert read_rules(" Oja ").rules == oja.rules
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(rules_to_json(oja)))
    assert read_rules(str(path)) == oja
    assert read_rules(str(path), load_task("oja")) == oja


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff", "it is not UTF-8 text"),
        (b" " * 300_000, "is larger than"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_that_are_no_rule_are_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "rule.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RulesearchError, match=said):
        read_rules(str(path))


def test_a_folder_that_holds_no_run_or_cannot_be_read_is_not_taken_for_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for read in (read_rules, task_of):
        with pytest.raises(RulesearchError, match="is not a run folder"):
            read(f"{tmp_path}:1")
    found = os.stat

    def stat(path: Any, **options: Any) -> os.stat_result:
        if os.fspath(path).startswith(f"{tmp_path}{os.sep}"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return found(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    for read in (read_rules, task_of):
        with pytest.raises(RulesearchError, match=rf"^the folder {tmp_path} cannot be read: Permission denied$"):
            read(f"{tmp_path}:1")


def test_a_slot_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "on_pre").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_rules("on_pre: 1") == parse_rules("on_pre: 1")


def test_a_rule_that_does_not_fit_the_task_is_refused_whatever_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(rules_to_json(parse_rules("on_pre: x"))))
    for argument in ("on_pre: x", "vogels", str(path)):
        with pytest.raises(RulesearchError, match="task oja has the slots on_step"):
            read_rules(argument, load_task("oja"))
