"""Clean-up: what does not matter goes, what matters stays, constants keep the digits that count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression import to_text
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.symbolic import compare
from rulesearch.tasks import Protocol, Trial, load_task
from rulesearch.workflow.clean_up import CleanUp, Score, clean_up, simplify_on_task

TASK = load_task("oja")
SETTINGS = TASK.resolve({"data_sets": 2, "points": 1000})


def cleaned(text: str) -> CleanUp:
    return simplify_on_task(TASK.parse(text), TASK, SETTINGS)


def slot(found: CleanUp) -> str:
    return to_text(found.rules.only().slots["on_step"])


def verdict(found: CleanUp, known: str = "oja") -> str:
    return next(item.verdict for item in compare(found.rules) if item.rule == known)


@pytest.mark.parametrize(
    "text",
    [
        "y*(x - w*y) + 0*x",
        "y*(x - w*y) + 0.00001*x_bar",
        "y*(x - w*y) + (x_bar - x_bar)",
        "y*(x - w*y)*1 - 0",
        "y*(x - w*y) + c1*y_bar; c1 = 0.0000001",
        "x*y - w*y**2",
        "y**2*(x/y - w)",
    ],
)
def test_what_does_not_matter_is_dropped(text: str) -> None:
    found = cleaned(text)
    assert verdict(found) in ("identical", "equal", "equal-up-to-scale")
    assert found.size_after <= 9
    assert found.rules.only().states == {}
    assert found.rules.only().constants == {}
    assert found.size_before == TASK.parse(text).size
    assert found.size_after == found.rules.size


@pytest.mark.parametrize("text", ["y*(x - c1*w*y); c1 = 0.99873", "c1*y*(x - w*y); c1 = 1.000213"])
def test_constants_are_rounded_within_the_noise(text: str) -> None:
    found = cleaned(text)
    assert verdict(found) in ("identical", "equal", "equal-up-to-scale")
    assert any("c1 = 1" in step or "dropped" in step for step in found.steps) or found.rules.only().constants == {}


def test_what_matters_stays() -> None:
    found = cleaned("y*(x - w*y)")
    assert slot(found) == "y*(x - w*y)"
    assert not [step for step in found.steps if step.startswith("dropped")]
    assert found.loss_after == found.loss_before
    longer = cleaned("y*(x - 0.9*w*y) + 0*x")
    assert verdict(longer) in ("same-terms", "equal", "identical")


def test_a_rule_that_fails_is_only_simplified() -> None:
    found = cleaned("x*y*1000 + 0*w")
    assert (found.loss_before, found.loss_after) == (None, None)
    assert found.outcome.status == "runaway"
    assert found.size_after < found.size_before


def score_by(loss: Callable[[RuleSet, int], float]) -> Score:
    """Seeds whose losses are a function of the rule."""

    def score(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
        found = []
        for rules in forms:
            trials = [Trial("ok", loss(rules, seed), {}, (0.0,)) for seed in range(count)]
            found.append(Outcome.of(range(count), trials))
        return found

    return score


def test_a_deletion_that_costs_more_than_the_noise_is_not_made() -> None:
    rules = TASK.parse("y*(x - w*y) + x_bar; x_bar = lowpass(x, 100)")
    whole, bracket = rules.only().fingerprint(), TASK.parse("y*(x - w*y)").only().fingerprint()

    def after(cost: float) -> RuleSet:
        losses = {whole: 1.0, bracket: 1.0 + cost}
        return clean_up(rules, TASK, score_by(lambda form, _: losses.get(form.only().fingerprint(), 50.0))).rules

    assert after(0.2).only().fingerprint() == whole
    dropped = after(0.001).only()
    assert dropped.fingerprint() == bracket
    assert dropped.states == {}


def test_rounding_goes_no_further_than_the_loss_allows() -> None:
    def distance(rules: RuleSet, seed: int) -> float:
        values = list(rules.only().constant_values().values())
        return 1.0 + 100.0 * abs(values[0] - 0.734567) if values else 50.0

    found = clean_up(parse_rules("c1*x; c1 = 0.7345678901"), TASK, score_by(distance))
    value = found.rules.only().constant_values()["c1"]
    assert value in (0.735, 0.7346, 0.73457)
    assert found.loss_after is not None and found.loss_after <= 1.0 + 0.02 + 0.01


def test_what_the_task_tolerates_drops_a_term_but_moves_no_constant() -> None:
    class Tolerant(type(TASK)):  # type: ignore[misc]
        protocol = Protocol(tolerance=0.4)

    def loss(rules: RuleSet, _: int) -> float:
        read = rules.only().slots["on_step"].symbols
        if "x" not in read or "c1" not in read:
            return 50.0
        off = abs(rules.only().constant_values()["c1"] - 0.66)
        return 0.01 + 0.1 * off + (0.0 if "x_bar" in read else 0.05)

    rules = TASK.parse("c1*x + x_bar; c1 = 0.66; x_bar = lowpass(x, 100)")
    found = clean_up(rules, Tolerant(), score_by(loss)).rules.only()
    assert found.symbols == ("x",)
    assert found.constant_values() == {"c1": 0.66}
    assert set(clean_up(rules, TASK, score_by(loss)).rules.only().symbols) == {"x", "x_bar"}


def test_every_step_is_told_in_words_with_its_cost() -> None:
    found = cleaned("y*(x - w*y) + 0.00001*x_bar")
    told = [step for step in found.steps if step.startswith("dropped")]
    assert told
    assert all("loss " in step and "change " in step for step in told)


def test_a_form_that_cannot_hold_is_given_up_after_one_trial() -> None:
    rules = TASK.parse("y*(x - w*y) + x_bar; x_bar = lowpass(x, 100)")
    whole, bracket = rules.only().fingerprint(), TASK.parse("y*(x - w*y)").only().fingerprint()
    trials: dict[str, int] = {}
    plain = score_by(lambda form, _: {whole: 1.0, bracket: 1.05}.get(form.only().fingerprint(), 50.0))

    def counted(forms: Sequence[RuleSet], count: int) -> list[Outcome]:
        for form in forms:
            key = form.only().fingerprint()
            trials[key] = max(trials.get(key, 0), count)
        return plain(forms, count)

    clean_up(rules, TASK, counted)
    assert trials.pop(whole) == trials.pop(bracket) == TASK.protocol.selection_trials
    assert set(trials.values()) == {1}
