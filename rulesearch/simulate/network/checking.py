"""What populations may be: values that mean nothing, or that a step cannot follow, are refused in one clear line."""

from __future__ import annotations

import math

import numpy as np

from rulesearch.errors import RulesearchError, shown
from rulesearch.given import integer, real_array, real_number
from rulesearch.simulate.network.neurons import SITES, Neuron, Population, Receptor


def check_population(population: Population, dt: float, method: str) -> None:
    """Refuse values that mean nothing or cannot be integrated with this step [s], in one clear line.

    **Raises:** `RulesearchError`.
    """
    where, neuron = f"population {population.name}", population.neuron
    integer(population.size, f"{where}: size", 1)
    times = {"tau_membrane": neuron.tau_membrane}
    times |= {f"tau of {name}": part.tau for name, part in neuron.parts.items() if hasattr(part, "tau")}
    for name, receptor in neuron.receptors.items():
        if receptor.tau != 0.0 or receptor.follows:
            times[f"tau of receptor {name}"] = receptor.tau
        _check_receptor(f"{where}, receptor {name}", receptor, neuron)
    for label, tau in times.items():
        if not (math.isfinite(tau) and tau > 0.0):
            raise RulesearchError(f"{where}: {label} must be above 0 s, found {tau:g}")
        if dt > tau and (method == "euler" or label == "tau_membrane"):
            raise RulesearchError(
                f"{where}: a step of dt = {dt:g} s is unstable for {label} = {tau:g} s; choose dt of {tau / 10:g} s "
                "or below"
            )
    for label, value in (("leak", neuron.leak), *((("width", neuron.escape.width),) if neuron.escape else ())):
        if not (math.isfinite(value) and value > 0.0):
            raise RulesearchError(f"{where}: {label} must be above 0, found {value:g}")
    if neuron.exponential and not neuron.exponential.sharpness > 0.0:
        raise RulesearchError(f"{where}: sharpness must be above 0 mV, found {neuron.exponential.sharpness:g}")
    if not (math.isfinite(neuron.refractory) and neuron.refractory >= 0.0):
        raise RulesearchError(f"{where}: refractory must be at least 0 s, found {neuron.refractory:g}")
    if neuron.reset is not None and neuron.escape is None and not neuron.reset < neuron.threshold:
        raise RulesearchError(
            f"{where}: the reset ({neuron.reset:g} mV) must lie below the threshold ({neuron.threshold:g} mV)"
        )
    if population.initial is not None:
        check_range(population.initial, f"{where}: initial")
    if population.clamp is not None:
        clamp = real_array(population.clamp, f"{where}: clamp")
        if clamp.shape[1:] not in ((1,), (population.size,)) or not clamp.size:
            raise RulesearchError(
                f"{where}: clamp must have the shape (samples, 1) or (samples, {population.size}), found {clamp.shape}"
            )
        if not np.all(np.isfinite(clamp)):
            raise RulesearchError(f"{where}: clamp must be finite")


def check_range(given: object, what: str, least: float = -math.inf) -> None:
    """Refuse what is neither a finite number nor a range of them that ascends.

    **Raises:** `RulesearchError`.
    """
    ends = given if isinstance(given, tuple) else (given, given)
    values = [real_number(each, what) for each in ends]
    if len(values) != 2 or not (least <= values[0] <= values[1] and all(map(math.isfinite, values))):
        lowest = "" if least == -math.inf else f" of at least {least:g}"
        raise RulesearchError(f"{what} must be a finite number{lowest}, or a range that ascends, found {shown(given)}")


def _check_receptor(where: str, receptor: Receptor, neuron: Neuron) -> None:
    if receptor.follows and receptor.follows not in neuron.receptors:
        raise RulesearchError(f"{where}: unknown receptor {receptor.follows!r} to follow")
    if receptor.follows and neuron.receptors[receptor.follows].follows:
        raise RulesearchError(f"{where}: {receptor.follows} itself follows a receptor; only one step is possible")
    if receptor.site not in SITES:
        raise RulesearchError(f"{where}: unknown site {receptor.site!r}; there are {', '.join(SITES)}")
    if receptor.site == "dendrite" and neuron.dendrite is None:
        raise RulesearchError(f"{where}: the neuron has no dendrite; give it dendrite=Dendrite(...)")
    if receptor.tau == 0.0 and receptor.reversal is not None:
        raise RulesearchError(f"{where}: a jump of the potential (tau = 0) has no reversal potential")
