"""What data that chose nothing say of the rule that was chosen: does it hold there as well?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules.library import find_known
from rulesearch.tasks.task import Task
from rulesearch.wording import counted
from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.losses import LEFT_OUT, OVER_EXCHANGED, better_beyond_chance, difference


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What held-out data say of rank 1, in words; whether they refute that it does what the task asks for; and whether
    it is `idle` there: not better than the control, which must fail, or not beyond chance."""

    sentence: str
    refuted: bool = False
    idle: bool = False

    @staticmethod
    def of(
        member: FrontMember,
        references: Sequence[ReferenceScore],
        outcome: Outcome,
        task: Task,
        scored_on: str,
        held_out_on: str,
        flaw: str = "",
        tried: int = 1,
    ) -> Confirmation:
        """Judge rank 1 by its held-out losses.

        Refuted is a rule that dies there, that misses a requirement, or that does worse than it would have to; beside
        a known rule only where the paired difference is not due to chance. Where single measurements are held out, a
        rule is idle whose lead over the control may be due to chance or that a constant would beat, and so is one that
        was scored on none of them, or on such as are all the same.

        **Arguments:** `references`: the known rule and the control, scored as `member` was; `outcome` of the rule on
        the report seeds; `held_out_on`: what was held out, empty for nothing; `scored_on`: the same, empty where there
        was no time to score rules there; `flaw`: why what was held out cannot tell whether a rule has learnt anything;
        `tried`: how many distinct rules there were to choose from.
        """
        by_label = {score.label: score for score in references}
        known = by_label[task.known_rule]
        title = title_of(task)
        control = by_label.get("control")
        if not scored_on:
            begin = f"it was not scored on {held_out_on}" if held_out_on else "nothing was held out"
            return _without_held_out(begin, member, known, control, task, tried)
        loss, missed = member.held_out_loss, [item for item in task.requirements if item.shortfall(outcome.metrics)]
        if loss is None:
            why = "it has no value on some of them" if outcome.ok else f"it does not run to its end ({outcome.ended})"
            return Confirmation(f"on {held_out_on} {why}", True, True)
        idle = (
            control is not None
            and control.held_out_loss is not None
            and _rank(outcome, loss, task) >= _rank(control, control.held_out_loss, task)
        )
        if idle and control is not None:
            beside = f"loss {loss:.3g}, against {control.held_out_loss:.3g}"
            sentence = f"on {held_out_on} it does no better than {task.nothing} ({beside})"
        elif known.held_out_loss is None:
            sentence = f"on {held_out_on} its loss is {loss:.3g}"
            if known.status != "ok":
                sentence += f", and {title} does not run to its end ({known.ended})"
        else:
            sentence = f"on {held_out_on} its loss is {loss:.3g}, that of {title} {known.held_out_loss:.3g}"
        if flaw:
            sentence += f"; {flaw}, so that it may be chance"
        chance = not idle and not flaw and task.squares
        if chance and control is not None and control.held_out_loss is not None:
            sentence += f", that of {task.nothing} {control.held_out_loss:.3g}"
            # Their own mean is the best constant: what does not reach it has learnt nothing from the columns.
            worse = loss >= 1.0
            chance = worse or not better_beyond_chance(member.held_out_losses, control.held_out_losses)
            sentence += ", that of their own mean 1" if worse else "; that may be chance" if chance else ""
        if missed:
            sentence += f", and it misses {', '.join(map(str, missed))}"
        return Confirmation(sentence, bool(missed) or _worse(member, loss, known, task), idle or chance or bool(flaw))


def _rank(scored: Outcome | ReferenceScore, loss: float, task: Task) -> tuple[float, float]:
    return sum(item.shortfall(scored.metrics) for item in task.requirements), loss


def _worse(member: FrontMember, loss: float, known: ReferenceScore, task: Task) -> bool:
    if known.held_out_loss is None:
        return False
    return worse_than(known.held_out_loss, known.held_out_losses, loss, member.held_out_losses, task)


def worse_than(known: float, known_losses: Sequence[float], ours: float, losses: Sequence[float], task: Task) -> bool:
    """Return whether a loss, the mean of losses, is above what is enough beside a known one, and not by chance."""
    if ours <= task.enough(known):
        return False
    # A goal of the task's own is not measured by the known rule.
    beside = None if task.goal else difference(losses, known_losses)
    return beside is None or beside.low > 0.0


def _without_held_out(
    said: str, member: FrontMember, known: ReferenceScore, control: ReferenceScore | None, task: Task, tried: int
) -> Confirmation:
    """Judge rank 1 by what it predicts of each measurement that is left out, or by its loss where none is.

    It has found nothing where changes that are exchanged among protocols would be predicted as well by the best of as
    many rules (`Prediction.over_exchanged`).
    """
    ours, theirs = member.metrics.get(LEFT_OUT), known.metrics.get(LEFT_OUT)
    if ours is not None:
        beside = "" if theirs is None else f", that of {title_of(task)}, all its numbers fitted, {theirs:.3g}"
        said += f"; leave-one-out error {ours:.3g}{beside}"
    least = None if control is None else control.loss if ours is None else control.metrics.get(LEFT_OUT)
    found = member.loss if ours is None else ours
    if least is not None and found >= least:
        beside = f"{found:.3g}, against {least:.3g}"
        return Confirmation(f"{said}; it does no better than {task.nothing} ({beside})", True, True)
    gain = member.metrics.get(OVER_EXCHANGED)
    if gain is not None and gain <= math.log(tried):
        needed = f"must be above log({counted(tried, 'rule')}) = {math.log(tried):.3g}"
        said += f"; that may be chance: {OVER_EXCHANGED} is {gain:.3g}, and {needed}"
        return Confirmation(said, True, True)
    return Confirmation(said + ", so that it may be chance" * task.squares, idle=task.squares)


def title_of(task: Task) -> str:
    """Return what a task's known rule is called: by the task, else by its title; what has none stands for itself."""
    known = find_known(task.known_rule)
    return task.known_title or (known.title if known else task.known_rule)
