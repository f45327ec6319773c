"""Brian2: a complete script with the synapses of a rule and an example run.

Quantities inside the rule are plain numbers in s, mV, nS, pA and Hz, as in the rule text; Brian2's units stay outside.
States that change only at spikes are event-driven (exact); those that a drift or a low-pass reads are integrated with
the clock. At a spike synaptic states change before the weight, and traces grow last; presynaptic spikes of a time step
come before postsynaptic ones.
"""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import ClassVar

from rulesearch.export.placing import Placed
from rulesearch.export.spiking import RESERVED, SpikingExport, described, written_by_rule
from rulesearch.expression.operators import Language
from rulesearch.expression.tree import Expression
from rulesearch.expression.units import time_text
from rulesearch.rules.bound import FREE
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, Synaptic

_PREFIXED = """
    amp ampere becquerel candle coulomb farad gram gramme gray henry hertz joule katal lumen lux meter metre mol molar
    mole newton ohm pascal radian second siemens sievert steradian tesla volt watt weber liter litre
"""
_SHORT = """
    Hz kHz MHz mA mM mV ms nA nF nM nS pA pF uA uF uM uS us kelvin kilogram kilogramme cm mm um
"""
_UNITS = frozenset(
    (
        *_SHORT.split(),
        *(f"{prefix}{unit}" for prefix in ("", *"YZEPTGMkmunpfazy") for unit in _PREFIXED.split()),
        *(f"{prefix}{unit}" for prefix in ("da", *"hdc") for unit in ("liter", "litre")),
    )
)
# Variables of synapses, functions, constants, and what the example's neuron has, which synapses read by its bare name.
_OWN = """
    t dt i j N N_incoming N_outgoing t_in_timesteps lastupdate lastspike not_refractory refractory unless delay xi
    eta w_min w_max v g g_inh v_dend I_E I_I rates
    abs arccos arcsin arctan ceil clip cos cosh exp exprel expm1 floor int log log10 log1p poisson rand randn sign sin
    sinh sqrt tan tanh timestep e inf pi C
"""
_TAKEN = RESERVED | _UNITS | {f"{unit}{power}" for unit in _UNITS for power in "23"} | frozenset(_OWN.split())
_BEGINS_INNER = re.compile("(rule)*_")
_APART = 1.01
"""Least ratio of time constants in a chain that Brian2's solution of linear equations may take."""
_INHIBITION = "g_inh*(-80*mV - v)"


def rules_brian2(ready: Placed) -> str:
    """Return the text of a Brian2 script, with one function per rule that makes its synapses.

    **Raises:** `RulesearchError` for what Brian2 cannot express, by name.
    """
    rules = ready.rules
    text = described(
        ready,
        "Brian2",
        "Inside the rule all quantities are plain numbers in s, mV, nS, pA and Hz. States that only spikes change are "
        "event-driven, that is exact; those that a drift reads follow the clock.",
    )
    lines = [f'"""{text}\n"""', "", "import numpy as np", "from brian2 import *", ""]
    makers = {name: "make_synapses" if len(rules.rules) == 1 else f"make_{name}_synapses" for name in rules.rules}

    def synapses(name: str, rule: Rule) -> tuple[_Synapses, list[str]]:
        writer = _Synapses(rule, makers[name], name in ready.inhibitory)
        return writer, writer.lines()

    written = written_by_rule(rules, synapses)
    lines += [line for _, each in written for line in each]
    return "\n".join([*lines, *_example(written[0][0])])


class _Synapses(SpikingExport):
    """Writes the function that makes the synapses of one rule."""

    simulator: ClassVar[str] = "Brian2"
    taken: ClassVar[frozenset[str]] = _TAKEN
    language: ClassVar[Language] = "brian2"
    of_neuron: ClassVar[dict[str, str]] = {
        "v": "v_post/mV",
        "v_dend": "v_dend_post/mV",
        "I_E": "I_E_post/pA",
        "I_I": "I_I_post/pA",
    }

    second: ClassVar[str] = "second"
    over: ClassVar[str] = "/"

    def __init__(self, rule: Rule, maker: str, inhibits: bool) -> None:
        super().__init__(rule, inhibits)
        self.maker = maker
        self.clocked = self._with_the_clock()

    def name(self, name: str) -> str:
        """Return a name of the rule as Brian2 may read it, which keeps those that begin with `_` for itself."""
        return super().name(f"rule{name}" if _BEGINS_INNER.match(name) else name)

    def clashes(self, name: str) -> bool:
        """Return whether a name of the rule must be changed; Brian2 reads v_pre as that of a neuron."""
        ours = super().clashes(name) or name.startswith("xi_") or name.endswith(("_pre", "_post", "_"))
        return ours or name in _of_its_algebra()

    def _with_the_clock(self) -> set[str]:
        """Return the states that must be integrated with the clock: low-passes, and what moving values read."""
        moving = [self.rule.slots["drift"]] if "drift" in self.rule.slots else []
        clocked: set[str] = set()
        for name, state in self.states.items():
            if isinstance(state, Lowpass):
                clocked.add(name)
                moving.append(state.expression)
            elif isinstance(state, Synaptic) and "drift" in state.slots:
                clocked.add(name)
                moving.append(state.slots["drift"])
        for expression in moving:
            clocked |= {name for name in expression.symbols if name in self.states}
        return clocked

    def _methods(self) -> str:
        """Return how what moves with the clock is integrated: a method, or several of which Brian2 takes the first fit.

        Brian2's solution of linear equations divides by differences of their rates: it is not a number where two are
        equal, loses digits where they are near, and is wrong where states read each other. So it is left to states
        that decay with their time constants alone, in chains only of rates more than 1 % apart.
        """
        reads = {name: self._moved_by(name) for name in self.clocked}
        linked = {name for name, read in reads.items() if read}.union(*reads.values())
        taus = sorted(tau for tau in (self.states[name].tau for name in linked) if tau is not None)
        apart = all(slow > _APART * fast for fast, slow in pairwise(taus))
        if "drift" in self.rule.slots or len(taus) < len(linked) or not apart or _in_a_circle(reads):
            return '"rk4"'
        return '("exact", "rk4")'

    def _moved_by(self, name: str) -> set[str]:
        """Return the states with the clock that the derivative of one reads, apart from its decay."""
        state = self.states[name]
        read: tuple[Expression, ...] = ()
        if isinstance(state, Lowpass):
            read = (state.expression,)
        elif isinstance(state, Synaptic) and "drift" in state.slots:
            read = (state.slots["drift"],)
        return {symbol for each in read for symbol in each.symbols if symbol in self.clocked}

    def _model(self) -> list[str]:
        drift = self.rule.slots.get("drift")
        lines = ["w : 1"] if drift is None else [f"dw/dt = eta*{self.source(drift)}/second : 1 (clock-driven)"]
        for name in self.states:
            kind = "clock-driven" if name in self.clocked else "event-driven"
            own, motion = self.name(name), self.motion(name)
            lines.append(f"d{own}/dt = {motion} : 1 ({kind})" if motion else f"{own} : 1")
        return lines + [f"{self.name(name)} : 1 (shared)" for name in self.rule.symbols if self.is_signal(name)]

    def changed(self, slot: str) -> str:
        """Return the weight after a change."""
        return f"w + eta*{slot}" if self.free else f"clip(w + eta*{slot}, w_min, w_max)"

    @property
    def free(self) -> bool:
        """Whether the weight has no bounds."""
        return self.rule.bounds in (None, FREE)

    @property
    def effect(self) -> str:
        """What a presynaptic spike does to the neuron of the example."""
        return "g_inh_post += w*nS" if self.inhibits else "g_post += w*nS"

    def lines(self) -> list[str]:
        """Return the lines of the function."""
        low, high = self.rule.bounds or FREE
        values = [("eta", repr(1.0 if self.rule.eta is None else self.rule.eta), "learning rate")]
        values += [
            (self.name(name), _number(each.value), f"written in {each.unit}" if each.unit else "")
            for name, each in self.rule.constants.items()
        ]
        values += [
            (self.tau(name), f"{state.tau!r}*second", time_text(state.tau))
            for name, state in self.states.items()
            if state.tau is not None
        ]
        values += [] if self.free else [("w_min", _number(low), ""), ("w_max", _number(high), "")]
        rows = [f'        "{name}": {value},' + f"  # {note}" * bool(note) for name, value, note in values]
        stepped = "drift" in self.rule.slots and not self.free
        made = ["", f'def {self.maker}(source, target, effect="", **options):']
        made += [
            f'    """Return {"inhibitory " * self.inhibits}synapses with the rule, not yet connected.',
            "",
            f"    **Arguments:** `effect`: what a presynaptic spike does to the target, such as `{self.effect}`.",
            '    """',
            "    constants = {",
            *rows,
            "    }",
            '    model = """',
            *(f"    {line}" for line in self._model()),
            '    """',
            '    on_pre = effect + """',
            *(f"    {line}" for line in self.event("on_pre")),
            '    """',
        ]
        post = self.event("on_post")
        made += ['    on_post = """', *(f"    {line}" for line in post), '    """'] if post else []
        arguments = "on_pre=on_pre, " + ("on_post=on_post, " if post else "")
        methods = f"method={self._methods()}, " if self.clocked or "drift" in self.rule.slots else ""
        made.append(
            f"    synapses = Synapses(source, target, model, {arguments}{methods}namespace=constants, **options)"
        )
        if post:
            made += ["    # Presynaptic spikes of a time step come first.", "    synapses.post.order = 1"]
        if stepped:
            made.append('    synapses.run_regularly("w = clip(w, w_min, w_max)", when="after_groups")')
        if "on_step" in self.rule.slots:
            step = f"w = {self.changed(self.source(self.rule.slots['on_step']))}"
            made += [
                "    # The rule's step: the end of a trial, here every second.",
                f'    synapses.run_regularly("{step}", dt=1*second, when="end")',
            ]
        return [*made, "    return synapses", ""]


@cache
def _of_its_algebra() -> frozenset[str]:
    """Return names that mean something else to SymPy, to which Brian2 gives the names of states as text."""
    import sympy

    return frozenset((*sympy.__all__, *dir(builtins)))


def _in_a_circle(reads: Mapping[str, set[str]]) -> bool:
    """Return whether a state reads itself, directly or through others."""
    waiting = dict(reads)
    while free := [name for name, read in waiting.items() if not read & set(waiting)]:
        waiting = {name: read for name, read in waiting.items() if name not in free}
    return bool(waiting)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _example(synapses: _Synapses) -> list[str]:
    rule, inhibits = synapses.rule, synapses.inhibits
    reads = [name for name in ("v_dend", "I_E", "I_I") if name in rule.symbols and name not in rule.states]
    more = ["dg_inh/dt = -g_inh/(10*ms) : siemens"] if inhibits else []
    if "I_E" in reads or "I_I" in reads:
        more += ["I_E = g*(0*mV - v) : amp", f"I_I = {_INHIBITION if inhibits else '0*pA'} : amp"]
    more += ["dv_dend/dt = (-70*mV - v_dend)/(20*ms) + (v - v_dend)/(10*ms) : volt"] if "v_dend" in reads else []
    low, high = rule.bounds or (0.0, 1.0)
    start = min(max(0.5, low), high)
    inhibition, drive = (f" + {_INHIBITION}", ", drive") if inhibits else ("", "")
    driven = ['    drive = PoissonInput(neuron, "g", 100, 20*Hz, 1*nS)'] if inhibits else []
    inputs = "Let 100 Poisson inputs inhibit a driven" if inhibits else "Let 100 Poisson inputs drive a"
    return [
        "",
        "def example(seconds=5.0):",
        f'    """{inputs} leaky integrate-and-fire neuron; return times and weights."""',
        "    seed(1)",
        '    inputs = PoissonGroup(100, 20*Hz, name="inputs")',
        "    neuron = NeuronGroup(",
        "        1,",
        '        """',
        f"    dv/dt = (10*nS*(-70*mV - v) + g*(0*mV - v){inhibition})/(200*pF) : volt (unless refractory)",
        "    dg/dt = -g/(5*ms) : siemens",
        *(f"    {line}" for line in more),
        '    """,',
        '        threshold="v > -50*mV",',
        '        reset="v = -70*mV",',
        "        refractory=2*ms,",
        '        method="euler",',
        "    )",
        "    neuron.v = -70*mV",
        *driven,
        f'    synapses = {synapses.maker}(inputs, neuron, "{synapses.effect}")',
        "    synapses.connect()",
        f"    synapses.w = {start!r}",
        '    weights = StateMonitor(synapses, "w", record=range(10), dt=100*ms)',
        "    spikes = SpikeMonitor(neuron)",
        f"    network = Network(inputs, neuron, synapses, weights, spikes{drive})",
        "    network.run(seconds*second)",
        '    print(f"{spikes.num_spikes/seconds:.1f} Hz, mean weight {np.mean(synapses.w[:]):.4g} after {seconds} s")',
        "    return weights.t/second, np.array(weights.w)",
        "",
        "",
        'if __name__ == "__main__":',
        '    prefs.codegen.target = "numpy"',
        "    example()",
        "",
    ]
