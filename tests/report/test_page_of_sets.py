"""The card of a set of rules: each rule with its equation, verdicts and figures, and what each part of each does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from rulesearch.report.card_figures import ablation_figure
from rulesearch.report.page.card import card
from rulesearch.report.page.page import report_html
from rulesearch.report.page.pictures import Pictures
from rulesearch.rules import parse_rules
from rulesearch.symbolic import compare
from rulesearch.tasks.declaration import Requirement
from rulesearch.workflow.evidence import Evidence, emptied, gather
from rulesearch.workflow.front import FrontMember
from rulesearch.workflow.run import Run
from rulesearch.workflow.shown_losses import order_of_front


def _part(page: Path, rank: int, name: str) -> str:
    found = re.search(
        rf'<section class="part" aria-labelledby="rule-{rank}-{name}-title">.*?</section>', page.read_text(), re.DOTALL
    )
    assert found is not None
    return found.group()


@pytest.mark.slow
def test_each_rule_of_a_card_has_its_equation_figures_and_verdicts(pair_run: Run, pair_page: Path) -> None:
    for member in pair_run.members:
        opened = re.search(rf'<article id="rule-{member.rank}".*?</article>', pair_page.read_text("utf-8"), re.DOTALL)
        assert opened is not None
        assert re.findall(r'<span class="projection">(.*?)</span>', opened.group()) == ["feedforward", "lateral"]
        for name in member.rules.rules:
            part = unescape(_part(pair_page, member.rank, name))
            assert f"What {name} does to a weight" in part
            assert f"Expression tree of {name}" in part
            assert part.count("<svg") >= 2
            nearest = member.nearest_by_rule[name]
            assert nearest is not None
            assert nearest.summary in re.sub("<.*?>", "", part)


@pytest.mark.slow
def test_the_nearest_known_rule_stands_beside_each_rule(pair_page: Path) -> None:
    assert "The same for the nearest known rule: Oja 1982" in _part(pair_page, 1, "feedforward")
    lateral = _part(pair_page, 1, "lateral")
    assert "The same for the nearest known rule: anti-Hebbian, Foeldiak 1990" in lateral
    assert "<strong>equal-up-to-scale</strong>: anti-Hebbian, Foeldiak 1990 times 2</li>" in lateral


@pytest.mark.slow
def test_figures_of_a_set_are_kept_by_rule_and_named(pair_run: Run, pair_page: Path) -> None:
    names = {path.name for path in (pair_page.parent / "figures").iterdir()}
    for name in ("feedforward", "lateral"):
        assert {f"rule-1-{name}-{what}.{kind}" for what in ("change", "tree") for kind in ("svg", "pdf")} <= names
    assert {"rule-1-parts.svg", "known-oja-change.svg", "known-anti-hebb-change.svg"} <= names
    assert not {"rule-1-change.svg", "rule-1-tree.svg"} & names


def test_each_part_of_each_rule_is_taken_out_and_each_rule_as_a_whole(pair_run: Run) -> None:
    evidence = gather(pair_run).rules[0]
    removed = {each.removed: each for each in evidence.ablations}
    assert evidence.loss is not None
    assert {"feedforward: all of it", "lateral: all of it", "lateral: y from c*x*y"} <= set(removed)
    assert "feedforward: w*y from x - w*y" in removed
    without = removed["lateral: all of it"]
    assert without.rule == "feedforward[y*(x - w*y); eta = 1]; lateral[0; eta = 1]"
    # The answer is -x*y: 0 is as far from it as -2*x*y.
    assert without.loss == pytest.approx(evidence.loss, rel=1e-12)
    forward = removed["feedforward: all of it"].loss
    assert forward is not None and forward > 2.0 * evidence.loss
    figure = ablation_figure(evidence.ablations, evidence.loss, "one seed", ("feedforward", "lateral"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["feedforward", "lateral"]
    rows = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    assert "without all of it" in rows[0] and "without y from c*x*y" in rows[1]
    assert sum(map(len, rows)) == len(evidence.ablations)


def test_the_parts_of_a_single_rule_have_one_panel(pair_run: Run) -> None:
    evidence = gather(pair_run).rules[0]
    single = [replace(each, removed="y from x*y") for each in evidence.ablations]
    [axes] = ablation_figure(single, 0.5, "one seed").axes
    assert axes.get_title(loc="left") == ""


def test_numbers_and_bounds_of_a_set_carry_the_name_of_their_rule(pair_run: Run) -> None:
    ranges = gather(pair_run).rules[0].ranges
    assert {each.name for each in ranges} == {"feedforward: eta", "lateral: eta", "lateral: c"}
    text = "feedforward[x*y; bounds = [0, 1]]; lateral[x*y; bounds = [-1, 0]]"
    apart = replace(pair_run.members[0], rules=parse_rules(text))
    rows = card(apart, Evidence(), None, Pictures(None), brief=True)["constants"]
    assert [(re.sub("<.*?>", "", row["name"]), row["value"]) for row in rows] == [
        ("feedforward: w", "0 to 1"),
        ("lateral: w", "-1 to 0"),
    ]
    both = replace(pair_run.members[0], rules=parse_rules(text.replace("[-1, 0]", "[0, 1]")))
    rows = card(both, Evidence(), None, Pictures(None), brief=True)["constants"]
    assert [re.sub("<.*?>", "", row["name"]) for row in rows] == ["feedforward: w", "lateral: w"]
    assert {(row["unit"], row["note"]) for row in rows} == {("", "bounds")}


def test_a_rule_and_the_nearest_known_one_are_drawn_in_the_same_units() -> None:
    rules = parse_rules("y*(x - w*y); eta = 0.02")
    member = FrontMember(1, rules, 7, 0.1, None, {}, tuple(compare(rules)))
    drawn: dict[str, Figure] = {}

    class Kept(Pictures):
        def add(self, name: str, draw: Callable[[], Figure], label: str, links: Mapping[str, str] | None = None) -> str:
            drawn[name] = draw()
            return ""

    card(member, Evidence(), None, Kept(None), brief=False)
    ours, theirs = drawn["rule-1-change"], drawn["known-oja-change"]
    assert [figure.axes[-1].get_ylabel() for figure in (ours, theirs)] == [r"$\Delta w / \eta$"] * 2
    assert np.array_equal(*(np.asarray(figure.axes[0].images[0].get_array()) for figure in (ours, theirs)))


def test_a_known_set_with_other_rule_names_stands_beside_no_rule_of_a_set() -> None:
    rules = parse_rules("ff[y*(x - w*y)]; lat[-x*y]")
    verdicts = tuple(each for each in compare(rules) if each.rule == "rubner-tavan")
    member = FrontMember(1, rules, 11, 0.1, None, {}, verdicts)
    parts = card(member, Evidence(), None, Pictures(None), brief=False)["parts"]
    assert [part["name"] for part in parts] == ["ff", "lat"]
    assert [part["verdicts"][0].title for part in parts] == [
        "feedforward of Rubner & Tavan 1989",
        "lateral of Rubner & Tavan 1989",
    ]


@pytest.mark.slow
def test_each_rule_has_a_line_of_the_front_with_what_it_is(pair_page: Path) -> None:
    table = re.search(r'aria-label="Table of the front">.*?</table>', pair_page.read_text("utf-8"), re.DOTALL)
    assert table is not None
    first = unescape(table.group()).split("<tr>")[2]
    lines = re.findall(r"<div><a [^>]*>(.*?)</a> <span[^>]*>(.*?)</span></div>", first)
    assert lines == [
        ("feedforward: y*(x - w*y)", "identical: Oja 1982"),
        ("lateral: -2*x*y", "equal-up-to-scale: anti-Hebbian, Foeldiak 1990"),
    ]
    assert '<td class="compared">same-terms: Rubner & Tavan 1989</td>' in first


def test_a_rule_that_ran_where_it_was_chosen_and_not_beyond_is_said_to_have_died(pair_run: Run) -> None:
    first, second = (replace(each, held_out_loss=None, held_out_losses=()) for each in pair_run.members)
    run = replace(pair_run, members=(first, pair_run.members[1]))
    text = report_html(run, Evidence(), brief=True)
    assert text.count("on 10 held-out seeds it does not run to its end") == 2
    assert text.count("<td>died</td>") == 1
    nothing = report_html(replace(pair_run, members=(first, second), held_out_on=""), Evidence(), brief=True)
    assert "does not run" not in nothing and "died" not in nothing


def test_why_a_larger_rule_stands_on_the_front_with_a_larger_loss_is_said(pair_run: Run) -> None:
    small, large = replace(pair_run.members[0], size=3, loss=0.5), replace(pair_run.members[1], size=5, loss=0.7)
    wanted = [Requirement("angle_deg", most=6.0), Requirement("norm", 0.9, 1.1)]
    assert order_of_front([large, small], wanted) == (
        "a larger rule comes nearer to what the task asks for (angle_deg at most 6, norm from 0.9 to 1.1), "
        "which counts before the loss"
    )
    assert order_of_front([small, replace(large, loss=0.4)], wanted) == ""
    assert order_of_front([small, large], []) == ""


def test_a_rule_that_was_given_is_said_to_be_and_keeps_its_parts(pair_run: Run) -> None:
    first = pair_run.members[0]
    held = replace(first, rules=replace(first.rules, given=frozenset(["feedforward"])))
    parts = card(held, Evidence(), None, Pictures(None), brief=True)["parts"]
    assert [(part["name"], part["given"]) for part in parts] == [("feedforward", True), ("lateral", False)]
    drawn = card(held, Evidence(), None, Pictures(None), brief=False)["parts"]
    captions = [[caption for caption, _ in part["figures"]] for part in drawn]
    assert captions[0] == ["What feedforward does to a weight", "Expression tree of feedforward"]
    assert any(caption.startswith("The same for the nearest known rule") for caption in captions[1])
    removed = [what for _, what in emptied(held.rules)]
    assert removed == ["lateral: all of it"]
    run = replace(pair_run, members=(held,))
    assert run.to_json()["given"] == ["feedforward"]
    assert "given" not in pair_run.to_json()
    text = report_html(run, Evidence(), brief=True)
    assert ">feedforward (given, not searched)</h4>" in text and ">lateral</h4>" in text
