"""What tasks have in common whose weights change at spikes only: slots, traces, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import CUSTOMARY_TAU, Trace
from rulesearch.tasks.declaration import TaskSymbol
from rulesearch.tasks.task import Task

TRACES: Mapping[str, TaskSymbol] = {
    "x": TaskSymbol("trace of the presynaptic spikes", "", Trace("pre", CUSTOMARY_TAU)),
    "y": TaskSymbol("trace of the postsynaptic spikes", "", Trace("post", CUSTOMARY_TAU)),
    "x2": TaskSymbol("slow trace of the presynaptic spikes", "", Trace("pre", 0.1)),
    "y2": TaskSymbol("slow trace of the postsynaptic spikes", "", Trace("post", 0.1)),
}
"""A fast and a slow trace of either side, all-to-all."""


class SpikeTask(Task):
    """A task whose rules have `on_pre`, `on_post` and traces."""

    slots: ClassVar[tuple[str, ...]] = ("on_pre", "on_post")
    bare_slot: ClassVar[str] = "drift"

    def check(self, rules: RuleSet) -> None:
        """Refuse rules that move between spikes, read states other than traces, or bring magnitudes below 0.

        **Raises:** `RulesearchError`.
        """
        for rule in rules.rules.values():
            if "drift" in rule.slots:
                raise RulesearchError(
                    f"task {self.name} changes weights at spikes only; say at which: "
                    "on_pre: y - 0.25; on_post: x (found an expression without a slot, or a drift)"
                )
            if self.bounds[0] == 0.0 and rule.bounds is not None and rule.bounds[0] < 0.0:
                raise RulesearchError(
                    f"weights of task {self.name} are magnitudes; found the lower bound {rule.bounds[0]:g}: "
                    f"type bounds = [0, {rule.bounds[1]:g}]"
                )
            for name, state in rule.states.items():
                if name in rule.symbols and not isinstance(state, Trace):
                    raise RulesearchError(
                        f"task {self.name} has traces only; found the state {name}: type {name} = trace(pre, 20 ms)"
                    )
        super().check(rules)
