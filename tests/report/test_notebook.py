"""Results in a notebook: equations, tables and a plot, bounded in size, names as text; a kernel that runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch import display
from rulesearch.report.notebook import table_html
from rulesearch.rules import parse_rules
from rulesearch.workflow.run import Run

_LARGEST = 300_000


def test_a_rule_shows_as_latex_with_its_values() -> None:
    shown = rs.RuleSet.single(parse_rules("x*y - c*w; c = 0.25").only())._repr_latex_()
    assert shown is not None and "0.25" in shown and shown.startswith("$") and shown.endswith("$")


def test_a_rule_shows_its_learning_rate_and_its_bounds() -> None:
    assert r"\eta = 0.01,\quad 0 \le w \le 2.5" in (
        parse_rules("x*y; eta = 0.01; bounds = [0, 2.5]")._repr_latex_() or ""
    )
    assert r"0 \le w$" not in (parse_rules("x*y; bounds = [-inf, inf]")._repr_latex_() or "")
    assert r" \\ 0 \le w\end" in (parse_rules("x*y; bounds = [0, inf]").only()._repr_latex_() or "")


def test_a_rule_too_long_for_a_browser_shows_as_text() -> None:
    row = parse_rules("+".join(["tanh(x*y*w)"] * 30)).only()
    assert row._repr_latex_() is not None
    assert rs.RuleSet({f"r{number}": row for number in range(10)})._repr_latex_() is None


def test_a_run_shows_conclusion_table_equation_and_plot(reported: Run) -> None:
    shown = reported._repr_html_()
    assert len(shown) < _LARGEST
    assert "<math>" in shown and "<svg" in shown and shown.count("<tr>") == 1 + len(reported.members)
    assert "<script>" not in shown


def test_a_comparison_is_a_list_and_shows_as_a_table() -> None:
    verdicts = rs.compare("x*y - w*y**2")
    assert verdicts[0].verdict == "equal"
    shown = verdicts._repr_html_()
    assert "Oja 1982" in shown and f"and {len(verdicts) - 12} more" in shown


def test_an_outcome_shows_each_seed() -> None:
    outcome = rs.evaluate("oja", task="oja", seeds=3)
    assert outcome._repr_html_().count("<tr>") == 1 + 1 + 3


def test_where_nothing_draws_results_their_text_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_drawer", None)
    assert rs.compare("x*y", ["hebb"])._repr_html_() is None


def test_long_tables_are_cut() -> None:
    assert table_html(["a"], [["1"]] * 500).count("<tr>") == 13


def run_cells(cells: list[str], folder: Path) -> list[str]:
    """Run cells in a kernel and return what they show."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    shown = []
    for cell in notebook.cells:
        for output in cell.outputs:
            shown += output.get("data", {}).values()
            shown.append(output.get("text", ""))
    return [str(each) for each in shown]


@pytest.mark.slow
def test_a_search_in_a_notebook_can_be_interrupted_and_keeps_what_was_found(tmp_path: Path) -> None:
    cell = """
import os, signal, threading, time
import rulesearch as rs
from rulesearch import display
def interrupt():
    while not os.path.exists("run/run.sqlite"):
        time.sleep(0.1)
    time.sleep(8.0)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
run = rs.discover("oja", budget=10**6, out="run")
"""
    shown = run_cells([cell, "print(run.status, len(run.members) > 0)", "run"], tmp_path)
    assert any("interrupted True" in text for text in shown)
    assert any("<svg" in text for text in shown)
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_set_shows_learning_rates_and_bounds_by_rule() -> None:
    shown = parse_rules("a[x*y; eta = 0.01; bounds = [0, 2]]; b[-x*y]")._repr_latex_() or ""
    assert r"\\ \eta^{\mathrm{a}} = 0.01,\quad 0 \le w^{\mathrm{a}} \le 2\end{aligned}$" in shown
    assert r"\Delta w^{\mathrm{b}} = \eta^{\mathrm{b}}" in shown


def test_verdicts_on_a_set_are_shown_by_rule() -> None:
    shown = rs.compare("feedforward[y*(x - w*y)]; lateral[-x*y]")._repr_html_() or ""
    rows = re.findall("<tr>(.*?)</tr>", shown)
    assert "<th>rule</th><th>known rule</th>" in rows[0]
    assert "<td>the set</td><td>Rubner &amp; Tavan 1989</td><td>identical</td>" in rows[1]
    assert "<td>lateral</td><td>anti-Hebbian, Foeldiak 1990</td><td>identical</td>" in rows[6]
