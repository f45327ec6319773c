"""The losses that a front is shown with: which one of a rule, in which columns, and what they say beside rank 1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.losses import LEFT_OUT, difference

if TYPE_CHECKING:
    from rulesearch.tasks.declaration import Requirement

SPREAD = "± 95 %"
"""Heading of half the width of an interval."""
HELD_OUT = "held out"
"""Heading of losses on what was held out."""


def beside_first(members: Sequence[FrontMember], held_out_on: str, place: int = 1) -> str:
    """Return in words whether a rule is better than rank 1, by the same held-out seeds or rows; empty where unknown.

    **Arguments:** `place` of the rule among the members; 1 is rank 2.
    """
    if not 0 < place < len(members):
        return ""
    found = difference(members[place].held_out_losses, members[0].held_out_losses)
    if found is None:
        return ""
    rank = members[place].rank
    verdict = (
        "rank 1 is better" if found.low > 0.0 else f"rank {rank} is better" if found.high < 0.0 else "not told apart"
    )
    return f"loss {found.mean:+.2g} ± {found.half:.2g} (95 %) on the same {held_out_on}: {verdict}"


def spread_column(scores: Sequence[FrontMember | ReferenceScore]) -> list[float | None]:
    """Return half the widths of the intervals of held-out losses; empty where no rule has one."""
    halves = [None if each.spread is None else each.spread.half for each in scores]
    return halves if any(half is not None for half in halves) else []


def shown_loss(scored: FrontMember | ReferenceScore) -> float | None:
    """Return the held-out loss where there is one, else the loss."""
    return scored.loss if scored.held_out_loss is None else scored.held_out_loss


def died(member: FrontMember, held_out_on: str) -> bool:
    """Return whether a rule that ran to its end where it was chosen did not on what was held out.

    **Arguments:** `held_out_on`: what that is, in words; empty where nothing was held out.
    """
    return bool(held_out_on) and member.held_out_loss is None


def order_of_front(members: Sequence[FrontMember], requirements: Sequence[Requirement]) -> str:
    """Return why a larger rule stands on a front though its loss is no smaller; empty where there is no such rule."""
    losses = [each.loss for each in sorted(members, key=lambda each: each.size)]
    if not requirements or all(later < earlier for earlier, later in pairwise(losses)):
        return ""
    wanted = ", ".join(map(str, requirements))
    return f"a larger rule comes nearer to what the task asks for ({wanted}), which counts before the loss"


def loss_columns(members: Sequence[FrontMember]) -> dict[str, list[float | None]]:
    """Return the columns of losses that a front is shown with, by heading; what no rule has is left out.

    `loss` on what rules were chosen by; `held out` and half the width of its interval; `leave-one-out` where each
    measurement was predicted by the rule fitted to the others.
    """
    columns: dict[str, list[float | None]] = {
        "loss": [each.loss for each in members],
        HELD_OUT: [each.held_out_loss for each in members],
        SPREAD: spread_column(members),
        "leave-one-out": [each.metrics.get(LEFT_OUT) for each in members],
    }
    return {name: column for name, column in columns.items() if any(value is not None for value in column)}
