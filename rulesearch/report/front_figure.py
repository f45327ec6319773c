"""The front of a run: loss against size, with the equations, and other rules as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from rulesearch.errors import RulesearchError
from rulesearch.export.equations import slot_equations
from rulesearch.report.style import BLUE, COLOURS, GREY, RED, draws, new_figure, panel
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import canonical_size
from rulesearch.workflow.shown_losses import shown_loss

if TYPE_CHECKING:
    from rulesearch.workflow.evidence import KnownScore
    from rulesearch.workflow.front import FrontMember
    from rulesearch.workflow.run import Run

Array = npt.NDArray[np.float64]

_MARKS = ("s", "^", "D", "v", "P", "X", "<", ">")
_LABEL_HEIGHT = 0.075
_INSET = 0.03
_SMALLEST_FONT = 5.0
_LABEL_ROOM = 0.97


def front_figure(run: Run) -> Figure:
    """Return loss against size of the rules on the front, held out where it was scored, and the references' losses.

    **Raises:** `RulesearchError` where the front is empty.
    """
    if not run.members:
        raise RulesearchError(f"{run.folder} has no rule on its front; there is nothing to draw")
    members = sorted(run.members, key=lambda member: member.size)
    figure = new_figure(9.6, max(4.2, 0.33 * sum(len(m.rules.rules) for m in members) + 1.6))
    figure.suptitle(
        f"{plain(run.experiment.name)}, seed {run.experiment.seed}: {run.distinct:,} distinct rules tried", fontsize=10
    )
    axes, column = figure.subplots(1, 2, width_ratios=(1.0, 1.0))
    panel(axes, "size (nodes)", "loss")
    sizes = [member.size for member in members]
    shown = _draw_front(axes, run, members)
    best = run.members[0]
    axes.plot(best.size, shown[members.index(best)], "*", color=RED, markersize=13, label="rank 1", zorder=5)
    losses = [*shown, *(member.loss for member in members)]
    lines = ["--", ":", "-.", (0, (5, 1)), (0, (1, 1))]
    scored = [(score.label, loss) for score in run.references if (loss := shown_loss(score)) is not None]
    for (label, loss), style, colour in zip(scored, lines, COLOURS[2:], strict=False):
        axes.axhline(loss, linestyle=style, color=colour, linewidth=1.3, label=f"{plain(label)}: {loss:.3g}")
        losses.append(loss)
    _log_axis(axes, np.array(losses))
    axes.set_xticks(sorted(set(sizes)))
    axes.margins(x=0.08)
    figure.legend(fontsize=7.5, frameon=False, loc="outside lower center", ncols=3)
    _equations(figure, axes, column, members, shown)
    return figure


def front_panel(run: Run, known: Sequence[KnownScore] = ()) -> Figure:
    """Return loss against size for a page: each point a link to `#rule-RANK`, known rules on the same axes."""
    members = sorted(run.members, key=lambda member: member.size)
    figure = new_figure(7.4, 4.3)
    axes = panel(figure.subplots(), "size (nodes)", "loss")
    shown = _draw_front(axes, run, members)
    held_out = any(member.held_out_loss is not None for member in members)
    losses = [*shown, *(member.loss for member in members)]
    # What is given is counted of none of them, or sizes were not those of the same rules.
    beside = [
        (each.label, canonical_size(replace(each.rules, given=run.given)), shown_loss(each)) for each in run.references
    ]
    beside += [(each.title, each.size, each.loss) for each in known]
    for (name, size, loss), mark, colour in zip(_scored(beside), _MARKS, COLOURS[2:] * 2, strict=False):
        axes.plot(size, loss, mark, color=colour, markersize=8, markerfacecolor="none", label=plain(name), zorder=3)
        losses.append(loss)
    for member, loss in zip(members, shown, strict=True):
        look: dict[str, Any] = {"marker": "o", "color": BLUE, "markersize": 8}
        if member.rank == 1:
            look = {"marker": "*", "color": RED, "markersize": 14, "label": "rank 1"}
        if held_out and member.held_out_loss is None:
            look["markerfacecolor"] = "white"
        (point,) = axes.plot(member.size, loss, linestyle="", zorder=5, **look)
        point.set_url(f"#rule-{member.rank}")
    _log_axis(axes, np.array(losses))
    axes.margins(x=0.08, y=0.12)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=2)
    return figure


def _draw_front(axes: Any, run: Run, members: list[FrontMember]) -> list[float]:
    """Draw the front on the losses it was chosen by, and on those held out with their intervals.

    **Returns:** what stands out: the held-out loss of each rule where there is one.
    """
    chosen_on, held_out_on = plain(run.chosen_on), plain(run.held_out_on)
    sizes = [member.size for member in members]
    rows = [(each.size, each.held_out_loss, each.spread) for each in members if each.held_out_loss is not None]
    if rows:
        halves = [0.0 if spread is None else spread.half for _, _, spread in rows]
        label = f"front, {held_out_on} (bars: 95 % of the mean)" if any(halves) else f"front, {held_out_on}"
        places, losses = [size for size, _, _ in rows], [loss for _, loss, _ in rows]
        axes.errorbar(places, losses, halves, fmt="none", ecolor=BLUE, elinewidth=1.0, capsize=2)
        axes.plot(places, losses, "o-", color=BLUE, linewidth=1.0, label=label)
    chosen = {"linestyle": "", "markerfacecolor": "none"} if rows else {"linestyle": "-", "linewidth": 1.0}
    label = f"front, {chosen_on}"
    axes.plot(sizes, [member.loss for member in members], marker="o", color=BLUE, label=label, **chosen)
    axes.set_ylabel(f"loss on {held_out_on if rows else chosen_on}", fontsize=9)
    return [each.loss if each.held_out_loss is None else each.held_out_loss for each in members]


def _scored(rows: list[tuple[str, int, float | None]]) -> list[tuple[str, int, float]]:
    """Return the known rules that ran to their end, the best first."""
    return sorted(
        ((name, size, loss) for name, size, loss in rows if loss is not None), key=lambda row: (row[2], row[0])
    )


def plain(text: str) -> str:
    """Return text in which a dollar sign begins no mathematics."""
    return text.replace("$", r"\$")


def _log_axis(axes: Any, losses: Array) -> None:
    positive = losses[losses > 0]
    if positive.size == losses.size:
        axes.set_yscale("log")
    elif positive.size:
        axes.set_yscale("symlog", linthresh=float(positive.min()))


def _equations(figure: Figure, axes: Any, column: Any, members: list[FrontMember], shown: list[float]) -> None:
    """Write the equations in a column beside the panel, at the heights of their points, joined by thin lines."""
    column.set_axis_off()
    column.set_xlim(0.0, 1.0)
    column.set_ylim(0.0, 1.0)
    figure.draw_without_rendering()
    to_column = axes.transData + column.transAxes.inverted()
    wanted = np.array([to_column.transform((m.size, loss))[1] for m, loss in zip(members, shown, strict=True)])
    lines = max(len(member.rules.rules) for member in members)
    # Half of what stands above and below the first line of the highest and the lowest equation.
    inset = _INSET * (lines - 1)
    share = 1.0 - 2.0 * inset
    heights = inset + share * spaced((wanted - inset) / share, _gap(len(members), lines))
    for member, loss, height in zip(members, shown, heights, strict=True):
        colour = RED if member.rank == 1 else "black"
        text = column.text(0.03, height, equation(member.rules, "\n"), fontsize=9, va="center", color=colour)
        # Room is made for the panels, and equations are made to fit it.
        text.set_in_layout(False)
        _fit(column, text)
        line = column.annotate(
            "",
            xy=(member.size, loss),
            xycoords=axes.transData,
            xytext=(0.02, height),
            textcoords=column.transAxes,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkB": 5},
            annotation_clip=False,
        )
        line.set_in_layout(False)


def _gap(number: int, lines: int = 1) -> float:
    return min(_LABEL_HEIGHT * lines, 1.0 / max(number, 1))


def spaced(wanted: Array, gap: float) -> Array:
    """Return heights near the wanted ones, in their order, at least `gap` apart, and within 0 to 1 where that fits."""
    order = np.argsort(wanted, kind="stable")
    heights = np.clip(wanted[order], 0.0, 1.0)
    for index in range(1, len(heights)):
        heights[index] = max(heights[index], heights[index - 1] + gap)
    if len(heights) and heights[-1] > 1.0:
        heights[-1] = 1.0
        for index in range(len(heights) - 2, -1, -1):
            heights[index] = min(heights[index], heights[index + 1] - gap)
    placed: Array = np.empty_like(heights)
    placed[order] = heights
    return placed


def equation(rules: RuleSet, between: str = ";  ") -> str:
    """Return the equations of rules on one line, as mathematics where it can be drawn.

    **Arguments:** `between` the rules of a set.
    """
    parts = []
    for name, rule in rules.rules.items():
        label = f"{name}: " if len(rules.rules) > 1 else ""
        slots = slot_equations(rule, digits=3, with_values=True, line=1e9)
        parts.append(label + ";  ".join(f"${left} = {lines[0]}$" for left, lines in slots))
    return between.join(parts) if draws(parts) else str(rules)


def _fit(column: Any, text: Any) -> None:
    """Make the letters smaller until the text fits its column; where even small letters do not, cut its lines."""
    room = column.get_window_extent().width * _LABEL_ROOM
    width = text.get_window_extent().width
    if width <= room:
        return
    size = text.get_fontsize() * room / width
    text.set_fontsize(max(size, _SMALLEST_FONT))
    if size < _SMALLEST_FONT:
        whole = text.get_text()
        text.set_text(whole if "$" not in whole else whole.replace("$", ""))
        while text.get_window_extent().width > room:
            lines = text.get_text().split("\n")
            longest = max(range(len(lines)), key=lambda place: len(lines[place]))
            if len(lines[longest]) <= 8:
                return
            lines[longest] = lines[longest][:-8].rstrip(". ") + " ..."
            text.set_text("\n".join(lines))
