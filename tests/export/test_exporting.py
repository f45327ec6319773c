"""One call for all formats, and files that are complete or absent."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.rules import known_rule, parse_rules, rules_from_json
from rulesearch.writing import write_file, write_text


@pytest.mark.parametrize(
    "text", ["y*(x - w*y)", "on_pre: (v - a)*y; a = 0.25 mV; bounds = [0, inf]", "a[x]; b[-x; eta = 1]"]
)
def test_exported_json_reads_back_as_the_same_rules(text: str) -> None:
    rules = parse_rules(text)
    assert rules_from_json(json.loads(rs.export(rules, "json"))) == rules


def test_a_rule_may_be_given_in_any_form() -> None:
    expected = rs.export(known_rule("oja").rules, "json")
    for form in ("oja", known_rule("oja"), rs.RuleSet(known_rule("oja").rules.rules, "oja")):
        assert rs.export(form, "json") == expected
    assert json.loads(rs.export(known_rule("oja").rules.only(), "json"))["rules"] == json.loads(expected)["rules"]


def test_export_stays_a_call_after_its_package_was_imported() -> None:
    importlib.import_module("rulesearch.export.latex")
    assert rs.export("oja", "latex").startswith("% Rule oja")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "rule.txt"
    target.write_text("old")

    def fail(place: Path) -> None:
        place.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(RulesearchError, match="cannot be written: No space left"):
        write_file(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match="is a folder"):
        write_text(tmp_path, "x")
    with pytest.raises(RulesearchError, match="there is no folder"):
        write_text(tmp_path / "none" / "x.txt", "x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_written_to_and_not_replaced() -> None:
    before = os.stat(os.devnull)
    write_text(Path(os.devnull), "x")
    assert os.stat(os.devnull).st_rdev == before.st_rdev


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["numpy", "numba", "sympy", "pandas", "matplotlib", "deap", "typer", "rich"]
    code = f"import sys, rulesearch; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in rs.__all__:
        assert getattr(rs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rs.nothing
