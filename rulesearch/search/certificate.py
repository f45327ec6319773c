"""What an exhaustive search may claim, with everything that the claim rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rulesearch.expression.operators import Operator
from rulesearch.grammar import Grammar
from rulesearch.wording import counted


@dataclass(slots=True)
class Certificate:
    """How far an exhaustive search came.

    **Fields:** `fixed` and `open`: numbers of distinct functions by size, without and with constants (time constants
    that are searched are such), of the sizes that are complete; `fitted`: of how many of the latter each constant was
    fitted; `solved`: size of the smallest rule that reached `threshold` on the search seeds, None where
    none did; `threshold`: the loss that solves the task, None where the baseline did not run; `budget`: how constants
    were sought; `begun`: how many rules of the first size that is not complete were tried.
    """

    grammar: Grammar
    task: str
    budget: str
    threshold: float | None
    fixed: dict[int, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    fitted: dict[int, int] = field(default_factory=dict)
    solved: int | None = None
    begun: int = 0

    @property
    def complete(self) -> int:
        """The largest size up to which every distinct function was tried."""
        return max(self.fixed, default=0)

    @property
    def _what(self) -> str:
        return "rule" if len(self.grammar.rules) == 1 else "set of rules"

    def functions(self, size: int) -> int:
        """Number of distinct functions of at most so many nodes."""
        return _up_to(size, self.fixed) + _up_to(size, self.open)

    def claim(self, solved: int | None) -> str:
        """Return the claim in a sentence: that there is none of a size is said where no constant could be otherwise.

        **Arguments:** `solved`: size of the smallest rule that solves the task on other seeds too, None for none.
        """
        if self.threshold is None or not self.functions(self.complete):
            return f"no size was exhausted, nothing is certified about {self.task}"
        sizes = [size for size in (self.solved, solved) if size is not None]
        below = min([self.complete, *(size - 1 for size in sizes)])
        if not self.functions(below):
            return f"there is no {self._what} smaller than that in grammar {self.grammar.name}"
        fewer = sizes and below < self.complete
        size = f"fewer than {below + 1} nodes" if fewer else f"up to {counted(below, 'node')}"
        place, solves = f"in grammar {self.grammar.name}", f"solves task {self.task}"
        fixed, open_ = (_up_to(below, counts) for counts in (self.fixed, self.open))
        if open_:
            fitted = _up_to(below, self.fitted)
            tried = f"the {counted(1, 'function')}" if fixed == 1 else f"all {counted(fixed, 'function')}"
            text = (
                f"no {self._what} of {size} was found {place} that {solves}: {tried} without constants {_were(fixed)} "
                f"tried, and {counted(open_, 'structure')} with constants, of which {fitted:,} {_were(fitted)} fitted"
            )
        else:
            text = f"no {self._what} of {size} {place} {solves} ({counted(fixed, 'distinct function')}, all tried)"
        if below < self.complete:
            text += f"; {self.functions(self.complete):,} of up to {counted(self.complete, 'node')} were tried"
        return text + f"; those of {self._next}" * bool(self.begun)

    @property
    def _next(self) -> str:
        """What was tried of the first size that is not complete."""
        return f"{counted(self.complete + 1, 'node')} were tried in part ({counted(self.begun, 'evaluation')})"

    def basis(self) -> tuple[tuple[str, str], ...]:
        """Return what the claim rests on, as pairs of a word and its meaning."""
        heads = [each.template.head for made in self.grammar.productions.values() for each in made if each.text]
        operators = dict.fromkeys(head.name for head in heads if isinstance(head, Operator))
        ranges = [f"{kind} in [{prior.low:g}, {prior.high:g}]" for kind, prior in self.grammar.constants.items()]
        complete = self.complete
        without = sum(self.fixed.values())
        tried = f"{counted(without, 'function')} without constants, of up to {counted(complete, 'node')}"
        if not complete:
            tried = "no size: the search ended before"
        elif not self.functions(complete):
            tried = f"no size: no {self._what} has at most {counted(complete, 'node')}"
        facts = [
            ("operators", ", ".join(operators)),
            ("symbols", ", ".join(self.grammar.symbols)),
            ("exhaustive", tried),
        ]
        if self.begun:
            facts.append(("begun", f"rules of {self._next}, and nothing is claimed of them"))
        with_constants = sum(self.open.values())
        if self.grammar.constants and not with_constants:
            facts.append(("not exhaustive", "structures with constants, of which none is that small"))
        elif self.grammar.constants:
            facts.append(
                (
                    "not exhaustive",
                    f"{counted(with_constants, 'structure')} with constants {', '.join(ranges)}, "
                    f"{sum(self.fitted.values()):,} of them fitted; {self.budget}; those that are equal where all "
                    "constants of a kind are equal count once",
                )
            )
        limit = (
            "none: the baseline did not run" if self.threshold is None else f"a loss of at most {self.threshold:.6g}"
        )
        facts.append(("solves", f"{limit}, which is as good as the known rule's on the same seeds"))
        return tuple(facts)

    def to_json(self) -> Mapping[str, object]:
        """Return the numbers, for `discover --json`."""
        return {
            "grammar": self.grammar.name,
            "complete_to": self.complete,
            "functions": self.functions(self.complete),
            "functions_without_constants": {str(size): number for size, number in self.fixed.items()},
            "structures_with_constants": {str(size): number for size, number in self.open.items()},
            "fitted": {str(size): number for size, number in self.fitted.items()},
            "begun": {str(self.complete + 1): self.begun} if self.begun else {},
            "threshold": self.threshold,
            "basis": dict(self.basis()),
        }


def _up_to(size: int, counts: Mapping[int, int]) -> int:
    return sum(number for each, number in counts.items() if each <= size)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
