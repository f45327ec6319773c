"""Protocols in compiled code, against the event-driven synapse in Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.simulate.synapse.events import Protocols, run_protocols
from rulesearch.simulate.synapse.respond import respond

RULES = (
    "on_pre: -0.3*y; on_post: 0.2*x; tau_x = 17 ms; tau_y = 34 ms",
    "on_pre: -y*(0.1 + 0.2*x2); on_post: x*(0.05 + 0.3*y2)*w; tau_x = 17 ms; tau_y = 34 ms; tau_x2 = 90 ms; "
    "y2 = trace(post, 50 ms, nearest)",
    "on_post: x - w_mean*c + w_sum*y; c = 0.4; x = trace(pre, 20 ms, nearest); tau_y = 20 ms",
    "on_pre: 0.4 - w; bounds = [0.2, 0.9]",
    "on_pre: y/(x - 1); tau_x = 20 ms; tau_y = 30 ms",
)


def trains(seed: int) -> list[tuple[list[float], list[float]]]:
    rng = np.random.default_rng(seed)
    made = [
        tuple(np.sort(rng.uniform(0.0, 1.0, n)).round(2).tolist() for n in rng.integers(0, 30, 2)) for _ in range(6)
    ]
    return [*made, ([], []), ([0.1, 0.2], [0.1, 0.2])]  # type: ignore[list-item]


@pytest.mark.parametrize("backend", ["vm", "jit"])
@pytest.mark.parametrize("text", RULES)
def test_compiled_protocols_do_what_the_synapse_does(text: str, backend: str) -> None:
    rule = parse_rules(text).only()
    given = trains(3)
    bounds = rule.bounds or (-math.inf, math.inf)
    found = run_protocols(rule, Protocols.of(given), 0.5, 0.7, bounds, backend)
    from dataclasses import replace

    with np.errstate(all="ignore"):
        expected = [_respond(replace(rule, eta=0.7), pre, post) for pre, post in given]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def _respond(rule: object, pre: list[float], post: list[float]) -> float:
    try:
        return respond(rule, pre, post, weight=0.5).weight  # type: ignore[arg-type]
    except ZeroDivisionError:
        return math.nan


def test_what_is_no_spike_rule_is_refused() -> None:
    nothing = Protocols.of([([], [])])
    with pytest.raises(RulesearchError, match="found drift"):
        run_protocols(parse_rules("drift: x; tau_x = 20 ms").only(), nothing, 0.5, 1.0, (0.0, 1.0))
    with pytest.raises(RulesearchError, match="the state z is no trace"):
        run_protocols(parse_rules("on_pre: z; z = lowpass(x, 1 s)").only(), nothing, 0.5, 1.0, (0.0, 1.0))
