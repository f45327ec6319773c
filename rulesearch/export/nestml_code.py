"""NESTML: a synapse model for NEST.

Quantities inside the rule are plain numbers in s, mV, nS, pA and Hz, as in the rule text. NEST takes a synapse from
event to event, so that all between events must have a solution in closed form: linear equations with constant
coefficients, from which NESTML makes exact steps. Rules that move otherwise are refused by name. At a spike synaptic
states change before the weight, and traces grow last; presynaptic spikes come before postsynaptic ones of the same
time.
"""

from __future__ import annotations

import math
import re
from typing import ClassVar

from rulesearch.errors import RulesearchError
from rulesearch.export.placing import Placed
from rulesearch.export.spiking import RESERVED, SIGNALS, SpikingExport, described, written_by_rule
from rulesearch.expression.operators import Language, Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule
from rulesearch.rules.states import Lowpass, Synaptic

# Keywords, functions and constants of NESTML, SI units, and names of the C++ that is made from a model.
_TAKEN_WORDS = """
    boolean continuous e emit_spike equations excitatory function inf inhibitory input integer integrate_odes
    internals kernel model onCondition onReceive output parameters pi pre_spikes post_spikes real recordable spike
    state step step_spikes string t update one_second abs ceil clip convolve cos cosh delta erf erfc exp expm1 floor
    info ln log log10 max min pow print println random_normal random_poisson random_uniform resolution round sin
    sinh sqrt steps tan tanh timestep warning A Bq C F Gy H Hz J K L M N Np Ohm Pa R S Sv T V W Wb a arcmin arcsec
    au b bit cd cm d day dB deg eV fortnight g h hr kat kg km l lm lx m mS mV mm mol ms mmol min nA nF nS nV ns pA
    pF pS rad s sr ton u uA uF uS uV us delay nest weight eta w_min w_max w_new
    Angstrom Celsius Farad Gauss Henry Hertz Joule Kelvin Newton Pascal Siemens Tesla Volt Watt Weber amp ampere
    beam becquerel bin candela coulomb count dyn erg farad gram gray henry hertz hour joule katal kilogram liter
    lumen lux meter minute mole newton ohm parsec pascal photon radian second siemens sievert steradian tesla volt
    watt weber week year
"""
TAKEN = RESERVED | frozenset(_TAKEN_WORDS.split())
"""Names that a model must not give to anything of its own."""

_UNIT = {"v": "mV", "v_dend": "mV", "I_E": "pA", "I_I": "pA"}


def rules_nestml(ready: Placed) -> str:
    """Return the text of a NESTML file with one synapse model per rule.

    **Raises:** `RulesearchError` for what NESTML cannot express, by name.
    """
    rules = ready.rules
    text = described(
        ready,
        "NESTML",
        "Inside the rule all quantities are plain numbers in s, mV, nS, pA and Hz. Generate code for a pair of this "
        "synapse and a neuron (code generator option neuron_synapse_pairs).",
    )

    def model(name: str, rule: Rule) -> str:
        title = rules.name if len(rules.rules) == 1 else f"{rules.name}_{name}"
        return "\n".join(_Model(rule, name in ready.inhibitory).lines(_model_name(title)))

    models = written_by_rule(rules, model)
    return "\n".join([*(f"# {line}".rstrip() for line in text.splitlines()), *models])


def _model_name(title: str) -> str:
    word = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_").lower() or "plasticity"
    return f"{word}_synapse" if word[0].isalpha() else f"rule_{word}_synapse"


class _Model(SpikingExport):
    """Writes the model of one rule."""

    simulator: ClassVar[str] = "NESTML"
    taken: ClassVar[frozenset[str]] = TAKEN
    language: ClassVar[Language] = "nestml"
    of_neuron: ClassVar[dict[str, str]] = {name: f"{name}_post/(1 {unit})" for name, unit in _UNIT.items()}

    second: ClassVar[str] = "one_second"
    over: ClassVar[str] = " / "

    def clashes(self, name: str) -> bool:
        """Return whether a name must be changed; in NESTML two underscores at the end are its own."""
        return super().clashes(name) or name.endswith(("_", "_post"))

    def number(self, value: float) -> str:
        """Return the text of a number, always with a point."""
        if not math.isfinite(value):
            return "inf" if value > 0 else "(-inf)"
        mantissa, mark, exponent = repr(abs(value)).partition("e")
        text = (mantissa if "." in mantissa else f"{mantissa}.0") + mark + exponent
        return text if math.copysign(1.0, value) > 0 else f"(-{text})"

    def _equations(self) -> list[str]:
        """Return the equations of what moves between events.

        **Raises:** `RulesearchError` where one has no closed form.
        """
        drift = self.rule.slots.get("drift")
        driven: dict[str, Expression] = {} if drift is None else {"the drift of the weight": drift}
        lines = [] if drift is None else [f"w' = eta * {self.source(drift)} / one_second"]
        for name, state in self.states.items():
            if isinstance(state, Lowpass):
                driven[f"the low-pass {name}"] = state.expression
            elif isinstance(state, Synaptic) and "drift" in state.slots:
                driven[f"the drift of {name}"] = state.slots["drift"]
        moving = {name for name in self.states if self.motion(name)} | ({"w"} if drift is not None else set())
        for what, expression in driven.items():
            self._check_linear(what, expression, moving)
        return lines + [f"{self.name(name)}' = {self.motion(name)}" for name in self.states if self.motion(name)]

    def _check_linear(self, what: str, expression: Expression, moving: set[str]) -> None:
        fixed = {*self.rule.constants, *(name for name in SIGNALS if self.is_signal(name))}
        for name in expression.symbols:
            if name not in moving and name not in fixed:
                raise RulesearchError(
                    f"{what} reads {name}, which changes between the events that NESTML takes a synapse through; "
                    "export it with --format brian2"
                )
        degree = _degree(expression, moving)
        if degree is None or degree > 1:
            raise RulesearchError(
                f"{what}, {to_text(expression)}, is not linear, and NESTML has no other equations between the events "
                "of a synapse; export it with --format brian2"
            )

    def changed(self, slot: str) -> str:
        """Return the weight after a change."""
        return self._bounded(f"w + eta * {slot}")

    def _bounded(self, text: str) -> str:
        low, high = self.rule.bounds or (-math.inf, math.inf)
        text = f"max({text}, w_min)" if math.isfinite(low) else text
        return f"min({text}, w_max)" if math.isfinite(high) else text

    def _parameters(self) -> list[str]:
        low, high = self.rule.bounds or (-math.inf, math.inf)
        lines = [f"eta real = {self.number(1.0 if self.rule.eta is None else self.rule.eta)}  # learning rate"]
        for name, each in self.rule.constants.items():
            lines.append(f"{self.name(name)} real = {self.number(each.value)}" + f"  # [{each.unit}]" * bool(each.unit))
        for name, state in self.states.items():
            if state.tau is not None:
                lines.append(f"{self.tau(name)} ms = {self.number(1e3 * state.tau)} ms")
        lines += [
            f"{self.name(name)} real = 0.0  # set between runs" for name in self.rule.symbols if self.is_signal(name)
        ]
        lines += [
            f"{name} real = {self.number(value)}"
            for name, value in (("w_min", low), ("w_max", high))
            if math.isfinite(value)
        ]
        return lines

    def lines(self, title: str) -> list[str]:
        """Return the lines of the model."""
        low, high = self.rule.bounds or (-math.inf, math.inf)
        equations = self._equations()
        parameters = self._parameters()
        if any("one_second" in line for line in equations):
            parameters.append("one_second ms = 1000.0 ms")
        handlers = {slot: self.event(slot) for slot in ("on_pre", "on_post", "on_step")}
        ports = ["pre_spikes <- spike"]
        ports += ["post_spikes <- spike"] if handlers["on_post"] else []
        ports += ["step_spikes <- spike  # ends a trial"] if handlers["on_step"] else []
        ports += [
            f"{name}_post {unit} <- continuous"
            for name, unit in _UNIT.items()
            if name in self.rule.symbols and name not in self.states and name not in self.rule.constants
        ]
        states = [f"w real = {self.number(min(max(0.5, low), high))}"]
        states += [f"{self.name(name)} real = 0.0" for name in self.states]
        blocks = {"state": states, "parameters": parameters}
        if equations:
            blocks["equations"] = equations
        blocks |= {"input": ports, "output": ["spike"]}
        first, second = (", priority=2", ", priority=1") if handlers["on_post"] else ("", "")
        blocks[f"onReceive(pre_spikes{first})"] = [f"emit_spike({'-w' if self.inhibits else 'w'})", *handlers["on_pre"]]
        if handlers["on_post"]:
            blocks[f"onReceive(post_spikes{second})"] = handlers["on_post"]
        if handlers["on_step"]:
            blocks["onReceive(step_spikes)"] = handlers["on_step"]
        if equations:
            bounded = self._bounded("w") if "drift" in self.rule.slots else "w"
            blocks["update"] = ["integrate_odes()", *([f"w = {bounded}"] if bounded != "w" else [])]
        lines = ["", f"model {title}:"]
        for name, body in blocks.items():
            lines += [f"    {name}:", *(f"        {line}" for line in body), ""]
        return lines


def _degree(expression: Expression, moving: set[str]) -> int | None:
    """Return the degree of an expression in moving symbols, None where it is no polynomial in them."""

    def leaf(node: str | Number) -> int | None:
        return 1 if node in moving else 0

    def branch(row: Operator, *parts: int | None) -> int | None:
        if all(part == 0 for part in parts):
            return 0
        if any(part is None for part in parts):
            return None
        degrees = [part for part in parts if part is not None]
        if row.name in ("add", "sub", "neg"):
            return max(degrees)
        if row.name == "mul":
            return sum(degrees)
        return degrees[0] if row.name == "div" and degrees[1] == 0 else None

    found: int | None = expression.fold(leaf, branch)
    return found
