"""A small task of two rules that act together."""

from __future__ import annotations

import math

import numpy as np

from rulesearch.rules import RuleSet, parse_rules
from rulesearch.tasks import Fidelity, Protocol, Setting, Task, TaskSymbol, Trial
from rulesearch.tasks.task import Settings


class Pair(Task):
    """Two linear neurons, the second with a synapse from the first, that must find two principal components.

    y_1 = w_1 x and y_2 = w_2 x + l y_1; `lateral` reads y_1 as x and y_2 as y.
    """

    name = "pair"
    title = "two components"
    summary = "Two neurons must find two principal components."
    reference = "A paper (2026)."
    doi = ""
    bibtex = "@misc{pair2026, title = {A pair}}"
    slots = ("on_step",)
    rule_names = ("feedforward", "lateral")
    symbols = {"x": TaskSymbol("input"), "y": TaskSymbol("output"), "w": TaskSymbol("weight")}  # noqa: RUF012
    settings = {  # noqa: RUF012
        "eta": Setting(0.02, "learning rate of rules that give none", 1e-6, 1.0),
        "steps": Setting(200, "presentations", 10, 10_000, whole=True),
    }
    fidelities = (Fidelity("full", 2, "two seeds, four data sets each"),)
    protocol = Protocol(report_trials=4, evidence_rules=2, evidence_seeds=1)
    bounds = (-math.inf, math.inf)
    grammar = "rate"
    known_rule = "rubner-tavan"
    clock = "steps"

    def trial(self, rules: RuleSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Train on the data of one seed; the loss is the squared sine of the angles, and what lengths lack to 1."""
        generator = np.random.default_rng(np.random.SeedSequence([seed, 7]))
        forward, sideways = rules.rules["feedforward"], rules.rules["lateral"]
        steps = int(settings["steps"])
        inputs = np.array([1.5, 0.8, 0.3]) * generator.normal(size=(steps, 4, 1, 3))
        weights, between = 0.5 * generator.normal(size=(4, 2, 3)), np.zeros((4, 1, 1))
        for x in inputs:
            y = np.sum(weights * x, axis=2, keepdims=True)
            y[:, 1] += between[:, 0] * y[:, 0]
            change = forward.change(x=x, y=y, w=weights)
            between = between + sideways.change(x=y[:, :1], y=y[:, 1:], w=between)
            weights = weights + change
            if not (np.all(np.abs(weights) < 1e6) and np.all(np.abs(between) < 1e6)):
                return Trial("runaway", None, work=steps)
        length = np.linalg.norm(weights, axis=2)
        cosine = np.abs(np.stack([weights[:, 0, 0], weights[:, 1, 1]], axis=1)) / length
        cases = np.mean(1.0 - cosine**2 + 0.1 * (length - 1.0) ** 2, axis=1)
        angle = float(np.degrees(np.arccos(np.minimum(cosine, 1.0))).mean())
        return Trial("ok", float(cases.mean()), {"angle_deg": angle}, tuple(cases.tolist()), steps)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the rules that are known to do it."""
        return parse_rules("feedforward[y*(x - w*y)]; lateral[-x*y]")

    def control(self, settings: Settings) -> RuleSet:
        """Return rules that must fail."""
        return parse_rules("feedforward[y*(x - w*y)]; lateral[0*x]")
