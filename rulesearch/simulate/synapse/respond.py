"""The response of one synapse to given spike times: from event to event, without a time grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass
from rulesearch.simulate.codes import EXHAUSTED, NONFINITE, OK, STATUS
from rulesearch.simulate.synapse.synapse import Synapse, Voltage, with_customary_traces

_MOST_SPIKES = 1_000_000
"""So many spikes are followed, and a repeat without one counts as one."""

_TAUS = 10.0
"""A rule that goes on moving after the last spike is followed for so many of its longest time constant."""


@dataclass(frozen=True, slots=True)
class Response:
    """What spikes did to a weight.

    **Fields:** `weight` at the end; `delta_w`: its change over all repeats; `per_repeat`: the change in each; `status`:
    `ok`, `nonfinite`, or `exhausted` where the rule could not be followed within the allowed work; without `ok` time
    ends with the repeat in which it happened.
    """

    weight: float
    delta_w: float
    per_repeat: tuple[float, ...]
    status: str = "ok"


def respond(
    rule: Rule,
    pre: Sequence[float],
    post: Sequence[float],
    repeats: int = 1,
    every: float | None = None,
    weight: float = 0.5,
    held: Mapping[str, float] | None = None,
    voltage: Voltage | None = None,
) -> Response:
    """Return how one synapse responds to spikes; a presynaptic spike comes before a postsynaptic one at the same time.

    **Arguments:** `pre` and `post`: spike times [s], from 0 on; `repeats` of them, `every` so many seconds; `weight` at
    the start; `held`: values of what neither spikes nor weight determine; `voltage`: a clamped membrane potential,
    which begins anew with every repeat and is held behind its last sample. Time ends with the last repeat or, where
    `every` is not given, with the last spike; a rule that moves between spikes is then followed for ten times its
    longest time constant.
    **Raises:** `RulesearchError` where the spikes are in no order that can be repeated, or the rule does not fit.
    """
    rule = with_customary_traces(rule)
    _check(rule)
    if voltage is not None and ("v" not in rule.symbols or "v" in rule.states):
        raise RulesearchError("the rule does not read v, the membrane potential; leave out the clamp: --voltage")
    events = sorted([(time, 0, "pre") for time in pre] + [(time, 1, "post") for time in post])
    for time, _, side in events:
        if not (math.isfinite(time) and time >= 0.0):
            raise RulesearchError(f"spike times must be at least 0 ms, found {1e3 * time:g} ms in --{side}")
    last = events[-1][0] if events else 0.0
    if repeats < 1:
        raise RulesearchError(f"repeats must be at least 1, found {repeats}")
    if repeats * max(1, len(events)) > _MOST_SPIKES:
        raise RulesearchError(
            f"{repeats} repeats of {len(events)} spikes are more than the {_MOST_SPIKES} spikes that are followed; "
            f"type --repeats {_MOST_SPIKES // max(1, len(events))} or fewer"
        )
    if repeats > 1 and every is None:
        raise RulesearchError("repeats need the time from one to the next; type for example --every 1000")
    if every is not None and not (math.isfinite(every) and every >= last and every > 0.0):
        raise RulesearchError(
            f"the next repeat would begin after {1e3 * every:g} ms, before the last spike at {1e3 * last:g} ms; "
            f"type --every {math.ceil(1e3 * last - 1e-9)} or more"
        )
    synapse = Synapse.resting(rule, weight, held, voltage)
    end = every if every is not None else _followed(synapse, last)
    changes = []
    for _ in range(repeats):
        before, synapse.now = synapse.weight, 0.0
        for time, _, side in events:
            synapse.wait(time - synapse.now)
            synapse.now = time
            synapse.spike(side)
        synapse.wait(end - synapse.now)
        changes.append(synapse.weight - before)
        if not math.isfinite(synapse.weight):
            break
    status = STATUS[EXHAUSTED if synapse.exhausted else OK if math.isfinite(synapse.weight) else NONFINITE]
    return Response(synapse.weight, synapse.weight - weight, tuple(changes), status)


def pair_change(rule: Rule, seconds: float, weight: float, held: Mapping[str, float] | None = None) -> float:
    """Return the weight change of one pair of spikes, the postsynaptic one `seconds` after the presynaptic one."""
    synapse = Synapse.resting(rule, weight, held)
    first, second = ("pre", "post") if seconds >= 0 else ("post", "pre")
    synapse.spike(first)
    synapse.wait(abs(seconds))
    synapse.spike(second)
    return synapse.weight - weight


def far_apart_change(rule: Rule, weight: float, held: Mapping[str, float] | None = None) -> float:
    """Return the weight change of a presynaptic spike and, long after it, a postsynaptic one."""
    return pair_change(rule, math.inf, weight, held)


def _check(rule: Rule) -> None:
    for slot in rule.slots:
        if slot == "on_step":
            raise RulesearchError(
                "spikes have no steps; say when the weight changes: on_pre: ...; on_post: ... or drift: ... "
                "(found an expression without a slot, or on_step)"
            )
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and state.in_steps:
            raise RulesearchError(f"the low-pass {name} counts steps; give its time constant a unit: 100 ms")


def _followed(synapse: Synapse, last: float) -> float:
    rule = synapse.rule
    moves = "drift" in rule.slots
    taus = [state.tau for state in rule.states.values() if state.tau is not None]
    end = last + _TAUS * max(taus, default=0.0) if moves else last
    return max(end, float(synapse.voltage.times[-1])) if synapse.voltage is not None else end
