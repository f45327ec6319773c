"""evaluate, respond, simplify, compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.cli.app import app
from rulesearch.cli.arguments import protect_rules
from rulesearch.cli.comparison import fixed_point_texts
from rulesearch.rules import known_rule, parse_rules
from rulesearch.rules.bound import BoundSet
from rulesearch.tasks import Oja, Trial
from rulesearch.tasks.declaration import Settings

Call = Callable[..., Any]

QUICK = ("--set", "points=200", "--set", "data_sets=2")


def test_evaluate_prints_the_agreed_document(call: Call) -> None:
    called = call("evaluate", "oja", "--task", "oja", "--seeds", "3", "--first-seed", "7", "--json")
    assert called.code == 0
    assert called.err == ""
    document = called.document
    assert list(document) == ["task", "rule", "status", "loss", "metrics", "per_seed"]
    assert [entry["seed"] for entry in document["per_seed"]] == [7, 8, 9]
    losses = [entry["loss"] for entry in document["per_seed"]]
    assert document["loss"] == pytest.approx(sum(losses) / 3)
    assert document["metrics"]["norm"] == pytest.approx(1.0, abs=0.05)


def test_evaluate_by_default_takes_the_seed_0(call: Call) -> None:
    document = call("evaluate", "oja", "--task", "oja", *QUICK, "--json").document
    assert [entry["seed"] for entry in document["per_seed"]] == [0]


def test_a_rule_that_runs_away_is_a_result(call: Call) -> None:
    called = call("evaluate", "x*y", "--task", "oja", "--seeds", "2", "--json")
    assert called.code == 0
    assert called.document["status"] == "runaway"
    assert called.document["loss"] is None
    assert [entry["status"] for entry in called.document["per_seed"]] == ["runaway"] * 2


def test_backends_agree(call: Call) -> None:
    losses = [
        call("evaluate", "oja", "--task", "oja", *QUICK, "--backend", backend, "--json").document["loss"]
        for backend in ("vm", "jit", "auto")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)
    assert losses[2] == losses[0]


def test_respond_prints_the_agreed_document(call: Call) -> None:
    words = ("respond", "stdp-pair", "--pre", "0,50", "--post", "10, 60", "--repeats", "3", "--every", "1000", "--json")
    called = call(*words)
    assert (called.code, called.err) == (0, "")
    document = called.document
    assert list(document) == ["rule", "delta_w", "w", "per_repeat"]
    assert len(document["per_repeat"]) == 3
    assert document["delta_w"] == pytest.approx(sum(document["per_repeat"]))
    assert document["w"] == pytest.approx(0.5 + document["delta_w"])
    assert "change of w" in call(*words[:-1]).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "x*y", "--seeds", "3"), "--seeds are those of simulations on a task"),
        (("plot", "x*y", "--first-seed", "0"), "--first-seed is simulated on a task"),
        (("discover", "oja", "--scheduler", "foo", "--dry-run"), "leave out --scheduler"),
        (("discover", "oja", "--workers", "2", "--dry-run"), "leave out --workers"),
    ],
)
def test_an_option_that_means_nothing_there_is_refused(
    refused: Callable[..., str], words: tuple[str, ...], said: str
) -> None:
    assert said in refused(*words)


@pytest.mark.slow
def test_respond_says_that_a_rule_could_not_be_followed(call: Call) -> None:
    shown = call("respond", "on_pre: theta; theta = lowpass(x**20, 1e-12 s)", "--pre", "0,50", "--post", "10").out
    assert "exhausted: it could not be followed within the allowed work" in " ".join(shown.split())


def test_respond_says_which_spike_comes_first(call: Call) -> None:
    said = " ".join(call("respond", "--help").out.replace("│", " ").split())
    assert "Of two spikes at the same time the presynaptic one comes first" in said
    assert call("respond", "on_pre: -y; on_post: x", "--pre", "10", "--post", "10", "--json").document["delta_w"] == 1.0


def test_respond_reads_a_clamped_potential_and_a_starting_weight(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("0,-70\n100,-20\n")
    words = ("respond", "-w + c*v; c = -0.1", "--voltage", str(path))
    assert call(*words).code == 2
    document = call("respond", "on_pre: w*(v + 70 mV)", "--pre", "20", "--w0", "2", *words[2:], "--json").document
    assert document["delta_w"] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("oja", "--pre", "0"), "spikes have no steps"),
        (("stdp-pair", "--pre", "0,x"), "--pre takes times in ms, such as 0,50; found 'x'"),
        (("stdp-pair", "--post", "0", "--repeats", "2"), "type for example --every 1000"),
        (("stdp-pair", "--pre", "0", "--voltage", "absent.csv"), "absent.csv cannot be read"),
        (("on_pre: v", "--pre", "0"), "clamp it: --voltage FILE"),
        (("stdp-pair", "--pre", "0", "--w0", "3"), "outside the bounds 0 to 1"),
    ],
)
def test_respond_refuses_in_one_line(refused: Callable[..., str], words: tuple[str, ...], said: str) -> None:
    assert said in refused("respond", *words)


def test_auto_compiles_where_much_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    monkeypatch.setattr("rulesearch.evaluation.evaluator._JIT_PAYS", 100)
    original = Oja.trial

    def spy(task: Oja, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        used.append(backend)
        return original(task, rules, seed, settings, fidelity, backend)

    monkeypatch.setattr(Oja, "trial", spy)
    outcome = rs.evaluate("oja", "oja", seeds=3, settings={"points": 200, "data_sets": 2})
    assert used == ["vm", "jit", "jit"]
    assert outcome.seeds == (0, 1, 2)


def test_evaluate_for_people_shows_every_seed_and_the_mean(call: Call) -> None:
    out = call("evaluate", "oja", "--task", "oja", *QUICK, "--seeds", "2").out
    assert "ran to the end" in out
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["0", "1", "mean"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("oja", "--task", "oja", "--seeds", "0"), "--seeds"),
        (("oja", "--task", "oja", "--seeds", "many"), "--seeds"),
        (("oja", "--task", "oja", "--first-seed", "-1"), "--first-seed"),
        (("oja", "--task", "oja", "--set", "dims=abc"), "setting dims of task oja must be a number, found 'abc'"),
        (("oja", "--task", "oja", "--set", "dims"), "--set takes key=value"),
        (("oja", "--task", "oja", "--set", "dims=2", "--set", "dims=3"), "given twice"),
        (("oja", "--task", "oja", "--set", "dimms=3"), "did you mean 'dims'"),
        (("oja", "--task", "ojaa"), "did you mean 'oja'"),
        (("oja", "--task", "oja", "--backend", "gpu"), "unknown backend 'gpu'"),
        (("oja",), "--task"),
        ((), "RULE"),
        (("oja", "--task", "oja", "--bogus"), "--bogus"),
        (("y*(x - q)", "--task", "oja"), "column 8"),
        (("nothing.json", "--task", "oja"), "nothing.json"),
        (("nothing.py:Task", "--task", "nothing.py:Task"), "there is no file nothing.py"),
        (("vogels", "--task", "oja"), "slot"),
    ],
)
def test_wrong_input_is_refused_in_one_line(refused: Callable[..., str], words: tuple[str, ...], said: str) -> None:
    assert said in refused("evaluate", *words)


def test_a_folder_is_not_a_rule(refused: Callable[..., str], run_folder: Path) -> None:
    assert f"{run_folder}:1" in refused("evaluate", str(run_folder), "--task", "oja")


def test_a_rule_of_a_run_is_a_rule(call: Call, run_folder: Path) -> None:
    assert call("evaluate", f"{run_folder}:1", "--task", "oja", *QUICK, "--json").code == 0


@pytest.mark.parametrize("rule", ["-x", "-y*(w*y - x)", "-n*0.1; n = 1", "-o; o = 0.5", "-0.5*w", "-h2; h2 = 1"])
def test_a_rule_may_begin_with_a_minus_sign(call: Call, rule: str) -> None:
    called = call("evaluate", rule, "--task", "oja", *QUICK, "--json")
    assert called.code == 0, called.err
    assert called.document["rule"] == str(parse_rules(rule))


def test_options_and_their_values_are_never_taken_for_rules() -> None:
    import typer

    command = typer.main.get_command(app)
    words = ["plot", "-x", "-o", "-file.png", "--task", "oja"]
    assert protect_rules(command, words) == ["plot", " -x", "-o", "-file.png", "--task", "oja"]
    words = ["compare", "-x*y", "--with", "-y", "--json", "-h"]
    assert protect_rules(command, words) == ["compare", " -x*y", "--with", "-y", "--json", "-h"]
    words = ["grammar", "sample", "rate", "-n", "3"]
    assert protect_rules(command, words) == words
    words = ["grammar", "accepts", "rate", "-x*y"]
    assert protect_rules(command, words) == ["grammar", "accepts", "rate", " -x*y"]
    assert protect_rules(command, ["evaluate", "--", "-x"]) == ["evaluate", "--", "-x"]
    assert protect_rules(command, ["evaluate", "--seeds=3", "-oja"]) == ["evaluate", "--seeds=3", " -oja"]


def test_simplify_prints_the_agreed_document(call: Call) -> None:
    document = call("simplify", "x*y - w*y*y + 0*x", "--json").document
    assert list(document) == ["rule", "simplified", "size_before", "size_after", "loss_before", "loss_after", "steps"]
    assert (document["size_before"], document["size_after"]) == (13, 7)
    assert document["loss_before"] is None
    verdict = call("compare", document["simplified"], "--with", "oja", "--json").document["verdicts"][0]
    assert verdict["verdict"] == "identical"


def test_simplify_with_a_task_drops_what_does_not_matter_there(call: Call) -> None:
    document = call("simplify", "y*(x - w*y) + 0.0000001*x", "--task", "oja", *QUICK, "--json").document
    assert document["size_after"] == 7
    assert document["loss_after"] <= document["loss_before"] * 1.1


def test_settings_without_a_task_are_refused(refused: Callable[..., str]) -> None:
    assert "--task" in refused("simplify", "oja", "--set", "dims=3")
    assert "--task" in refused("plot", "oja", "--set", "dims=3")


def test_compare_prints_verdicts_nearest_first(call: Call) -> None:
    document = call("compare", "x*y - 0.9*w*y**2", "--json").document
    first = document["verdicts"][0]
    keys = ["rule", "verdict", "scale", "coefficients", "distance", "extra_terms", "missing_terms"]
    assert list(first) == keys
    assert (first["rule"], first["verdict"]) == ("oja", "same-terms")
    assert 0.9 in [pytest.approx(value) for value in first["coefficients"].values()]
    distances = [each["distance"] for each in document["verdicts"]]
    assert distances == sorted(distances)


def test_compare_shows_five_rows_and_says_that_there_are_more(call: Call) -> None:
    words = ("compare", "tanh(y)*(x - w*y)")
    shown = call(*words).out
    number = len(call(*words, "--json").document["verdicts"])
    assert sum("different" in line for line in shown.splitlines()) == 5
    assert shown.endswith(f"and {number - 5} more rules; see them with --all\n")
    assert "no term in common with Oja 1982; by what it does 0.28 from it" in shown
    everything = call(*words, "--all").out
    assert sum("different" in line for line in everything.splitlines()) == number
    assert "--all" not in everything
    assert call(*words, "--json").document["what_it_does"]["oja"] == pytest.approx(0.282, abs=0.01)


def test_compare_with_rules_of_ones_own(call: Call) -> None:
    document = call("compare", "-x*y", "--with", "-y*x", "--with", "hebb", "--json").document
    assert document["verdicts"][0]["verdict"] == "identical"
    assert len(document["verdicts"]) == 2
    assert "Hebb 1949" in call("compare", "-x*y", "--with", "hebb").out


def test_compare_says_what_a_set_is_and_what_its_rules_are(call: Call, tmp_path: Path) -> None:
    words = ("compare", "feedforward[y*(x - w*y)]; lateral[-0.02*x*y]")
    document = call(*words, "--json").document
    lateral = [each for each in document["verdicts"] if each.get("name") == "lateral"]
    assert list(lateral[0])[:4] == ["name", "rule", "verdict", "scale"]
    assert (lateral[0]["rule"], lateral[0]["verdict"], lateral[0]["scale"]) == ("anti-hebb", "equal-up-to-scale", 0.02)
    assert "name" not in document["verdicts"][0]
    assert set(document["what_it_does"]) == {"rubner-tavan", "confavreux-quartet"}
    assert document["what_it_does_by_rule"]["feedforward"]["oja"] == 0.0
    shown = call(*words).out
    for line in (
        "nearest       Rubner & Tavan 1989 with other coefficients: lateral: x*y times 0.02",
        "feedforward: identical to Oja 1982",
        "lateral: anti-Hebbian, Foeldiak 1990 times 0.02",
    ):
        assert line in shown
    figure = tmp_path / "beside.png"
    assert call(*words, "-o", str(figure)).code == 0
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_compare_takes_a_single_rule_beside_each_rule_of_a_set(call: Call) -> None:
    found = call("compare", "feedforward[x*y]; lateral[-x*y]", "--with", "hebb", "--json").document["verdicts"]
    assert [(each["name"], each["verdict"]) for each in found] == [
        ("feedforward", "identical"),
        ("lateral", "same-terms"),
    ]


def test_compare_simulates_rules_beside_each_other_on_a_task(call: Call, tmp_path: Path) -> None:
    figure = tmp_path / "beside.png"
    words = ("compare", "2*x*y - 2*w*y**2", "--with", "hebb", "--task", "oja", "--seeds", "1", "-o", str(figure))
    document = call(*words, "--json").document
    assert [each["rule"] for each in document["behaviour"]] == ["this rule", "Hebb 1949"]
    assert document["behaviour"][1]["status"] == "runaway"
    assert document["fixed_points"][-1] == "w = 1, stable"
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert [each["fitted_status"] for each in document["behaviour"]] == ["ok", "ok"]
    assert document["behaviour"][0]["seeds"] == [800_000]
    shown = call(*words[:-2]).out
    assert "on the task" in shown and "fixed points" in shown
    assert shown.endswith("eta was fitted on selection seeds; all is of report seed 800000\n")


def test_fixed_points_are_said_to_be_those_of_what_and_not_given_for_inhibition() -> None:
    [(model, points)] = fixed_point_texts(parse_rules("a[y*(x - w*y)]; b[x*y - 0.02]")).items()
    assert model.startswith("one linear neuron y = w*x that excites") and model.endswith("each rule by itself")
    assert points[-2:] == ["a: w = 1, stable", "b: w = 1/(50*lambda) = 0.02, unstable"]
    [(_, points)] = fixed_point_texts(parse_rules("a[y*(x - w*y)]; b[x*y - 0.02]"), ("b",)).items()
    assert [each[0] for each in points] == ["a", "a", "a"]
    [(model, points)] = fixed_point_texts(known_rule("vogels").rules, ("w",)).items()
    assert points and model == "one synapse between independent Poisson spikes (numbers: 10 Hz)"


def test_compare_says_what_it_found_where_nothing_can_be_drawn(call: Call, tmp_path: Path) -> None:
    words = ("compare", "x*y", "--with", "0", "-o", str(tmp_path / "beside.png"))
    found = call(*words)
    assert (found.code, found.err) == (2, "error: there is nothing to draw: '0' never changes the weight\n")
    assert "no term in common with 0" in found.out
    assert not (tmp_path / "beside.png").exists()


def test_compare_on_a_set_of_values(call: Call) -> None:
    words = ("compare", "(E - R*E)/R", "--with", "(R-1)*E")
    assert call(*words, "--json").document["verdicts"][0]["verdict"] == "different"
    assert call(*words, "--on", "R in {-1,1}", "--json").document["verdicts"][0]["verdict"] == "equal"
    assert call(*words, "--on", "R = 1").err.startswith("error: a set of values cannot be read from 'R = 1'")


def test_simplify_takes_sets_of_values(call: Call) -> None:
    inside = call("simplify", "y*y/y + x - x", "--on", "y in [0.1, 2]", "--json").document["simplified"]
    assert (inside, call("simplify", "y*y/y + x - x", "--json").document["simplified"]) == ("y", "y**2/y")
    assert call("simplify", "y", "--on", "q in [0, 1]").err == "error: no rule reads 'q'; there is: y\n"
    assert "leave out the task or the sets" in call("simplify", "y", "--on", "y in [0, 1]", "--task", "oja").err
