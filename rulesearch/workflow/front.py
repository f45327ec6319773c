"""The front of a run: its rules with their losses, what they are beside, and the table that is written of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rulesearch.evaluation.outcome import ended
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import Verdict, by_rule
from rulesearch.workflow.losses import Estimate, difference, estimate, interval

_VERDICTS_SHOWN = 3
_UNLIKE = "different from all known rules"
_COLUMNS = ["rank", "size", "loss", "held_out_loss", "held_out_low", "held_out_high", "verdict", "nearest", "rule"]


@dataclass(frozen=True, slots=True)
class FrontMember:
    """A rule of the front.

    **Fields:** `rank`: 1 is the recommended rule; `size`: canonical; `loss` on what rules are chosen by;
    `held_out_loss` on what chose nothing (see `Run.held_out_on`), None where nothing is held out, and
    `held_out_losses` by seed or row; `metrics` on report seeds; `verdicts`, nearest first, of a set on the whole and
    then on each of its rules; `steps` of its clean-up;
    `source`: fingerprint of the candidate that was cleaned up; `at_edge`: the range of each constant that stands at an
    edge of it; `failed_on`: of the report seeds, where it ran to its end on some of them only, `3 of 10 seeds`.
    """

    rank: int
    rules: RuleSet
    size: int
    loss: float
    held_out_loss: float | None
    metrics: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    steps: tuple[str, ...] = ()
    source: str = ""
    held_out_losses: tuple[float, ...] = ()
    at_edge: Mapping[str, str] = field(default_factory=dict)
    failed_on: str = ""

    @property
    def spread(self) -> Estimate | None:
        """The held-out loss with its 95 % interval; None where it is not a mean over several seeds or rows."""
        return estimate(self.held_out_losses)

    @property
    def nearest(self) -> Verdict | None:
        """The verdict on the nearest known rule; None where none has anything in common with this one."""
        return _nearest(self.verdicts_on(""))

    @property
    def nearest_by_rule(self) -> dict[str, Verdict | None]:
        """Of a set, the verdict on the known rule that is nearest to each of its rules that are not given.

        Empty for a single rule.
        """
        names = self.rules.searched if len(self.rules.rules) > 1 else ()
        return {name: _nearest(self.verdicts_on(name)) for name in names}

    def verdicts_on(self, name: str) -> tuple[Verdict, ...]:
        """Return the verdicts on a rule of a set by its name, on the whole where that is empty; nearest first."""
        return tuple(by_rule(self.verdicts).get(name, ()))

    @property
    def relations(self) -> dict[str, str]:
        """What this rule is beside known ones: `equal: Oja 1982`, or which is nearest; empty if none was asked.

        That of the whole stands under an empty name; of a set those of its rules by their names.
        """
        parts = self.nearest_by_rule
        near = {"": self.nearest, **parts} if self.verdicts else {}
        unlike = {"": "different from all known sets"} if parts else {}
        return {name: each.relation if each else unlike.get(name, _UNLIKE) for name, each in near.items()}

    @property
    def compared(self) -> str:
        """The relations as one text; of a set that of the whole where it has anything in common with a known set."""
        whole, *parts = self.relations.items() or [("", "")]
        if not parts:
            return whole[1]
        said = [text for _, text in [whole] * (self.nearest is not None)] + [f"{name} {text}" for name, text in parts]
        return "; ".join(text.replace("; ", ", ") for text in said)

    @property
    def known_as(self) -> str:
        """One sentence on the nearest known rule; of a set that is like no known one, on that of each of its rules."""
        if self.nearest is not None and (self.nearest.verdict != "different" or not self.nearest_by_rule):
            return self.nearest.summary
        near = self.nearest_by_rule.items()
        return "; ".join(f"{name}: {_UNLIKE if each is None else each.summary}" for name, each in near) or _UNLIKE


def _nearest(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    return verdicts[0] if verdicts and verdicts[0].says_something else None


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """How a rule did on the report seeds: a known rule beside the front, or rank 1 under other conditions.

    **Fields:** `held_out_loss`, `held_out_losses` and `failed_on` as of `FrontMember`; `metrics` are means over the
    seeds on which it ran to its end.
    """

    label: str
    rules: RuleSet
    status: str
    loss: float | None
    metrics: Mapping[str, float]
    held_out_loss: float | None = None
    held_out_losses: tuple[float, ...] = ()
    failed_on: str = ""

    @property
    def spread(self) -> Estimate | None:
        """The held-out loss with its 95 % interval; None where it is not a mean over several seeds or rows."""
        return estimate(self.held_out_losses)

    @property
    def ended(self) -> str:
        """The status, with the number of seeds on which the rule did not run to its end where it did on others."""
        return ended(self.status, self.failed_on)

    def metric(self, name: str) -> float | None:
        """Return a metric to be shown beside those of others; None where it is not over the same seeds."""
        return None if self.failed_on else self.metrics.get(name)


def member_json(member: FrontMember, first: FrontMember) -> dict[str, Any]:
    """Return a rule of a front as the document of `discover --json` has it; `first` is rank 1."""
    return {
        "rank": member.rank,
        "rule": str(member.rules),
        "latex": member.rules.latex(),
        "size": member.size,
        "loss": member.loss,
        "held_out_loss": member.held_out_loss,
        "held_out_interval": interval(member.spread),
        "minus_rank_1": _minus(member, first),
        "metrics": dict(member.metrics),
        "at_edge": dict(member.at_edge),
        **failures_json(member),
        "verdicts": [
            _of_rule(v) | {"rule": v.rule, "verdict": v.verdict, "scale": v.scale, "coefficients": dict(v.coefficients)}
            for name in ("", *member.nearest_by_rule)
            for v in member.verdicts_on(name)[:_VERDICTS_SHOWN]
        ],
    }


def _of_rule(verdict: Verdict) -> dict[str, Any]:
    """Return which rule of a set a verdict is on; nothing where it is on the whole."""
    return {"name": verdict.name} if verdict.name else {}


def _minus(member: FrontMember, first: FrontMember) -> dict[str, Any] | None:
    """Return the mean difference of the held-out losses of two rules on the same seeds or rows, with its interval."""
    found = None if member is first else difference(member.held_out_losses, first.held_out_losses)
    return None if found is None else {"mean": found.mean, "interval": interval(found), "pairs": found.count}


def reference_json(score: ReferenceScore) -> dict[str, Any]:
    """Return how a reference did as the document of `discover --json` has it."""
    return {
        "label": score.label,
        "rule": str(score.rules),
        "status": score.status,
        "loss": score.loss,
        "held_out_loss": score.held_out_loss,
        "held_out_interval": interval(score.spread),
        "metrics": dict(score.metrics),
        **failures_json(score),
    }


def failures_json(scored: FrontMember | ReferenceScore) -> dict[str, str]:
    """Return on how many report seeds a rule did not run to its end; nothing where that is none or all of them."""
    return {"failed_on": scored.failed_on} if scored.failed_on else {}


def front_rows(members: tuple[FrontMember, ...]) -> list[dict[str, Any]]:
    """Return one row per rule: rank, size, losses, metrics, verdict (of a set also those on its rules), rule text."""
    names = list(dict.fromkeys(name for member in members for name in member.metrics))
    rows = []
    for member in members:
        rows.append(
            {
                "rank": member.rank,
                "size": member.size,
                "loss": member.loss,
                "held_out_loss": member.held_out_loss,
                "held_out_low": None if member.spread is None else member.spread.low,
                "held_out_high": None if member.spread is None else member.spread.high,
                **{name: member.metrics.get(name) for name in names},
                **_compared_cells(member),
                "rule": str(member.rules),
            }
        )
    return rows


def _compared_cells(member: FrontMember) -> dict[str, str]:
    """Return `verdict` and `nearest`; of a set also `lateral_verdict`, `lateral_nearest`, and so on.

    A set as a whole that has nothing in common with any known one has no nearest.
    """
    cells: dict[str, str] = {}
    parts = member.nearest_by_rule
    for name in ("", *parts):
        first = next(iter(member.verdicts_on(name)), None)
        near = first if name or not parts else member.nearest
        found = {"verdict": first.verdict if first else "", "nearest": near.rule if near else ""}
        cells |= {f"{name}_{key}" if name else key: value for key, value in found.items()}
    return cells


def front_csv(members: tuple[FrontMember, ...]) -> str:
    """Return the front as CSV; numbers are written so that they read back exactly."""
    rows = front_rows(members)
    stream = io.StringIO()
    fields = list(rows[0]) if rows else _COLUMNS
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: repr(value) if isinstance(value, float) else value for key, value in row.items()})
    return stream.getvalue()
