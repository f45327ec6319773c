"""Figures: drawn for every rule, saved in every format, refused in one line."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.expression import OPERATORS
from rulesearch.report.changes import is_drawn
from rulesearch.report.figures import beside_figure, front_figure, rule_figure, save_figure, task_figure
from rulesearch.report.front_figure import equation, front_panel, spaced
from rulesearch.report.network_figures import network_figure
from rulesearch.report.search_figures import lineage_figure
from rulesearch.report.style import SUFFIXES, draws, rule_title
from rulesearch.rules import RuleSet, known_rules, parse_rules
from rulesearch.rules.text import short_rule
from rulesearch.simulate.network.network import Network
from rulesearch.simulate.network.neurons import Neuron, Population
from rulesearch.simulate.network.recording import Record
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.simulate.synapse.respond import respond
from rulesearch.symbolic import compare
from rulesearch.tasks import Oja, TimeCourse
from rulesearch.tasks.registry import load_task
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.history import Ancestor
from rulesearch.workflow.run import Run
from tests.known_pair import Pair

LONG = "tanh(x*y - w*y**2)*relu(x - y*w)*(x + y + w*x - y*(x - tanh(x*y/w))) + abs(x)/(2 + y**2) - w*tanh(y - x*x*w)"


def a_run(losses: dict[str, float], references: tuple[ReferenceScore, ...] = ()) -> Run:
    """Return a run whose rules have these losses, best first."""
    members = []
    for rank, (text, loss) in enumerate(losses.items(), 1):
        rules = parse_rules(text)
        members.append(FrontMember(rank, rules, rules.size, loss, loss * 1.1, {}, tuple(compare(rules))))
    return Run(Path("run"), Experiment("oja $5", "oja", "rate"), "done", 1, 1, 1.0, "", tuple(members), references)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(known_rules()))
def test_every_known_rule_can_be_drawn(name: str, tmp_path: Path) -> None:
    rules = known_rules()[name].rules
    if not any(map(is_drawn, rules.rules.values())):
        assert name in ("btsp", "codependent-inhibitory", "e2l-error", "e2l-reward", "urbanczik-senn")
        return
    save_figure(rule_figure(rules), tmp_path / "rule.png")
    assert (tmp_path / "rule.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "a[on_pre: y - w]; b[-x*y*w]",
        "x/y",
        "log(x)",
        "0.5",
        "drift: x*w",
        "w_mean - 2*w",
        "on_pre: R*x*theta; theta = lowpass(y, 1 s); on_post: 1",
    ],
)
def test_awkward_rules_can_be_drawn(text: str, tmp_path: Path) -> None:
    save_figure(rule_figure(parse_rules(text)), tmp_path / "rule.svg")
    assert "<svg" in (tmp_path / "rule.svg").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0*x", "'0*x' never changes the weight"),
        ("w_mean - w", "it also needs w_mean; name a task that gives them: --task T"),
        ("(R - R_bar)*E*x", "it also needs R_bar, E; name a task"),
        ("on_pre: R*v*y", "it also needs v; name a task"),
    ],
)
def test_an_empty_figure_is_refused_with_what_is_needed(text: str, said: str) -> None:
    with pytest.raises(RulesearchError, match="there is nothing to draw") as found:
        rule_figure(parse_rules(text))
    assert said in str(found.value) and "\n" not in str(found.value)


def test_a_rule_that_waits_for_a_reward_shows_what_spikes_write_into_its_eligibility() -> None:
    figure = rule_figure(known_rules()["r-stdp"].rules)
    post_first, pre_first = (figure.axes[0].get_lines()[place] for place in (0, 1))
    assert figure.axes[0].get_ylabel() == r"$\Delta E$"
    # Izhikevich 2007: 0.1 exp(-t / 20 ms) and -0.15 exp(-t / 20 ms).
    for line, height in ((pre_first, 0.1), (post_first, -0.15)):
        times = np.abs(np.array(line.get_xdata()))
        assert np.allclose(line.get_ydata(), height * np.exp(-times / 20.0), rtol=1e-9)
    with pytest.raises(RulesearchError, match="it also needs D, E"):
        beside_figure({"a": known_rules()["r-stdp"].rules, "b": parse_rules("x*y")})


def test_a_rule_of_a_set_that_changes_nothing_is_named_and_left_out() -> None:
    figure = beside_figure({"first": parse_rules("a[x*y]; b[-x*y]"), "second": parse_rules("a[x]; b[0]")})
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes[:3]]
    assert titles == ["first, a", "second, a", "first, b"]
    assert figure.get_supxlabel().endswith("not drawn, as nothing changes: second, b")


def test_an_eligibility_that_reads_the_weight_is_drawn_where_the_weight_is_held() -> None:
    text = "drift: R*E; E = synaptic(on_post: w*x - 0.5*E; tau = 1 s); tau_x = 20 ms"
    after = rule_figure(parse_rules(text), weight=3.0).axes[0].get_lines()[1]
    # One pair, and E is 0 before it.
    assert np.allclose(after.get_ydata(), 3.0 * np.exp(-np.array(after.get_xdata()) / 20.0), rtol=1e-9)


def test_maps_of_a_set_stand_below_each_other_from_the_left() -> None:
    figure = rule_figure(parse_rules("a[y*(x - w*y)]; b[-x*y]"))
    figure.draw_without_rendering()
    left = [axes.get_position().x0 for axes in figure.axes if axes.images]
    assert len(left) == 4 and left[3] == pytest.approx(left[0], abs=0.01)


def test_the_same_figure_gives_the_same_file(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        for name in ("a", "b"):
            save_figure(rule_figure(parse_rules("x*y")), tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_can_be_drawn_as_mathematics(name: str) -> None:
    row = OPERATORS[name]
    text = (
        f"{row.name}({', '.join(['x', 'w'][: row.arity])})" if not row.infix else f"{'x' * (row.arity - 1)}{row.infix}w"
    )
    assert draws([rule_title(parse_rules(text))])
    assert rule_title(parse_rules(text)).startswith("$")


def test_a_rule_that_is_too_wide_is_titled_by_its_text() -> None:
    assert rule_title(parse_rules(LONG)).replace("\n", " ") == str(parse_rules(LONG))


def test_other_formats_and_folders_are_refused(tmp_path: Path) -> None:
    figure = rule_figure(parse_rules("x*y"))
    with pytest.raises(RulesearchError, match=r"figures are saved as png, svg, pdf; found 'a\.jpg'"):
        save_figure(figure, tmp_path / "a.jpg")
    with pytest.raises(RulesearchError, match="is a folder"):
        save_figure(figure, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["y*(x - w*y)", "x*y", "0*x"])
def test_the_oja_task_is_drawn_whatever_becomes_of_the_rule(text: str, tmp_path: Path) -> None:
    task = load_task("oja")
    figure = task_figure(task.parse(text), task, task.resolve({"points": 300, "data_sets": 2}), 3)
    assert len(figure.axes) == 3
    save_figure(figure, tmp_path / "task.png")


def test_the_oja_figure_shows_the_angle_falling_for_ojas_rule() -> None:
    task = load_task("oja")
    figure = task_figure(task.parse("y*(x - w*y)"), task, task.resolve())
    (median,) = [line for line in figure.axes[2].lines if line.get_label() == "median"]
    angles = np.asarray(median.get_ydata(), dtype=float)
    assert angles[0] > 30.0
    assert angles[-1] < 5.0


def test_the_inhibitory_task_is_drawn(tmp_path: Path) -> None:
    task = load_task("inhibitory-rate")
    settings = task.resolve({"learning": 4, "scoring": 2, "afferents": 200})
    for text in ("on_pre: y - 0.25; on_post: x", "on_pre: -0.5"):
        save_figure(task_figure(task.parse(text), task, settings), tmp_path / "task.png")


def test_the_frequency_of_pairs_turns_depression_into_potentiation() -> None:
    figure = rule_figure(known_rules()["triplet"].rules)
    after, before = figure.axes[1].get_lines()[:2]
    assert after.get_ydata()[0] < -0.2 < 0.5 < after.get_ydata()[-1]
    assert min(before.get_ydata()) > -0.01
    # 60 pairs far apart change the weight 60 times as much as one.
    pair = known_rules()["triplet"].rules.only()
    alone = respond(pair, [0.01], [0.0]).delta_w
    assert after.get_ydata()[0] == pytest.approx(60.0 * alone, rel=1e-3)


def test_a_network_is_drawn_with_its_target_weights_and_potentials() -> None:
    task = load_task("inhibitory-network")
    settings = task.resolve({"neurons": 500, "learning": 2, "scoring": 1})
    figure = task_figure(task.baseline(settings), task, settings, 1)
    raster, rates, weights, histogram = figure.axes
    assert len(raster.get_lines()) == 2 and all(len(line.get_xdata()) > 50 for line in raster.get_lines())
    assert [text.get_text() for text in rates.get_legend().get_texts()] == ["E", "I", "target 10 Hz"]
    assert weights.get_xlim() == (0.0, 2.0)
    assert [text.get_text() for text in histogram.get_legend().get_texts()] == ["0 s", "2 s"]
    simulation = Simulation(Network([Population("n", 3, Neuron(current=300.0))], []))
    recording = simulation.run(0.2, Record(potentials={"n": [0, 2]}))
    assert len(network_figure(recording).axes[2].get_lines()) == 2
    with pytest.raises(RulesearchError, match="no spikes were recorded"):
        network_figure(simulation.run(0.1, Record(spikes=[])))


@pytest.mark.parametrize("name", ["stdp-frequency", "stdp-triplets"])
def test_protocols_are_drawn_beside_the_data(tmp_path: Path, name: str) -> None:
    task = load_task(name)
    figure = task_figure(task.baseline(task.resolve()), task, task.resolve())
    trial = task.trial(task.bind(task.baseline({}), task.resolve()), 0, task.resolve(), "full")
    (drawn,) = [line for line in figure.axes[0].lines if line.get_label() == "rule"]
    np.testing.assert_array_equal(np.asarray(drawn.get_ydata()), trial.details["predictions"])
    save_figure(figure, tmp_path / "task.png")
    save_figure(task_figure(task.parse("on_pre: w; eta = 1"), task, task.resolve()), tmp_path / "dead.png")


def test_equations_beside_the_front_do_not_overlap() -> None:
    losses = {LONG: 1e-3, "y*(x - w*y)": 1.01e-3, "y*(x - w)": 1.02e-3, "x*y": 1.03e-3, "x": 1.04e-3}
    reference = ReferenceScore("oja", parse_rules("x*y"), "ok", 1e-3, {})
    figure = front_figure(a_run(losses, (reference,)))
    figure.draw_without_rendering()
    column = figure.axes[1]
    boxes = [text.get_window_extent() for text in column.texts if text.get_text()]
    assert len(boxes) == len(losses)
    frame = column.get_window_extent()
    for index, box in enumerate(boxes):
        assert box.x1 <= frame.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_the_front_of_a_set_keeps_its_panel_and_its_equations_within_the_figure() -> None:
    first = "bottom_up[tanh(y - 0.125)*(x - w*y) + x**2*y]"
    losses = {f"{first}; inhibition[x*y*({text})]": 1e-3 * (k + 1) for k, text in enumerate(("w + x - y", "x", "y"))}
    figure = front_figure(a_run(losses))
    figure.draw_without_rendering()
    axes, column = figure.axes
    width = figure.bbox.width
    assert axes.get_window_extent().width > 0.35 * width
    boxes = [text.get_window_extent() for text in column.texts if text.get_text()]
    assert len(boxes) == 3
    assert all(box.x1 <= width for box in boxes)
    assert all("\n" in text.get_text() for text in column.texts if text.get_text())
    assert not any(box.overlaps(other) for place, box in enumerate(boxes) for other in boxes[place + 1 :])


def test_a_front_with_a_loss_of_zero_and_without_held_out_scores_is_drawn(tmp_path: Path) -> None:
    save_figure(front_figure(a_run({"x*y": 0.0, "x": 0.5})), tmp_path / "front.png")
    save_figure(front_figure(a_run({"x": 0.0})), tmp_path / "front.png")
    with pytest.raises(RulesearchError, match="nothing to draw"):
        front_figure(a_run({}))


def test_heights_keep_their_order_and_their_distance() -> None:
    wanted = np.array([0.5, 0.5, 0.1, 0.98, 0.97])
    placed = spaced(wanted, 0.1)
    assert np.all(np.diff(np.sort(placed)) >= 0.1 - 1e-12)
    assert placed.min() >= 0.0
    assert placed.max() <= 1.0
    assert list(np.argsort(placed, kind="stable")) == list(np.argsort(wanted, kind="stable"))


def test_rules_stand_side_by_side_on_the_same_axes() -> None:
    rules = {name: known_rules()[name].rules for name in ("stdp-pair", "stdp-guetig")}
    windows, pairs = np.array(beside_figure(rules).axes).reshape(2, 2)
    for row in (windows, pairs):
        assert row[0].get_ylim() == row[1].get_ylim()
        assert row[0].get_xlim() == row[1].get_xlim()
    assert windows[0].get_title(loc="left").startswith("stdp-pair\n$")
    surfaces = beside_figure({"a": parse_rules("x*y"), "b": parse_rules("y*(x - w*y)")}).axes
    assert len(surfaces) == 3 * 2 + 1
    assert len({axes.images[0].get_clim() for axes in surfaces[:6]}) == 1


def test_rules_of_one_name_stand_side_by_side() -> None:
    rules = {"one": parse_rules("a[x*y]; b[x]"), "two": parse_rules("a[y]; b[-x*y]")}
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in beside_figure(rules).axes[:4]]
    assert titles == ["one, a", "two, a", "one, b", "two, b"]


def test_rules_of_very_different_size_are_drawn_in_units_of_their_own() -> None:
    near = beside_figure(
        {"a": parse_rules("on_post: x; tau_x = 20 ms"), "b": parse_rules("on_post: 3*x; tau_x = 20 ms")}
    )
    assert near.axes[0].get_ylabel() == "change by one pair"
    small, large = parse_rules("on_post: 0.001*x; tau_x = 20 ms"), parse_rules("on_post: x; tau_x = 20 ms")
    axes = beside_figure({"a": small, "b": large}).axes[:2]
    assert axes[0].get_ylabel().endswith("in units of each rule's largest")
    tops = [max(np.max(line.get_ydata()) for line in each.lines) for each in axes]
    assert tops == pytest.approx([1.0, 1.0])


def test_rules_of_spikes_and_of_rates_are_not_drawn_together() -> None:
    with pytest.raises(RulesearchError, match="draw one kind at a time"):
        rs.plot(["stdp-pair", "oja"])
    with pytest.raises(RulesearchError, match="at most 8"):
        rs.plot(["hebb"] * 9)
    with pytest.raises(RulesearchError, match="drawn by itself"):
        rs.plot(["oja", "hebb"], task="oja")


def test_the_equation_of_a_set_names_its_rules() -> None:
    assert equation(parse_rules("a[x*y]; b[-x*y]")).startswith("a: $")


def test_the_axis_of_a_front_says_which_loss_it_shows(reported: Run) -> None:
    for figure in (front_figure(reported), front_panel(reported)):
        axes = figure.axes[0]
        assert axes.get_ylabel() == "loss on 10 held-out seeds"
        legend = axes.get_legend() or figure.legends[0]
        labels = [text.get_text() for text in legend.get_texts()]
        assert {"front, 10 held-out seeds (bars: 95 % of the mean)", "front, 20 selection seeds"} <= set(labels)


def test_no_two_lines_of_a_family_tree_overlap_and_it_ends_in_rank_1(reported: Run) -> None:
    member = reported.members[0]
    ancestors = tuple(
        Ancestor(str(k), 20 - k, k, "mutation", f"y*(x - w*y) + {'x*y*' * 20}{k}", 0.1, (str(k - 1),))
        for k in range(20)
    )
    figure = lineage_figure(ancestors, replace(member, source="19"))
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()]
    for first, second in itertools.combinations(boxes, 2):
        assert not first.overlaps(second)
    whole = figure.get_window_extent(renderer)
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in boxes)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[-4:] == [short_rule(member.rules), f"{member.loss:.3g}", "clean-up: rank 1", ""]


def test_a_task_that_is_made_from_a_shipped_one_is_drawn_as_that_is() -> None:
    class FasterOja(Oja):
        name = "faster-oja"

    task = FasterOja()
    figure = task_figure(task.parse("y*(x - w*y)"), task, task.resolve({"points": 300, "data_sets": 2}), 3)
    assert [axes.get_title(loc="left") for axes in figure.axes][1:] == ["length, dashed: 1", "angle"]
    assert "task faster-oja, seed 3, 2 data sets" in figure.get_suptitle()


def test_a_task_of_ones_own_is_drawn_by_the_courses_that_it_tells() -> None:
    class Told(Pair):
        def courses(self, rules: RuleSet, seed: int, settings: Mapping[str, float]) -> tuple[TimeCourse, ...]:
            return tuple(TimeCourse(f"angle {n}", np.arange(3.0), np.array([90.0, n, seed]), 0.0) for n in range(4))

    task = Told()
    figure = task_figure(task.baseline({}), task, task.resolve({}), 7)
    assert [axes.get_ylabel() for axes in figure.axes if axes.axison] == ["angle 0", "angle 1", "angle 2", "angle 3"]
    assert list(figure.axes[2].lines[0].get_ydata()) == [90.0, 2.0, 7.0]
    assert "feedforward: " in figure.get_suptitle() and "task pair, seed 7" in figure.get_suptitle()


def test_a_task_of_ones_own_without_courses_is_drawn_by_its_metrics() -> None:
    task = Pair()
    figure = task_figure(task.baseline({}), task, task.resolve({}))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss"]
