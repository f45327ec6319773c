r"""Forms of `cortex.py` that move between spikes, in closed form: calcium above thresholds, and a potential.

Calcium (Graupner & Brunel 2012, doi:10.1073/pnas.1109359109) jumps by $C_{post}$ at a postsynaptic spike and by
$C_{pre}$ a delay D after a presynaptic one, and decays. Noise and the double well, which acts over minutes, are left
out, as in Higgins, Graupner & Brunel 2014 (doi:10.1371/journal.pcbi.1003834):

$$\dot w = \gamma_p\,(1 - w)\,\Theta(c - \theta_p) - \gamma_d\,w\,\Theta(c - 1), \qquad w(0) = 1/2$$

or without the factors $1 - w$ and $w$. The time above a threshold is known exactly, so that predictions have kinks in
the thresholds, but no jumps.

The voltage-based rule (Clopath et al. 2010, doi:10.1038/nn.2479) reads potentials that nobody published. They are those
of its own model neuron, an adaptive exponential integrate-and-fire neuron with a depolarising afterpotential whose
spikes come when they are told to, with the constants of the authors' code (ModelDB 144566). As there, low-passed
potentials are read 3 ms late, so that a spike does not meet its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import differential_evolution

from rulesearch.fitting.data import Data
from rulesearch.fitting.form import Form, Parameter
from rulesearch.measurements.protocols import Measured
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.machine.kernel import compiled

Array = npt.NDArray[np.float64]

CALCIUM = (
    "drift: gamma_p*step(c - theta_p) - gamma_d*step(c - 1); "
    "c = synaptic(on_pre: C_pre; on_post: C_post; tau = 20 ms); "
    "C_pre = 0.6; C_post = 1.2; theta_p = 1.3; gamma_p = 2; gamma_d = 1"
)
SOFT_CALCIUM = CALCIUM.replace("gamma_p*step", "gamma_p*(1 - w)*step").replace("gamma_d*step", "gamma_d*w*step")
VOLTAGE = (
    "on_pre: -A_LTD*relu(u_minus - theta_minus); drift: A_LTP*x*relu(v - theta_plus)*relu(u_plus - theta_minus); "
    "A_LTD = 14e-5; A_LTP = 5.333e-3; theta_minus = -70.6; theta_plus = -45.3; u_minus = lowpass(v, 10 ms); "
    "u_plus = lowpass(v, 7 ms); x = trace(pre, 15 ms)"
)

_RANGES = {
    **dict.fromkeys(("C_pre", "C_post"), (0.05, 6.0)),
    "theta_p": (0.5, 6.0),
    **dict.fromkeys(("gamma_p", "gamma_d"), (0.05, 300.0)),
    "tau_c": (1e-3, 0.3),
    "D": (0.0, 0.05),
    "eta": (0.01, 100.0),
    "theta_minus": (-75.0, -50.0),
    "theta_plus": (-60.0, -10.0),
    **dict.fromkeys(("tau_u_minus", "tau_u_plus", "tau_x"), (3e-3, 0.1)),
    "A_LTD": (3e-5, 3e-3),
    "A_LTP": (3e-4, 0.1),
}
"""Where numbers are looked for first: by factors, but for D and potentials."""
_EVOLUTIONS, _DRAWN = 8, 100
_START = 0.5
"""The weight before protocols, where it has bounds of 0 and 1."""
_LONGEST_DELAY = 0.1
_GONE, _ALIKE = 1e-12, 1e-6
_REST = -70.6
LATE = 3.0
"""How late low-passed potentials are read [ms]."""
_SPIKE = ((0.0, 29.4), (1.0, 29.4), (1.01, 32.862), (2.0, 32.862))
"""Times after the beginning of a spike [ms], and potentials."""
_TAUS = (1e-3, 1.0)
"""Between what time constants of the voltage-based rule are fitted [s]: with longer ones repeats are not alike."""
_RESET, _RISE = -49.5016, 0.01
_LAST, _GROWTH = 400.0, 1.25


class CalciumForm(Form):
    """Calcium above thresholds under the protocols of a table; D [s] is a number beside those of the rule."""

    def __init__(
        self,
        rows: Sequence[Measured],
        soft: bool,
        own: Sequence[str] = (),
        fixed: Mapping[str, float] | None = None,
        delay: float = 5e-3,
    ) -> None:
        rule = replace(parse_rules(SOFT_CALCIUM if soft else CALCIUM).only(), eta=None)
        super().__init__(rule, [row.preparation for row in rows], own, fixed)
        self.soft = soft
        self.parameters = (*self.parameters, Parameter("D", delay, 0.0, _LONGEST_DELAY))
        self._trains = [(np.array(row.pre), np.array(row.post), row.every, row.repeats) for row in rows]

    def _respond(self, values: Mapping[str, Array], rows: npt.NDArray[np.bool_]) -> Array:
        names = ("C_pre", "C_post", "theta_p", "gamma_p", "gamma_d", "tau_c", "D", "eta")
        points = np.column_stack([values[name] for name in names])
        found = np.empty((len(points), int(rows.sum())))
        for place, row in enumerate(np.flatnonzero(rows)):
            found[:, place] = _calcium(*self._trains[row], points, self.soft)
        return found

    def starts(self, data: Data) -> Array:
        """Return numbers to start from, `(starts, numbers)`: minima of differential evolution, as kinks have many.

        Storn & Price 1997, doi:10.1023/A:1008202821328.
        """
        low, high = np.array([_RANGES[each.name] for each in self.each]).T
        even = np.array([each.name == "D" for each in self.each])

        def numbers(points: Array) -> Array:
            made: Array = np.where(
                even, low + points * (high - low), np.where(even, 1.0, low) ** (1.0 - points) * high**points
            )
            return made

        def misfit(points: Array) -> Array:
            squares = np.sum(data.residuals(self.many(numbers(points.T))) ** 2, axis=1)
            finite: Array = np.where(np.isfinite(squares), squares, np.inf)
            return finite

        found = [
            differential_evolution(
                misfit,
                [(0.0, 1.0)] * len(low),
                popsize=60,
                maxiter=1500,
                mutation=(0.4, 0.9),
                recombination=0.8,
                rng=seed,
                vectorized=True,
                updating="deferred",
                polish=False,
            ).x
            for seed in range(_EVOLUTIONS)
        ]
        return numbers(np.array(found))


class VoltageForm(Form):
    """The voltage-based rule under potentials of its model neuron, which are made from the spikes of a table."""

    def __init__(
        self,
        rows: Sequence[Measured],
        own: Sequence[str] = (),
        fixed: Mapping[str, float] | None = None,
        late: float = LATE,
    ) -> None:
        rule = replace(parse_rules(VOLTAGE).only(), eta=None)
        super().__init__(rule, [row.preparation for row in rows], own, fixed)
        limits = dict.fromkeys(("tau_u_minus", "tau_u_plus", "tau_x"), _TAUS)
        limits |= {"theta_minus": (-100.0, -20.0), "theta_plus": (_REST, 25.0)}
        self.parameters = tuple(_within(each, limits.get(each.name, (each.low, each.high))) for each in self.parameters)
        self._paths = [_path(row, late) for row in rows]
        self._repeats = [row.repeats for row in rows]

    def _respond(self, values: Mapping[str, Array], rows: npt.NDArray[np.bool_]) -> Array:
        names = ("A_LTD", "A_LTP", "theta_minus", "theta_plus", "tau_u_minus", "tau_u_plus", "tau_x", "eta")
        points = np.column_stack([values[name] for name in names])
        found = np.empty((len(points), int(rows.sum())))
        for place, row in enumerate(np.flatnonzero(rows)):
            found[:, place] = _voltage(*self._paths[row], self._repeats[row], _REST, points)
        return found

    def starts(self, data: Data) -> Array:
        """Return numbers to start from, `(starts, numbers)`, at random."""
        rng = np.random.default_rng(1)
        low, high = np.array([_RANGES[each.name] for each in self.each]).T
        shares = rng.random((_DRAWN, len(low)))
        even = low < 0.0
        positive = np.where(even, 1.0, low)
        return np.where(even, low + shares * (high - low), positive * np.where(even, 1.0, high / positive) ** shares)


def potential(post: Sequence[float]) -> tuple[Array, Array]:
    """Return times [ms] and potentials [mV] of the model neuron around postsynaptic spikes [s], linear between them.

    It is at rest before the first one; the last sample, of rest, is 400 ms behind the last spike.
    """
    spikes = [1e3 * time for time in post]
    times, values = [spikes[0] - 1.0] if spikes else [0.0], [_REST]
    state = np.array([_REST, 0.0, 0.0, -50.4])
    for number, spike in enumerate(spikes):
        until = spikes[number + 1] - _RISE if number + 1 < len(spikes) else spike + _LAST
        if number == 0:
            times.append(spike - _RISE)
            values.append(_REST)
        times += [spike + after for after, _ in _SPIKE]
        values += [value for _, value in _SPIKE]
        now, step = spike + _SPIKE[-1][0] + _RISE, 0.05
        state = np.array([_RESET, state[1] + 0.0805, 400.0, -30.4])
        times.append(now)
        values.append(float(state[0]))
        while now < until:
            there = min(now + step, until)
            state = _adaptive(state, there - now)
            now, step = there, step * _GROWTH
            times.append(now)
            values.append(float(state[0]))
    values[-1] = _REST
    return np.array(times), np.array(values)


@compiled(error_model="numpy")
def _adaptive(state: Any, time: float) -> Any:
    """Return potential, adaptation [pA], afterdepolarisation [pA] and threshold [mV] some time [ms] later."""
    v, adaptation, after, threshold = state
    steps = max(1, int(np.ceil(time / 0.01)))
    dt = time / steps
    for _ in range(steps):
        current = -30.0 * (v + 70.6) + 60.0 * np.exp(0.5 * (v - threshold)) - adaptation + after
        faster = (4.0 * (v + 70.6) - adaptation) / 144.0
        v += dt * current / 281.0
        adaptation += dt * faster
        after -= dt * after / 40.0
        threshold -= dt * (threshold + 50.4) / 50.0
    return np.array([v, adaptation, after, threshold])


def _within(parameter: Parameter, limits: tuple[float, float]) -> Parameter:
    return replace(parameter, low=limits[0], high=limits[1])


def _path(row: Measured, late: float) -> tuple[Array, npt.NDArray[np.int64], Array, Array, Array]:
    """Return how a repeat goes on from sample to sample, the last one to the next repeat.

    That is: the times between samples [s], each once; which of them follows each sample; the potential there and `late`
    before; and how many presynaptic spikes there are.
    """
    told, values = potential(row.post)
    pre = 1e3 * np.array(row.pre)
    times = np.unique(np.round(np.concatenate((told, told + late, pre, [0.0])), 9))
    counts = np.array([np.sum(np.abs(pre - time) < 1e-6) for time in times], dtype=np.float64)
    after = np.diff(times, append=1e3 * row.every + times[0])
    gaps, gap = np.unique(np.round(after, 7), return_inverse=True)
    now: Array = np.interp(times, told, values)
    before: Array = np.interp(times - late, told, values)
    return 1e-3 * gaps.astype(np.float64), gap.astype(np.int64), now, before, counts


@compiled(error_model="numpy")
def _calcium(pre: Any, post: Any, every: float, repeats: int, points: Any, soft: bool) -> Any:
    """Return relative changes of the weight, `(points,)`, under all repeats of a protocol."""
    found = np.empty(len(points))
    for p in range(len(points)):
        c_pre, c_post, theta, up, down, tau, delay, eta = points[p]
        level, weight, change = 0.0, _START, 0.0
        for repeat in range(repeats):
            # A repeat takes the weight w to kept*w + added.
            kept, added, begin, now = 1.0, 0.0, level, 0.0
            i, j = 0, 0
            while True:
                first = pre[i] + delay if i < len(pre) else np.inf
                second = post[j] if j < len(post) else np.inf
                time = min(first, second, every)
                gap = time - now
                high = min(gap, tau * np.log(level / theta)) if level > theta else 0.0
                low = min(gap, tau * np.log(level)) if level > 1.0 else 0.0
                if soft:
                    both = min(high, low)
                    kept, added = _relaxed(kept, added, eta * up, eta * down, both)
                    kept, added = _relaxed(kept, added, eta * up, 0.0, high - both)
                    kept, added = _relaxed(kept, added, 0.0, eta * down, low - both)
                else:
                    added += eta * (up * high - down * low)
                level *= np.exp(-gap / tau)
                now = time
                if time >= every:
                    break
                if first <= second:
                    level += c_pre
                    i += 1
                else:
                    level += c_post
                    j += 1
            left = repeats - repeat if abs(level - begin) < _GONE else 1
            for _ in range(left):
                weight = kept * weight + added
                change += added
            if left > 1:
                # Every further repeat does the same.
                break
        found[p] = (weight - _START) / _START if soft else change
    return found


@compiled(error_model="numpy")
def _relaxed(kept: float, added: float, up: float, down: float, time: float) -> tuple[float, float]:
    rate = up + down
    if rate * time == 0.0:
        return kept, added
    decay = np.exp(-rate * time)
    return kept * decay, up / rate + (added - up / rate) * decay


@compiled(error_model="numpy")
def _voltage(gaps: Any, gap: Any, now: Any, before: Any, spikes: Any, repeats: int, rest: float, points: Any) -> Any:
    """Return changes of the weight, `(points,)`, under all repeats of a protocol."""
    found = np.empty(len(points))
    last = len(gap) - 1
    nodes = (0.1127016653792583, 0.5, 0.8872983346207417)
    weights = (5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0)
    for p in range(len(points)):
        ltd, ltp, low, high, tau_minus, tau_plus, tau_x, eta = points[p]
        kept_minus, kept_plus, kept_x = np.exp(-gaps / tau_minus), np.exp(-gaps / tau_plus), np.exp(-gaps / tau_x)
        minus, plus, x = rest, rest, 0.0
        total, done = 0.0, 0
        while done < repeats:
            old_minus, old_plus, old_x = minus, plus, x
            change = 0.0
            for k in range(last + 1):
                if spikes[k] > 0.0:
                    change -= spikes[k] * ltd * max(0.0, minus - low)
                    x += spikes[k]
                time = gaps[gap[k]]
                v, u = now[k], before[k]
                slope = (now[k + 1] - v) / time if k < last else 0.0
                drift = (before[k + 1] - u) / time if k < last else 0.0
                start, stop = 0.0, time
                if v <= high:
                    start = (high - v) / slope if slope > 0.0 else time
                elif slope < 0.0:
                    stop = min(time, (high - v) / slope)
                if start < stop and x > 0.0:
                    area = 0.0
                    for n in range(3):
                        s = start + nodes[n] * (stop - start)
                        there = u + drift * (s - tau_plus) + (plus - u + drift * tau_plus) * np.exp(-s / tau_plus)
                        area += weights[n] * np.exp(-s / tau_x) * (v + slope * s - high) * max(0.0, there - low)
                    change += ltp * x * area * (stop - start)
                minus = u + drift * (time - tau_minus) + (minus - u + drift * tau_minus) * kept_minus[gap[k]]
                plus = u + drift * (time - tau_plus) + (plus - u + drift * tau_plus) * kept_plus[gap[k]]
                x *= kept_x[gap[k]]
            done += 1
            total += change
            moved = abs(minus - old_minus) + abs(plus - old_plus) + abs(x - old_x)
            if moved < _ALIKE:
                # Every further repeat does the same.
                total += (repeats - done) * change
                break
        found[p] = eta * total
    return found
