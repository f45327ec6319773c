"""Genomes: typed trees by (rule, slot), and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deap import gp

from rulesearch.expression.tree import Expression
from rulesearch.grammar import RuleName, RuleSlot


class Filled(NamedTuple):
    """A slot that is not empty: its place in the genome, and its tree."""

    slot: int
    tree: gp.PrimitiveTree


class Genome(tuple[gp.PrimitiveTree | None, ...]):
    """One tree per (rule, slot) of the grammar, None for an empty slot, and the time constants that are searched.

    **Fields:** `times` [s]: time constant by (rule, symbol), also of symbols that no tree reads just now.
    """

    times: Mapping[RuleName, float]

    def __new__(cls, trees: Iterable[gp.PrimitiveTree | None], times: Mapping[RuleName, float]) -> Genome:
        made = super().__new__(cls, trees)
        made.times = times
        return made

    @property
    def filled(self) -> list[Filled]:
        """The slots that are not empty, in order."""
        return [Filled(slot, tree) for slot, tree in enumerate(self) if tree is not None]


class ConstantTerminal(gp.Terminal):  # type: ignore[misc]
    """A constant of a kind that the grammar declares, with its value."""

    __slots__ = ("kind",)

    def __init__(self, kind: str, value: float, ret: type) -> None:
        super().__init__(value, False, ret)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a genome says, without the values of its constants.

    **Fields:** `slots`: expression by (rule, slot), the constants of each rule named c1, c2, ... in order of
    appearance; `names`, `values` and `kinds` of the constants of all rules, in that order; `times`: searched time
    constants [s] of the symbols that are read, by (rule, symbol).
    """

    slots: Mapping[RuleSlot, Expression]
    names: tuple[RuleName, ...]
    values: tuple[float, ...]
    kinds: tuple[str, ...]
    times: Mapping[RuleName, float]
