"""Rate networks as data: layers of rate neurons, and connections between them that may learn.

One step is one presentation: inputs and signals, then the layers in order, then every rule, then the low-passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.operators import FUNCTIONS
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.tree import Expression
from rulesearch.given import integer, named, real_array, real_number, whole_number
from rulesearch.rules.bound import FREE
from rulesearch.rules.kinds import check_bounds
from rulesearch.rules.rule import Rule
from rulesearch.simulate.rate.programs import NETWORK_SYMBOLS

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Bounds = tuple[float, float]

WIRINGS = ("all", "lower", "upper", "off-diagonal")
"""Who reaches whom by name: every pair; from source j to target i where j < i, j > i, j != i."""

IN_ORDER, REVERSED, SETTLED = range(3)
"""How a layer is computed: from its first neuron on, from its last one on, or by rounds until nothing moves."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Neurons that give y = f(h) of their input h = bias + sum of w x over all their connections.

    **Fields:** `output`: `linear`, `sigmoid`, a function of the operator table (`relu`, `tanh`, ...), or an expression
    in `h`; `bias`: one value, or one per neuron.
    """

    name: str
    size: int
    output: str = "linear"
    bias: float | Array = 0.0

    def function(self) -> Expression | None:
        """Return the output function as an expression in `h`, None where it is the identity.

        **Raises:** `RulesearchError` where it is none.
        """
        if not isinstance(self.output, str):
            raise RulesearchError(f"layer {self.name}: output is a name or an expression, found {shown(self.output)}")
        known = {"linear": "h", "sigmoid": "1/(1 + exp(-h))"}
        text = known.get(self.output, self.output)
        if text in FUNCTIONS:
            if FUNCTIONS[text].arity != 1:
                raise RulesearchError(f"layer {self.name}: {text} takes two values; write it as an expression in h")
            text = f"{text}(h)"
        if text.isidentifier() and text != "h":
            names = [*known, *(name for name, row in FUNCTIONS.items() if row.arity == 1)]
            raise RulesearchError(f"layer {self.name}: unknown output {text!r}{did_you_mean(text, names)}")
        found = parse_expression(text)
        for name in found.symbols:
            if name != "h":
                raise RulesearchError(f"layer {self.name}: an output is a function of h alone, found {name!r}")
        return None if found.nodes == ("h",) else found


@dataclass(frozen=True, slots=True)
class Signal:
    """What rules read besides activities and weights, such as a reward or a teacher's output.

    **Fields:** `layer`: each of its neurons has a value of its own, for its incoming connections to read; None: one
    value for the whole network.
    """

    name: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Synapses from an input or a layer to a layer; lateral where both are the same.

    **Fields:** `wiring`: one of `WIRINGS`, or a mask `(targets, sources)`; `weight` at the start: one value, a matrix
    `(targets, sources)`, or one per data set `(data sets, targets, sources)`; `rule`: a rule, the name of one that is
    given when the network runs, or None where weights stay; `bounds` of the weights where the rule gives none, or
    infinite ones; `signed`: whether weights may be negative, else they are magnitudes, at 0 or above whatever bounds
    say; `inhibitory`: whether magnitudes are subtracted; `normalised`: whether the weights of each target are brought
    to length 1 after every step.
    """

    name: str
    source: str
    target: str
    wiring: str | Mask = "all"
    weight: float | Array = 0.0
    rule: Rule | str | None = None
    bounds: Bounds | None = None
    signed: bool = True
    inhibitory: bool = False
    normalised: bool = False

    @property
    def lateral(self) -> bool:
        """Whether it stays within a layer."""
        return self.source == self.target

    def limits(self, rule: Rule) -> Bounds:
        """Return the bounds of the weights under a rule.

        **Raises:** `RulesearchError` where they leave no magnitudes to weights that are magnitudes.
        """
        given = None if rule.bounds == FREE else rule.bounds
        low, high = given or self.bounds or FREE
        if not self.signed and not high > 0.0:
            raise RulesearchError(
                f"connection {self.name}: weights are magnitudes, and bounds of {low:g} to {high:g} leave them none"
            )
        return (low if self.signed else max(0.0, low)), high


@dataclass(frozen=True, slots=True)
class RateNetwork:
    """Inputs, layers in the order in which they are computed, and the connections between them.

    A connection runs from an input, or from a layer to itself or a later one. Lateral connections act in the same
    presentation: where all those of a layer point from earlier to later neurons (or all back), neurons are computed in
    that order; else rounds over the neurons, each of which reads the latest outputs of the others, go on until no
    output moves.

    **Fields:** `inputs`: size by name; `rounds`: at most so many, else the simulation ends as exhausted; `tolerance`:
    outputs have settled where a round moves none by more than this, relative to the largest one above 1.
    """

    inputs: Mapping[str, int]
    layers: Sequence[Layer]
    connections: Sequence[Connection]
    signals: Sequence[Signal] = ()
    rounds: int = 200
    tolerance: float = 1e-12

    def __post_init__(self) -> None:
        named(self.inputs, "inputs", "{'input': 5}")
        if not self.layers:
            raise RulesearchError("a network needs at least one layer; type for example layers=[Layer('output', 3)]")
        _different("inputs or layers", [*self.inputs, *(layer.name for layer in self.layers)])
        _different("connections", [connection.name for connection in self.connections])
        _different("signals", [signal.name for signal in self.signals])
        for name, size in self.sizes.items():
            integer(size, f"the size of {name}", 1)
        for layer in self.layers:
            layer.function()
            if real_array(layer.bias, f"layer {layer.name}: bias").shape not in ((), (layer.size,)):
                raise RulesearchError(
                    f"layer {layer.name}: bias is one value or {layer.size}, found {np.shape(layer.bias)}"
                )
        for signal in self.signals:
            if signal.name in NETWORK_SYMBOLS:
                raise RulesearchError(f"signal {signal.name!r} has a meaning of its own here; choose another name")
            if signal.layer is not None:
                self.layer(signal.layer, f"signal {signal.name}")
        for connection in self.connections:
            self._check(connection)
        whole_number(self.rounds, "rounds", 1)
        if not real_number(self.tolerance, "tolerance") >= 0.0:
            raise RulesearchError(f"tolerance must be at least 0, found {self.tolerance:g}")

    @property
    def sizes(self) -> dict[str, int]:
        """The number of neurons of each input and layer."""
        return {**self.inputs, **{layer.name: layer.size for layer in self.layers}}

    @property
    def plastic(self) -> list[Connection]:
        """The connections that learn."""
        return [connection for connection in self.connections if connection.rule is not None]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What rules may read; for `parse_rules`. Signals of a layer go to the rules of its incoming connections."""
        return (*NETWORK_SYMBOLS, *(signal.name for signal in self.signals))

    def readable(self) -> dict[str, list[str]]:
        """Return the signals that the rule of each connection may read."""
        return {
            connection.name: [each.name for each in self.signals if each.layer in (None, connection.target)]
            for connection in self.connections
        }

    def layer(self, name: str, where: str = "network") -> Layer:
        """Return a layer by its name.

        **Raises:** `RulesearchError` where there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise RulesearchError(f"{where}: unknown layer {name!r}{did_you_mean(name, names)}")

    def mask(self, connection: Connection) -> Mask:
        """Return which pairs a connection joins, `(targets, sources)`."""
        shape = self.sizes[connection.target], self.sizes[connection.source]
        if not isinstance(connection.wiring, str):
            return np.asarray(connection.wiring, dtype=np.bool_)
        i, j = np.indices(shape)
        joined: Mask = {"all": i >= 0, "lower": j < i, "upper": j > i, "off-diagonal": j != i}[connection.wiring]
        return joined

    def order(self, layer: Layer) -> int:
        """Return how a layer is computed: `IN_ORDER`, `REVERSED` or `SETTLED`."""
        joined = np.zeros((layer.size, layer.size), dtype=np.bool_)
        for connection in self.connections:
            if connection.lateral and connection.target == layer.name:
                joined |= self.mask(connection)
        if not np.triu(joined).any():
            return IN_ORDER
        return SETTLED if np.tril(joined).any() else REVERSED

    def _check(self, connection: Connection) -> None:
        where = f"connection {connection.name}"
        target = self.layer(connection.target, where)
        if connection.source not in self.sizes:
            raise RulesearchError(
                f"{where}: unknown source {connection.source!r}{did_you_mean(connection.source, self.sizes)}"
            )
        names = list(self.sizes)
        if names.index(connection.source) > names.index(target.name):
            raise RulesearchError(
                f"{where}: {connection.source} is computed after {target.name}; "
                "connections run from an input, or from a layer to itself or a later one"
            )
        shape = target.size, self.sizes[connection.source]
        if isinstance(connection.wiring, str):
            if connection.wiring not in WIRINGS:
                raise RulesearchError(
                    f"{where}: unknown wiring {connection.wiring!r}{did_you_mean(connection.wiring, WIRINGS)}"
                )
        else:
            mask = real_array(connection.wiring, f"{where}: a mask")
            if mask.shape != shape:
                raise RulesearchError(f"{where}: a mask is (targets, sources) = {shape}, found {mask.shape}")
            other = mask[(mask != 0.0) & (mask != 1.0)]
            if other.size:
                raise RulesearchError(f"{where}: a mask is 1 where there is a synapse, else 0; found {other[0]:g}")
        weight = real_array(connection.weight, f"{where}: weights")
        if weight.ndim not in (0, 2, 3) or (weight.ndim and weight.shape[-2:] != shape):
            raise RulesearchError(f"{where}: weights are (targets, sources) = {shape}, found {weight.shape}")
        if not weight.size:
            raise RulesearchError(f"{where}: weights need at least one data set, found {weight.shape}")
        if not isinstance(connection.rule, Rule | str | None):
            raise RulesearchError(
                f"{where}: rule is a rule, or the name of one that run is given, found {shown(connection.rule)}"
            )
        if connection.bounds is not None:
            check_bounds(connection.bounds, f"{where}: ")
        if connection.inhibitory and connection.signed:
            raise RulesearchError(f"{where}: inhibitory weights are magnitudes: give signed=False as well")
        if not connection.signed and np.any(weight < 0.0):
            raise RulesearchError(f"{where}: weights are magnitudes, found {weight.min():g}")


def _different(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise RulesearchError(f"two {what} are called {name!r}; give each a name of its own")
