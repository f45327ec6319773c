r"""What moves a synapse between two spikes other than decay: integrated from kink to kink, never over one.

$$\dot w = \eta\,\mathrm{drift}, \qquad \dot z = (g - z)/\tau$$

with traces and a clamped membrane potential known in closed form. Between kinks (see `kinks`) and bounds of the weight
all of it is smooth, and SciPy's DOP853, of order 8, follows it within 1e-11 relative. Where a switch changes its sign,
the time is found to the last digit and integration begins anew behind it. Where both sides drive the switch back to 0,
it stays there, by that mixture of both speeds that keeps it (Filippov 1988, doi 10.1007/978-94-015-7793-9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import SUMS, Lowpass, Synaptic, Trace
from rulesearch.simulate.synapse.crossings import Array, first_negative, looks
from rulesearch.simulate.synapse.kinks import sign_of, smooth, switches

_RELATIVE, _ABSOLUTE = 1e-11, 1e-14
_MOST_IDLE_TURNS = 100
"""Where several switches drive each other to and fro, time stands still."""


class OutOfWorkError(Exception):
    """More evaluations were needed than were allowed."""


def moving_parts(rule: Rule) -> dict[str, Expression]:
    """Return what changes between spikes other than by decay, constants as numbers: weight, low-passes, states."""
    found = {"w": rule.slots["drift"]} if "drift" in rule.slots else {}
    for name, state in rule.states.items():
        if isinstance(state, Lowpass):
            found[name] = state.expression
        elif isinstance(state, Synaptic) and "drift" in state.slots:
            found[name] = state.slots["drift"]
    numbers = {name: Expression.number(value) for name, value in rule.constant_values().items()}
    return {name: part.substitute(numbers) for name, part in found.items()}


class Motion:
    """How a synapse moves while nothing jumps: no spike comes, and a clamped potential goes on at one slope.

    **Fields:** `parts`: what moves other than by decay; `allowed`: evaluations of the rule that are left.
    """

    def __init__(self, rule: Rule, allowed: int) -> None:
        """Find what moves by a rule, and the switches of its kinks."""
        self.parts = moving_parts(rule)
        self.allowed = allowed
        self._rule = rule
        self._kinks = list(dict.fromkeys(each for part in self.parts.values() for each in switches(part)))
        self._smooth: dict[tuple[float, ...], dict[Expression, Expression]] = {}
        self._taus = np.array([state.tau for state in rule.states.values() if state.tau])
        self._bounds = rule.bounds or (-math.inf, math.inf)
        self._eta = 1.0 if rule.eta is None else rule.eta
        self._drifts = "w" in self.parts
        self._weight = list(self.parts).index("w") if self._drifts else -1
        self._watches = bool(self._kinks) or (self._drifts and any(map(math.isfinite, self._bounds)))
        self._start: Mapping[str, Any] = {}
        self._slope = self._seconds = 0.0
        self._signs: dict[Expression, float] = {}
        self._armed: set[Expression] = set()
        self._arming: dict[Expression, float] = {}
        self._taken: dict[Expression, float] = {}
        self._turned: dict[Expression, float] = {}
        self._sliding: Expression | None = None
        self._held = 0

    def after(self, seconds: float, values: Mapping[str, float], slope: float = 0.0) -> dict[str, float]:
        """Return the moving parts after some time; nan where they leave the numbers.

        **Arguments:** `values` of all that the rule reads, at the start; `slope` of the membrane potential [mV/s].
        **Raises:** `OutOfWorkError` where that takes more evaluations than are left.
        """
        from scipy.integrate import DOP853

        self._start, self._slope, self._seconds = values, slope, seconds
        now, place = 0.0, np.array([values[name] for name in self.parts], dtype=np.float64)
        with np.errstate(all="ignore"):
            fresh, idle = True, 0
            while now < seconds:
                if not np.all(np.isfinite(place)):
                    return dict.fromkeys(self.parts, math.nan)
                if fresh:
                    self._begin(place)
                    fresh = False
                solver = DOP853(self._speed, now, place, seconds, **self._options(seconds - now if slope else None))
                if not np.all(np.isfinite(solver.f)):
                    return dict.fromkeys(self.parts, math.nan)
                while solver.status == "running":
                    before, there = solver.t, solver.y
                    solver.step()
                    now, place = solver.t, solver.y
                    if solver.status == "failed" or not np.all(np.isfinite(place)):
                        return dict.fromkeys(self.parts, math.nan)
                    crossed = self._crossing(solver.dense_output(), before, now, there) if self._watches else None
                    if crossed is not None:
                        name, now = crossed
                        idle = idle + 1 if now - before <= 1e-12 * seconds else 0
                        if idle > _MOST_IDLE_TURNS:
                            raise OutOfWorkError
                        place = there.copy()
                        if now > before:
                            # A step of its own is more exact than interpolation.
                            solver = DOP853(self._speed, before, there, now, **self._options(now - before))
                            while solver.status == "running":
                                solver.step()
                            place = solver.y.copy()
                        self._turn(name, now, place)
                        break
        return dict(zip(self.parts, place.tolist(), strict=True))

    @staticmethod
    def _options(step: float | None) -> dict[str, Any]:
        return {"rtol": _RELATIVE, "atol": _ABSOLUTE, "first_step": step}

    def _read(self, time: Any, place: Array) -> dict[str, Any]:
        """Return what the rule reads, so many seconds from the start, at one time or at many."""
        found: dict[str, Any] = dict(self._start)
        for name, state in self._rule.states.items():
            if isinstance(state, Trace | Synaptic) and state.tau is not None and name not in self.parts:
                found[name] = self._start[name] * np.exp(-time / state.tau)
        if self._slope:
            found["v"] = self._start["v"] + self._slope * time
        found |= dict(zip(self.parts, place, strict=True))
        if self._drifts:
            found |= dict.fromkeys(("w", *SUMS), np.clip(found["w"], *self._bounds))
        return found

    def _branch(self, expression: Expression, signs: Mapping[Expression, float]) -> Expression:
        known = self._smooth.setdefault(tuple(signs.values()), {})
        if expression not in known:
            known[expression] = smooth(expression, signs)
        return known[expression]

    def _speeds(self, time: Any, place: Array, signs: Mapping[Expression, float], held: int) -> Array:
        self.allowed -= 1
        if self.allowed < 0:
            raise OutOfWorkError
        values = self._read(time, place)
        found = np.empty_like(place)
        for index, (name, part) in enumerate(self.parts.items()):
            drive = self._branch(part, signs).compute(values)
            state = self._rule.states.get(name)
            if index == self._weight:
                found[index] = 0.0 if held else self._eta * drive
            elif isinstance(state, Lowpass):
                found[index] = (drive - place[index]) / state.tau
            else:
                tau = None if state is None else state.tau
                found[index] = drive if tau is None else drive - place[index] / tau
        return found

    def _speed(self, time: Any, place: Array, held: int | None = None) -> Array:
        held = self._held if held is None else held
        if self._sliding is None:
            return self._speeds(time, place, self._signs, held)
        above, below, upward, downward = self._beside(self._sliding, time, place, held)
        share = np.where(downward == upward, 0.5, downward / (downward - upward))
        mixed: Array = share * above + (1.0 - share) * below
        return mixed

    def _beside(self, kink: Expression, time: Any, place: Array, held: int) -> tuple[Array, Array, Any, Any]:
        """Return the speeds above and below the switch that stays at 0, and how fast it would change by either."""
        little = 3e-3 * min([self._seconds, *self._taus])
        found: list[tuple[Array, Any]] = []
        for sign in (1, -1):
            speed = self._speeds(time, place, self._signs | {kink: sign}, held)
            two_back, back, ahead, two_ahead = (
                self._switch(kink, time + d * little, place + d * little * speed) for d in (-2, -1, 1, 2)
            )
            found.append((speed, (8.0 * (ahead - back) - (two_ahead - two_back)) / (12.0 * little)))
        return found[0][0], found[1][0], found[0][1], found[1][1]

    def _switch(self, kink: Expression, time: Any, place: Array) -> Any:
        return self._branch(kink, self._signs).compute(self._read(time, place))

    def _begin(self, place: Array) -> None:
        """Choose every branch as things stand."""
        self._signs, self._armed, self._turned = dict.fromkeys(self._kinks, 0.0), set(), {}
        self._sliding, self._held = None, 0
        self._look_around(0.0, place)
        if self._drifts:
            low, high = self._bounds
            weight, speed = place[self._weight], self._speed(0.0, place, 0)[self._weight]
            self._held = int(weight >= high and speed > 0.0) - int(weight <= low and speed < 0.0)

    def _look_around(self, time: float, place: Array, turned: Expression | None = None) -> None:
        """Choose branches as things stand; a switch at 0 takes the sign that it is about to have.

        Those that have only just left 0 keep theirs, first of all the one that `turned`.
        """
        stands: dict[Expression, None] = {}
        little = 1e-9 * self._seconds
        for _ in range(len(self._kinks) + 1):
            before, fresh = dict(self._signs), False
            for kink in self._kinks:
                if kink in stands or kink in (turned, self._sliding):
                    continue
                value = self._switch(kink, time, place)
                if value == 0.0:
                    self._choose(kink, 0)
                    stands[kink], fresh = None, True
                elif not self._signs[kink] or kink in self._armed:
                    self._signs[kink] = sign_of(value)
                    self._armed.add(kink)
            if fresh:
                ahead = place + little * self._speed(time, place)
                for kink in stands:
                    self._signs[kink] = sign_of(self._switch(kink, time + little, ahead))
            elif self._signs == before:
                break

    def _guards(self, time: Any, place: Array) -> dict[Any, Any]:
        """Return what is negative where a piece has ended: by switch, by the reason of another name.

        That is, of a switch that stays at 0, itself and the sign that it would take.
        """
        found: dict[Any, Any] = {}
        values = self._read(time, place)
        for kink, sign in self._signs.items():
            if kink != self._sliding:
                value = self._branch(kink, self._signs).compute(values)
                found[kink] = sign * value if sign else -np.abs(value)
        if self._sliding is not None:
            _, _, upward, downward = self._beside(self._sliding, time, place, self._held)
            found |= {(self._sliding, 1): -upward, (self._sliding, -1): downward}
        if self._drifts and self._held:
            found["leaves"] = self._held * self._speed(time, place, 0)[self._weight]
        elif self._drifts:
            found |= {"low": place[self._weight] - self._bounds[0], "high": self._bounds[1] - place[self._weight]}
        return {name: np.broadcast_to(value, np.shape(time)) for name, value in found.items()}

    def _turn(self, name: Any, time: float, place: Array) -> None:
        """Go on by other branches, along a switch that stays at 0, at a bound of the weight or away from it."""
        # Whether a switch still stays at 0 is found anew.
        self._sliding = None
        if name in ("low", "high"):
            self._held = 1 if name == "high" else -1
            place[self._weight] = self._bounds[name == "high"]
        elif name == "leaves":
            self._held = 0
        elif isinstance(name, tuple):
            kink, sign = name
            self._choose(kink, sign)
            self._look_around(time, place, kink)
        elif self._turned.get(name) == time:
            self._sliding = name
        else:
            self._choose(name, -self._signs[name] or self._taken[name])
            self._turned[name] = time
            self._look_around(time, place, name)

    def _choose(self, kink: Expression, sign: float) -> None:
        self._signs[kink] = sign
        self._armed.discard(kink)

    def _crossing(self, course: Any, start: float, stop: float, there: Array) -> tuple[Any, float] | None:
        """Return why and when in a step a piece ended; None where it goes on."""
        times = looks(start, stop, self._taus)
        places = course(times)
        places[:, 0] = there
        found: list[tuple[float, int, Any]] = []
        self._arming.clear()
        self._taken.clear()
        for name, values in self._guards(times, places).items():
            ended = self._end(name, values, times, course)
            if ended is not None:
                found.append((ended, len(found), name))
        end, _, name = min(found, default=(stop, 0, None))
        self._armed |= {kink for kink, time in self._arming.items() if time <= end}
        return (name, end) if found else None

    def _end(self, name: Any, values: Array, times: Array, course: Any) -> float | None:
        """Return when a piece ended by one of the guards, whose `values` at some times are given."""
        begin = 0
        if self._signs.get(name) == 0:
            # A switch at 0 has left it before the first look at which it is elsewhere.
            left = np.flatnonzero(values < 0.0)
            if not left.size:
                return None
            here = float(times[left[0]])
            self._taken[name] = sign_of(self._switch(name, here, course(here)))
            return float(times[max(left[0] - 1, 0)])
        if name in self._signs and name not in self._armed:
            # A switch that has just turned stands at 0: it is watched once it has moved to its own side.
            positive = np.flatnonzero(values[1:] > 0.0)
            if not positive.size:
                return float(times[0]) if values[-1] < values[0] else None
            begin = 1 + int(positive[0])
            self._arming[name] = float(times[begin])

        def value(time: float) -> float:
            return float(self._guards(time, course(time))[name])

        return first_negative(value, times[begin:], values[begin:])
