r"""Task `familiarity`: a layer that tells familiar stimuli from novel ones by what its synapses have kept of them.

The layer is in `familiarity_layer`, its training by gradient descent in `familiarity_training`, the capacity that the
paper measures in `familiarity_curriculum`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import FREE, BoundSet
from rulesearch.rules.library import known_rule
from rulesearch.rules.rule import RuleSet
from rulesearch.simulate.rate.programs import lowpasses_of
from rulesearch.tasks.conditions import Stress, Times
from rulesearch.tasks.declaration import DAMAGE, Fidelity, Requirement, Setting, Settings, TaskSymbol
from rulesearch.tasks.familiarity_curriculum import PUBLISHED, Cell, largest_interval
from rulesearch.tasks.familiarity_layer import EXCESSES, Fixed, stimuli_of
from rulesearch.tasks.familiarity_readout import READOUT, fixed_numbers, fresh, readouts
from rulesearch.tasks.familiarity_training import SEQUENCES_PER_STEP
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import TimeCourse, Trial

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SCREEN, _FRESH = 1000, 10_000
_COURSE = 5000
_ACCURACY = 0.97
"""Share of right answers that is asked for: the lowest one of the published networks at their R_max is 0.971."""
_PAPER = known_rule("hebbff")


class Familiarity(Task):
    """Tell stimuli that were there `interval` steps before from novel ones.

    The loss is the share of wrong answers over 10,000 fresh stimuli, a third of which are familiar: its two cases are
    the familiar and the novel stimuli. With the setting `training` at 0 the fixed weights are those of the idealised
    solution of the paper: each unit has an address in the first components, so that one unit answers to a novel
    stimulus; bias and readout are the best on a sequence of their own. With `training` above 0 fixed weights, bias,
    readout and the rule's own constants come from so many steps of gradient descent, as in the paper. Either readout
    may call familiar what excites less or what excites more. A synapse that is missing does not learn; noise is in
    fixed weights too; training knows of neither.
    """

    name = "familiarity"
    title = "familiar stimuli told from novel ones"
    summary = (
        "A layer of rate units sees random stimuli half of which, where the one some steps before was novel, repeat "
        "that one; what its synapses keep of each must change the response to the same one later."
    )
    reference = _PAPER.reference
    doi = _PAPER.doi
    bibtex = _PAPER.bibtex
    slots = ("on_step",)
    symbols: ClassVar[Mapping[str, TaskSymbol]] = {
        "x": TaskSymbol("component of the stimulus, 1 or -1"),
        "y": TaskSymbol("activity of the hidden unit, from 0 to 1"),
        "w": TaskSymbol("weight that the synapse has learnt, besides its fixed one; it may be negative"),
    }
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(1.0, "learning rate of rules that give none", 1e-9, 1e6),
        "components": Setting(50, "components of a stimulus", 1, 10_000, whole=True),
        "units": Setting(32, "hidden units, a power of 2", 1, 1024, whole=True),
        "interval": Setting(28, "steps after which a stimulus is repeated", 1, 1000, whole=True),
        "tested": Setting(0, "the same for the fresh stimuli, if it is another; 0: as interval", 0, 1000, whole=True),
        "training": Setting(0, "steps of gradient descent on all fixed numbers; 0: idealised", 0, 1e6, whole=True),
        "stimuli": Setting(_FRESH, "fresh stimuli that are scored", 100, 1e6, whole=True),
        "r_max": Setting(0, "1: find the metric r_max, the interval at which a curriculum stays", 0, 1, whole=True),
        "w_start": Setting(0.0, "weights that the synapses have learnt before the first stimulus", -10.0, 10.0),
        **DAMAGE,
    }
    fidelities = (
        Fidelity("screen", 1, "a third of the readout's sequence and every other bias, scored on that sequence"),
        Fidelity("full", 1, "one sequence for the readout, or training; one that is scored"),
    )
    requirements = (Requirement("accuracy", least=_ACCURACY),)
    paper_took = (
        "Tyulmankov et al. 2022: gradient descent on one form, up to a million sequences of 200 stimuli or more for a "
        "network"
    )
    reached = "8 of 10 searches, all 10 end with the published form; 0 of 10 random ones"
    clock = "steps"
    bounds = FREE
    grammar = "familiarity"
    known_rule = "hebbff"
    protocol = Protocol(tolerance=0.001, selection_trials=3, front_trials=5, calibrated=4, report_trials=10)
    stress = Stress(
        step="it counts stimuli",
        start=({"w_start": -0.1}, {"w_start": 0.1}),
        inputs=({"interval": Times(0.5)},),
    )

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that this task cannot run, also those with states that a rate network does not have.

        **Raises:** `RulesearchError`.
        """
        super().check(rules)
        for rule in rules.rules.values():
            lowpasses_of(rule)

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Check that units have addresses that a stimulus can hold.

        **Raises:** `RulesearchError`.
        """
        units, components = int(values["units"]), int(values["components"])
        if units & (units - 1):
            raise RulesearchError(f"setting units of task {self.name} must be a power of 2, found {units}")
        if units > 2**components:
            raise RulesearchError(
                f"settings of task {self.name}: {components} components hold no addresses of {units} units; take at "
                f"least {units.bit_length() - 1}"
            )
        return values

    def network(self, settings: Settings) -> str:
        """Return the size of the layer, and how many stimuli a candidate sees at full fidelity."""
        layer = f"{settings['units']:g} hidden units of {settings['components']:g} inputs"
        return f"{layer}; {self.duration(settings, 'full'):,.0f} stimuli a candidate"

    def duration(self, settings: Settings, fidelity: str) -> float:
        """Return the number of stimuli."""
        return _SCREEN if fidelity == "screen" else READOUT + settings["stimuli"]

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the published rule, with the constants of the network of that size (see `constants_of`)."""
        cell = constants_of(settings)
        return self.parse(f"-decay*w - gain*x*y; decay = {1.0 - cell.decay:.3g}; gain = {-cell.eta:.3g}")

    def control(self, settings: Settings) -> RuleSet:
        """Return the Hebbian rule with the same constants, by which a stimulus that was seen excites more."""
        cell = constants_of(settings)
        return self.parse(f"-decay*w + gain*x*y; decay = {1.0 - cell.decay:.3g}; gain = {-cell.eta:.3g}")

    def report_conditions(self) -> tuple[Mapping[str, float], ...]:
        """Return the setting under which R_max is found."""
        return ({"r_max": 1.0},)

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Fit the readout on one sequence of stimuli and answer to another.

        **Returns:** metrics `accuracy`: the share of right answers; `p_true_positive` and `p_false_positive`: the
        shares of familiar and of novel stimuli that are called familiar; with the setting `r_max` the metric of that
        name, for which the readout is fitted anew at each interval and the rule stays as it is, unless all is trained
        anew. Trained, the details `trained` are the learning rate and the named constants that training came to.
        """
        return self.trials([rules], seed, settings, fidelity, backend)[0]

    def trials(
        self, candidates: Sequence[BoundSet], seed: int, settings: Settings, fidelity: str, backend: str = "vm"
    ) -> list[Trial]:
        whole, screened = self.duration(settings, fidelity), fidelity == "screen"
        if settings["training"] and not screened:
            return [self._trained(rules, seed, settings, backend) for rules in candidates]
        excesses = EXCESSES[::2] if screened else EXCESSES
        learned = readouts(candidates, seed, settings, _SCREEN if screened else READOUT, excesses, backend)
        found: list[Trial] = []
        fixed: dict[int, Fixed] = {}
        for place, (shown, familiar, readout) in enumerate(learned):
            work = int(shown.steps * settings["units"] * settings["components"] * excesses.size)
            if readout is None:
                found.append(Trial(shown.status, None, work=work, died_at=shown.steps / whole))
                continue
            index, fixed[place] = readout
            found.append(_scored(fixed[place].familiar(shown.responses[:, index]), familiar, work))
        if screened:
            return found
        answered = fresh(candidates, fixed, seed, settings, backend)
        for place, (shown, familiar) in answered.items():
            work = found[place].work + int(shown.steps * settings["units"] * settings["components"])
            if shown.status != "ok":
                found[place] = Trial(shown.status, None, work=work, died_at=(READOUT + shown.steps) / whole)
                continue
            more = self._r_max(candidates[place], seed, settings, backend)
            found[place] = _scored(fixed[place].familiar(shown.responses[:, 0]), familiar, work, more)
        return found

    def _trained(self, rules: BoundSet, seed: int, settings: Settings, backend: str) -> Trial:
        """Return the full trial of one candidate whose fixed numbers are trained."""
        learnt = fixed_numbers(rules, seed, settings)
        interval, synapses = int(settings["interval"]), int(settings["units"] * settings["components"])
        work = int(settings["training"]) * SEQUENCES_PER_STEP * stimuli_of(interval) * synapses
        if learnt is None:
            return Trial("nonfinite", None, work=work, died_at=0.0)
        changed, fixed = learnt
        ((shown, familiar),) = fresh([changed], {0: fixed}, seed, settings, backend).values()
        work += shown.steps * synapses
        if shown.status != "ok":
            return Trial(shown.status, None, work=work, died_at=shown.steps / settings["stimuli"])
        more = self._r_max(rules, seed, settings, backend)
        rule = changed.only()
        details = {"trained": (float(rule.eta or 0.0), *rule.constant_values().values())}
        return _scored(fixed.familiar(shown.responses[:, 0]), familiar, work, more, details)

    def _r_max(self, rules: BoundSet, seed: int, settings: Settings, backend: str) -> dict[str, float]:
        """Return the metric `r_max`, where it is asked for: the interval at which a curriculum stays."""
        if not settings["r_max"]:
            return {}

        def accuracy(interval: int) -> float:
            at = {**settings, "interval": float(interval), "tested": 0.0, "r_max": 0.0}
            return self.trial(rules, seed, at, "full", backend).metrics.get("accuracy", 0.0)

        return {"r_max": float(largest_interval(accuracy, int(settings["interval"])))}

    def courses(self, rules: BoundSet, seed: int, settings: Settings) -> tuple[TimeCourse, ...]:
        """Return the shares of right answers and of those called familiar, by the interval at which stimuli repeat.

        The readout is that of the interval of the settings: what lies beyond shows how a rule generalises.
        """
        learnt = fixed_numbers(rules, seed, settings)
        if learnt is None:
            return ()
        rules, fixed = learnt
        intervals = np.unique(np.round(np.geomspace(1.0, 8.0 * settings["interval"], 16))).astype(np.int64)
        found = []
        for interval in intervals:
            at = {**settings, "tested": float(interval), "stimuli": max(_COURSE, 20.0 * interval)}
            ((shown, familiar),) = fresh([rules], {0: fixed}, seed, at, "vm").values()
            found.append(_scored(fixed.familiar(shown.responses[:, 0]), familiar, 0).metrics)
        times: Array = intervals.astype(np.float64)
        return tuple(
            TimeCourse(f"{what}, by interval", times, np.array([each[name] for each in found]), target)
            for name, what, target in (
                ("accuracy", "right answers", 1.0),
                ("p_true_positive", "true positives", 1.0),
                ("p_false_positive", "false positives", 0.0),
            )
        )


def constants_of(settings: Settings) -> Cell:
    """Return the constants of the published network of that size at its R_max, else those that such networks have.

    In all of them d eta lies in -7.6 to -6.6 and (1 - decay) R_max in 0.30 to 0.41, d the number of components.
    """
    components, units, interval = (int(settings[name]) for name in ("components", "units", "interval"))
    found = PUBLISHED.get((components, units))
    if found is not None and found.r_max == interval:
        return found
    return Cell(interval, 1.0 - min(0.35 / interval, 0.9), -6.9 / components)


def _scored(
    called: Flags,
    familiar: Flags,
    work: int,
    more: Mapping[str, float] | None = None,
    details: Mapping[str, tuple[float, ...]] | None = None,
) -> Trial:
    """Return the trial of what stimuli were called and what they are."""
    wrong = called != familiar
    known = int(np.sum(familiar))
    metrics = {
        "accuracy": float(1.0 - np.mean(wrong)),
        "p_true_positive": float(np.mean(called[familiar])) if known else 0.0,
        "p_false_positive": float(np.mean(called[~familiar])) if known < len(familiar) else 0.0,
        **(more or {}),
    }
    cases = tuple(2.0 * float(np.mean(wrong & which)) for which in (familiar, ~familiar))
    return Trial("ok", sum(cases) / 2.0, metrics, cases, work, details=details or {})
