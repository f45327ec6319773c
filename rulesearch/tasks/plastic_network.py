"""Synapses of any kind bring a whole recurrent network to a target rate.

The network of `target_network` has four kinds of synapses, EE, EI, IE and II, from excitatory (E) and inhibitory (I)
neurons to either; each has a rule. What a search holds fixed at `on_pre: 0` is static: so each kind and each pair of
kinds is searched on this one task, `--given "EI[on_pre: 0]; IE[on_pre: 0]; II[on_pre: 0]"` leaving EE to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.network.simulation import Simulation
from rulesearch.tasks.declaration import Settings, TaskSymbol
from rulesearch.tasks.inhibitory_network import slow_vogels
from rulesearch.tasks.recurrent import KINDS
from rulesearch.tasks.spike_task import TRACES
from rulesearch.tasks.target_network import TargetNetwork

_BEST_FIRST = ("IE", "EE", "EI", "II")
"""Kinds of synapses by how well their known rules do alone."""
_STATIC = "on_pre: 0"
_ALPHA_EI = 0.162
"""Constant of the known rule of EI synapses that gives 10 Hz; tau rho = 0.2 gives 12 Hz."""

_PAPER = known_rule("confavreux")


class PlasticNetwork(TargetNetwork):
    """A recurrent network whose synapses, of the kinds that learn, find its target rate."""

    name: ClassVar[str] = "plastic-network"
    title: ClassVar[str] = "synapses of any kind bring a recurrent network to a target rate"
    summary: ClassVar[str] = (
        "A recurrent network of leaky integrate-and-fire neurons must fire at the target rate by rules of its four "
        "kinds of synapses; those with the rule on_pre: 0 are static."
    )
    reference: ClassVar[str] = _PAPER.reference
    doi: ClassVar[str] = _PAPER.doi
    bibtex: ClassVar[str] = _PAPER.bibtex
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        **TRACES,
        "w": TaskSymbol("weight of the synapse, a magnitude, in units of the leak"),
        "w_mean": TaskSymbol("mean weight of the neuron's synapses of this kind"),
    }
    rule_names: ClassVar[tuple[str, ...]] = KINDS
    plastic: ClassVar[Mapping[str, str]] = dict(zip(KINDS, KINDS, strict=True))
    inhibitory: ClassVar[tuple[str, ...]] = ("IE", "II")
    grammar: ClassVar[str] = "plastic-network"
    known_rule: ClassVar[str] = "vogels"
    reached: ClassVar[str] = "EE: 7 of 10 searches, 3 of 10 random ones; EI: 9 of 10; II: 0 of 10; pairs: 34 of 40"
    known_title: ClassVar[str] = "known rules of the same synapses"

    def weight_metrics(self, simulation: Simulation) -> dict[str, float]:
        """Return the mean weights `w_EE` and so on, as far as they are finite."""
        means = {f"w_{kind}": float(simulation.weights(kind).mean()) for kind in KINDS}
        return {name: mean for name, mean in means.items() if np.isfinite(mean)}

    def baseline(self, settings: Settings) -> RuleSet:
        r"""Return a rule for each kind that brings excitatory neurons to the target by itself.

        The mean of a rule $\Delta w = \eta\,(y - \alpha)$ at presynaptic spikes is
        $\eta\, r_\mathrm{pre}\,(\tau\, r_\mathrm{post} - \alpha)$.

        - IE: the rule of Vogels et al. 2011 inhibits a neuron more while it fires above $\alpha/(2 \tau)$.
        - EE: with the opposite sign, a neuron loses excitation while it fires above $\alpha/\tau$.
        - EI: inhibitory neurons are driven more while excitatory ones, whose trace it reads, fire above
          $\alpha/\tau$. The rates of single neurons differ, so that weights are held near their mean; without that
          they part, up to their bounds, and the mean no longer follows.
        - II: a rule that reads inhibitory neurons alone cannot tell how fast excitatory ones fire. Weights come to
          $a + c/(\tau\, r_\mathrm{pre})$, which is what static weights must be for a target of 10 Hz, whatever the
          input; for other targets the constants are not calibrated.
        """
        target = settings["target"]
        forms = {
            "EE": f"on_pre: alpha - y2; eta = 0.002; alpha = {0.1 * target:g}; y2 = trace(post, 100 ms)",
            "EI": f"on_pre: w_mean - w + k*(x - alpha); eta = 0.05; k = 0.2; alpha = {_ALPHA_EI * target / 10.0:g}",
            "IE": str(slow_vogels(target)),
            "II": "on_pre: c - x2*(w - a); eta = 0.2; c = 0.05; a = 0.09; x2 = trace(pre, 100 ms)",
        }
        return self.parse("; ".join(f"{kind}[{forms[kind]}]" for kind in KINDS))

    def known_beside(self, given: RuleSet | None, settings: Settings) -> RuleSet:
        """Return the known rule of one kind, of those that are not given the one that does best; others are static.

        Two of these rules at once pull at the same rate with constants that were calibrated for one, and lose it.
        """
        known = super().known_beside(given, settings)
        free = [kind for kind in _BEST_FIRST if given is not None and kind not in given.rules]
        static = {kind: self.parse(_STATIC, [kind]).only() for kind in free[1:]}
        return replace(known, rules={**known.rules, **static})

    def control(self, settings: Settings) -> RuleSet:
        """Return rules that only strengthen every synapse."""
        return self.parse("; ".join(f"{kind}[on_pre: 0.1]" for kind in KINDS))
