"""Families of rules and their neighbours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.report.figures import family_figure, save_figure
from rulesearch.rules import parse_rules
from rulesearch.workflow.families import Found, families, neighbours
from rulesearch.workflow.run import Run


def _found(*texts: str) -> list[Found]:
    return [Found(parse_rules(text), 0.1 * (n + 1), f"run{n % 2}", n + 1) for n, text in enumerate(texts)]


def test_rules_that_differ_in_constants_are_one_family() -> None:
    found = families(_found("y*(x - w*y)", "2*x*y - 3*w*y*y", "x*y", "0.5*y*x - a*w*y**2; a = 0.1"))
    assert [(each.text, len(each.members)) for each in found] == [("x*y - w*y**2", 3), ("x*y", 1)]
    assert [each.known for each in found] == ["Oja 1982", "Hebb 1949"]
    assert (found[0].loss, found[0].runs, found[0].size) == (0.1, 2, 7)


def test_traces_and_bounded_weights_are_never_negative() -> None:
    texts = (
        "on_pre: relu(y) - 0.1; tau_y = 20 ms",
        "on_pre: y - 0.2; tau_y = 30 ms",
        "on_pre: abs(w)*y; tau_y = 20 ms",
    )
    bounded = ("on_pre: abs(w)*y; tau_y = 20 ms; bounds = [0, 1]", "on_pre: w*y; tau_y = 20 ms; bounds = [0, 1]")
    found = families(_found(*texts, *bounded))
    assert [(each.text, len(each.members)) for each in found] == [
        ("on_pre: y - constant", 2),
        ("on_pre: abs(w)*y", 1),
        ("on_pre: w*y", 2),
    ]


def test_rules_that_are_not_defined_at_the_same_points_are_two_families() -> None:
    found = families(_found("x*y", "x*y*(w/w)", "2*x*w*y/w", "x*y*(y - x)/(y - x)"))
    assert [(each.text, len(each.members)) for each in found] == [
        ("x*y", 1),
        ("x*y where w is not 0", 2),
        ("x*y where x - y is not 0", 1),
    ]
    assert [each.known for each in found] == ["Hebb 1949", "", ""]


def test_rules_with_the_same_trace_twice_are_one_family() -> None:
    found = families(_found("on_pre: y + y2; tau_y = 20 ms; tau_y2 = 20 ms", "on_pre: 2*y; tau_y = 20 ms"))
    assert [len(each.members) for each in found] == [2]


def test_neighbours_are_one_term_apart() -> None:
    graph = neighbours(families(_found("x*y", "x*y - w*y**2", "x*w", "x*y - w*y**2 + x + y")))
    assert sorted(graph.edges(data="change")) == [(0, 1, "more"), (0, 2, "other")]
    assert graph.nodes[0]["known"] == "Hebb 1949"


def test_interaction_schemes_and_slots_are_told_apart() -> None:
    texts = ("on_pre: y; tau_y = 20 ms", "on_pre: y; y = trace(post, 20 ms, nearest)", "on_post: y; tau_y = 20 ms")
    assert len(families(_found(*texts))) == 3


def test_the_graph_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    found = families(_found("x*y", "x*y - w*y**2", "x*w", "x*y - w*y**2 + x + y"))
    for name in ("a.svg", "b.svg"):
        save_figure(family_figure(found, "families"), tmp_path / name)
    positions = [
        re.findall(r"<use [^>]* x=.[0-9.]+. y=.[0-9.]+.", (tmp_path / name).read_text()) for name in ("a.svg", "b.svg")
    ]
    assert positions[0] and [re.sub("#[a-z0-9]+", "", each) for each in positions[0]] == [
        re.sub("#[a-z0-9]+", "", each) for each in positions[1]
    ]
    save_figure(family_figure(found[:1], "one"), tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5000


def test_rules_of_a_search_are_shown_without_bounds_that_hold_nothing_back(reference: Run) -> None:
    found = rs.families(reference, count=30)
    texts = [str(member.rules) for family in found for member in family.members]
    assert len(texts) > len(reference.members)
    assert not any("bounds" in text for text in texts)
    assert all("eta = " in text for text in texts)


OJA = "feedforward[y*(x - w*y)]; lateral"


def test_sets_are_one_family_where_each_rule_has_the_same_terms() -> None:
    found = families(_found(f"{OJA}[-0.02*x*y]", "lateral[-x*y]; feedforward[2*y*x - w*y*y]", f"{OJA}[x*y - w]"))
    assert [(each.text, len(each.members)) for each in found] == [
        ("feedforward: x*y - w*y**2; lateral: -x*y", 2),
        ("feedforward: x*y - w*y**2; lateral: -w + x*y", 1),
    ]
    assert [each.known for each in found] == ["Rubner & Tavan 1989 with other constants", ""]
    assert found[0].known_by_rule == {"feedforward": "Oja 1982", "lateral": "anti-Hebbian, Foeldiak 1990"}
    hebbff = "HebbFF, Tyulmankov, Yang & Abbott 2022 with the opposite sign of x*y"
    assert found[1].known_as == f"feedforward: Oja 1982; lateral: {hebbff}"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("-10*w - 112.5*x*y", "HEBBFF"),
        ("-w - x*y", "HEBBFF with other constants"),
        ("x*y - w", "HEBBFF with the opposite sign of x*y"),
        ("w - x*y", "HEBBFF with the opposite sign of w"),
        ("w + x*y", "HEBBFF with the opposite sign"),
        ("w*y**2 - x*y", "Oja 1982 with the opposite sign"),
        ("y*(x - 2*w*y)", "Oja 1982 with other constants"),
        ("-3*x*y", "anti-Hebbian, Foeldiak 1990"),
    ],
)
def test_a_family_is_known_as_a_rule_only_where_a_member_is_a_multiple_of_it(text: str, known: str) -> None:
    # HebbFF is -0.012*w - 0.135*x*y, Oja's rule x*y - w*y**2.
    [family] = families(_found(text))
    assert family.known_as.replace("HebbFF, Tyulmankov, Yang & Abbott 2022", "HEBBFF") == known


def test_any_member_may_be_the_known_rule() -> None:
    [family] = families(_found("y*(x - 2*w*y)", "w*y**2 - x*y", "3*x*y - 3*w*y**2"))
    assert family.known_as == "Oja 1982"


def test_other_time_constants_are_other_constants_and_no_other_sign() -> None:
    [same] = families(_found("on_pre: -0.00525*y; on_post: 0.005*x; tau_x = 20 ms; tau_y = 40 ms"))
    assert same.known_as == "additive pair STDP, Song, Miller & Abbott 2000 with other constants"
    [turned] = families(_found("on_pre: 0.00525*y; on_post: -0.005*x; tau_x = 20 ms; tau_y = 40 ms"))
    assert turned.known_as == "additive pair STDP, Song, Miller & Abbott 2000 with the opposite sign"


def test_neighbours_of_a_set_say_which_rule_differs() -> None:
    others = (
        f"{OJA}[-x*y - w]",
        f"{OJA}[-w]",
        "feedforward[x*y]; lateral[-x*y]",
        "feedforward[x*y]; lateral[-x*y + w*y**2]",
    )
    graph = neighbours(families(_found(f"{OJA}[-x*y]", *others)))
    assert sorted((*edge, graph.edges[edge]["change"], graph.edges[edge]["rule"]) for edge in graph.edges) == [
        (0, 1, "more", "lateral"),
        (0, 2, "other", "lateral"),
        (0, 3, "more", "feedforward"),
        (1, 2, "more", "lateral"),
        (3, 4, "more", "lateral"),
    ]
    single = neighbours(families(_found("x*y", "x*y - w")))
    assert [single.edges[edge]["rule"] for edge in single.edges] == [""]


def test_families_of_a_run_of_sets_are_listed_and_drawn(pair_run: Run, tmp_path: Path) -> None:
    found = rs.families(pair_run)
    assert [each.text for each in found] == [
        "feedforward: x*y - w*y**2; lateral: -x*y",
        "feedforward: x*y - w*y**2; lateral: -w - x*y",
    ]
    figure = family_figure(found, "two families of sets")
    legend = figure.axes[0].get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["lateral"]
    save_figure(figure, tmp_path / "families.svg")
