"""A run folder: what a search found, read from its store and written as a table."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.records import is_run, reading
from rulesearch.rules.json_format import rules_from_json, rules_to_json
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import Verdict
from rulesearch.tasks.task import Task
from rulesearch.workflow.experiment import Experiment, read_experiment
from rulesearch.workflow.kept_task import described_task
from rulesearch.workflow.losses import Estimate, difference, estimate, interval

if TYPE_CHECKING:
    import pandas

_VERDICTS_SHOWN = 3
_COLUMNS = ["rank", "size", "loss", "held_out_loss", "held_out_low", "held_out_high", "verdict", "nearest", "rule"]


@dataclass(frozen=True, slots=True)
class FrontMember:
    """A rule of the front.

    **Fields:** `rank`: 1 is the recommended rule; `size`: canonical; `loss` on what rules are chosen by;
    `held_out_loss` on what chose nothing (see `Run.held_out_on`), None where nothing is held out, and
    `held_out_losses` by seed or row; `metrics` on report seeds; `verdicts`, nearest first; `steps` of its clean-up;
    `source`: fingerprint of the candidate that was cleaned up; `at_edge`: the range of each constant that stands at an
    edge of it.
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

    @property
    def spread(self) -> Estimate | None:
        """The held-out loss with its 95 % interval; None where it is not a mean over several seeds or rows."""
        return estimate(self.held_out_losses)

    @property
    def nearest(self) -> Verdict | None:
        """The verdict on the nearest known rule; None where none has anything in common with this one."""
        first = self.verdicts[0] if self.verdicts else None
        return None if first is None or (first.verdict == "different" and first.distance >= 1.0) else first

    @property
    def compared(self) -> str:
        """What this rule is beside known ones: `equal: Oja 1982`, or which is nearest; empty if none was asked."""
        if not self.verdicts:
            return ""
        if self.nearest is None:
            return "different from all known rules"
        return self.nearest.relation


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """How a rule did on the report seeds: a known rule beside the front, or rank 1 under other conditions.

    **Fields:** `held_out_loss` and `held_out_losses` as of `FrontMember`.
    """

    label: str
    rules: RuleSet
    status: str
    loss: float | None
    metrics: Mapping[str, float]
    held_out_loss: float | None = None
    held_out_losses: tuple[float, ...] = ()

    @property
    def spread(self) -> Estimate | None:
        """The held-out loss with its 95 % interval; None where it is not a mean over several seeds or rows."""
        return estimate(self.held_out_losses)


@dataclass(frozen=True, slots=True)
class Run:
    """What a search found.

    **Fields:** `status`: `done`, `stopped` (by time or loss) or `interrupted`; `evaluations`: all simulations of
    candidates; `distinct`: distinct functions at full fidelity; `seconds` of wall time; `members` by rank;
    `references`; `conditions`: rank 1 on other inputs; `deaths`: evaluations by status;
    `certificate` of an exhaustive search: what its claim rests on; `permuted`: the empirical p of the best loss
    against searches on permuted targets, and their losses; `effort`: what the engine took, without the clean-up:
    evaluations, distinct functions, duplicates, distinct functions up to the first that did as well as the known rule,
    simulated time, counted work, wall time [s]; `chosen_on` and `held_out_on`: what losses and held-out losses of the
    front are over, in words, the second empty where nothing is held out; `solved`: whether rank 1 does what the task
    asks for, both where it was chosen and on what is held out; `recommended`: whether it does better there than the
    control; `clean_up`: what was done to the rules of the search, and what became of the best one (see `Account`).
    """

    folder: Path
    experiment: Experiment
    status: str
    evaluations: int
    distinct: int
    seconds: float
    conclusion: str
    members: tuple[FrontMember, ...]
    references: tuple[ReferenceScore, ...] = ()
    conditions: tuple[ReferenceScore, ...] = ()
    deaths: Mapping[str, int] | None = None
    certificate: Mapping[str, Any] | None = None
    permuted: Mapping[str, Any] | None = None
    effort: Mapping[str, Any] | None = None
    chosen_on: str = "selection seeds"
    held_out_on: str = "held-out seeds"
    solved: bool = False
    recommended: bool = False
    clean_up: Mapping[str, Any] | None = None

    @property
    def task(self) -> Task:
        """What the task of the run is, as far as it is told here; a file that the run brings along is never run.

        **Raises:** `RulesearchError` where nothing is told.
        """
        return described_task(self.folder, self.experiment.task)

    @property
    def front(self) -> pandas.DataFrame:
        """The front as a table, one row per rule, by rank."""
        import pandas

        return pandas.DataFrame(front_rows(self.members))

    def _repr_html_(self) -> str:
        from rulesearch.report.notebook import run_html

        return run_html(self)

    def member(self, rank: int) -> FrontMember:
        """Return the rule of a rank.

        **Raises:** `RulesearchError` where there is none.
        """
        for member in self.members:
            if member.rank == rank:
                return member
        raise RulesearchError(f"{self.folder} has {len(self.members)} rules on its front; there is no rank {rank}")

    def to_json(self) -> dict[str, Any]:
        """Return the run as the document of `discover --json`."""
        return {
            "run": str(self.folder),
            "experiment": self.experiment.name,
            "task": self.experiment.task,
            "engine": self.experiment.engine,
            "seed": self.experiment.seed,
            "status": self.status,
            "evaluations": self.evaluations,
            "distinct": self.distinct,
            "seconds": round(self.seconds, 3),
            "conclusion": self.conclusion,
            "solved": self.solved,
            "recommended": self.recommended,
            "chosen_on": self.chosen_on,
            "held_out_on": self.held_out_on,
            "front": [
                {
                    "rank": member.rank,
                    "rule": str(member.rules),
                    "latex": member.rules.latex(),
                    "size": member.size,
                    "loss": member.loss,
                    "held_out_loss": member.held_out_loss,
                    "held_out_interval": interval(member.spread),
                    "minus_rank_1": _minus(member, self.members[0]),
                    "metrics": dict(member.metrics),
                    "at_edge": dict(member.at_edge),
                    "verdicts": [
                        {"rule": v.rule, "verdict": v.verdict, "scale": v.scale, "coefficients": dict(v.coefficients)}
                        for v in member.verdicts[:_VERDICTS_SHOWN]
                    ],
                }
                for member in self.members
            ],
            "references": [_reference_json(score) for score in self.references],
            "conditions": [_reference_json(score) for score in self.conditions],
            **({"certificate": dict(self.certificate)} if self.certificate else {}),
            **({"permuted": dict(self.permuted)} if self.permuted else {}),
            **({"effort": dict(self.effort)} if self.effort else {}),
            **({"clean_up": dict(self.clean_up)} if self.clean_up else {}),
        }

    @staticmethod
    def open(folder: str | Path) -> Run:
        """Read a run folder.

        **Raises:** `RulesearchError` where it holds no concluded run.
        """
        path = Path(folder)
        with reading(path) as records:
            text = records.fact("summary")
            if text is None:
                raise RulesearchError(f"{path} was cut off before it ended; go on with: rulesearch resume {path}")
            return _from_summary(path, read_experiment(path / "experiment.toml"), json.loads(text))


def _minus(member: FrontMember, first: FrontMember) -> dict[str, Any] | None:
    """Return the mean difference of the held-out losses of two rules on the same seeds or rows, with its interval."""
    found = None if member is first else difference(member.held_out_losses, first.held_out_losses)
    return None if found is None else {"mean": found.mean, "interval": interval(found), "pairs": found.count}


def _reference_json(score: ReferenceScore) -> dict[str, Any]:
    return {
        "label": score.label,
        "rule": str(score.rules),
        "status": score.status,
        "loss": score.loss,
        "held_out_loss": score.held_out_loss,
        "held_out_interval": interval(score.spread),
        "metrics": dict(score.metrics),
    }


def front_rows(members: tuple[FrontMember, ...]) -> list[dict[str, Any]]:
    """Return one row per rule: rank, size, losses, metrics, verdict, rule text."""
    names = list(dict.fromkeys(name for member in members for name in member.metrics))
    rows = []
    for member in members:
        nearest = member.verdicts[0] if member.verdicts else None
        rows.append(
            {
                "rank": member.rank,
                "size": member.size,
                "loss": member.loss,
                "held_out_loss": member.held_out_loss,
                "held_out_low": None if member.spread is None else member.spread.low,
                "held_out_high": None if member.spread is None else member.spread.high,
                **{name: member.metrics.get(name) for name in names},
                "verdict": nearest.verdict if nearest else "",
                "nearest": nearest.rule if nearest else "",
                "rule": str(member.rules),
            }
        )
    return rows


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


def summary_text(run: Run) -> str:
    """Return what `Run.open` reads back."""
    document = {
        "status": run.status,
        "evaluations": run.evaluations,
        "distinct": run.distinct,
        "seconds": run.seconds,
        "conclusion": run.conclusion,
        "solved": run.solved,
        "recommended": run.recommended,
        "chosen_on": run.chosen_on,
        "held_out_on": run.held_out_on,
        "members": [
            {
                **{name: getattr(member, name) for name in ("rank", "size", "loss", "held_out_loss")},
                "rules": rules_to_json(member.rules),
                "metrics": dict(member.metrics),
                "verdicts": [asdict(verdict) for verdict in member.verdicts],
                "steps": member.steps,
                "source": member.source,
                "held_out_losses": member.held_out_losses,
                "at_edge": dict(member.at_edge),
            }
            for member in run.members
        ],
        "references": [_score_fields(score) for score in run.references],
        "conditions": [_score_fields(score) for score in run.conditions],
        "deaths": dict(run.deaths or {}),
        "certificate": dict(run.certificate) if run.certificate else None,
        "permuted": dict(run.permuted) if run.permuted else None,
        "effort": dict(run.effort) if run.effort else None,
        "clean_up": dict(run.clean_up) if run.clean_up else None,
    }
    return json.dumps(document)


def _score_fields(score: ReferenceScore) -> dict[str, Any]:
    return {
        **_reference_json(score),
        "rule": rules_to_json(score.rules),
        "held_out_losses": score.held_out_losses,
    }


def _from_summary(folder: Path, experiment: Experiment, document: Mapping[str, Any]) -> Run:
    members = tuple(
        FrontMember(
            fields["rank"],
            rules_from_json(fields["rules"]),
            fields["size"],
            fields["loss"],
            fields["held_out_loss"],
            fields["metrics"],
            tuple(Verdict(**verdict) for verdict in fields["verdicts"]),
            tuple(fields["steps"]),
            fields.get("source", ""),
            tuple(fields.get("held_out_losses", ())),
            fields.get("at_edge", {}),
        )
        for fields in document["members"]
    )
    scores = {
        key: tuple(
            ReferenceScore(
                item["label"],
                rules_from_json(item["rule"]),
                item["status"],
                item["loss"],
                item["metrics"],
                item.get("held_out_loss"),
                tuple(item.get("held_out_losses", ())),
            )
            for item in document[key]
        )
        for key in ("references", "conditions")
    }
    return Run(
        folder,
        experiment,
        document["status"],
        document["evaluations"],
        document["distinct"],
        document.get("seconds", math.nan),
        document["conclusion"],
        members,
        scores["references"],
        scores["conditions"],
        document["deaths"],
        document.get("certificate"),
        document.get("permuted"),
        document.get("effort"),
        document.get("chosen_on", "selection seeds"),
        document.get("held_out_on", "held-out seeds"),
        document.get("solved", False),
        document.get("recommended", False),
        document.get("clean_up"),
    )


def list_runs(folder: str | Path = "results") -> list[dict[str, Any]]:
    """Return a summary of every run below a folder, by name; runs that were cut off are `unfinished`."""
    found = []
    for path in sorted(each for each in Path(folder).glob("*") if is_run(each)):
        entry: dict[str, Any] = {"run": str(path)}
        try:
            run = Run.open(path)
            entry |= {
                "experiment": run.experiment.name,
                "engine": run.experiment.engine,
                "seed": run.experiment.seed,
                "status": run.status,
                "distinct": run.distinct,
                "best": str(run.members[0].rules) if run.members else None,
                "held_out_loss": run.members[0].held_out_loss if run.members else None,
                "conclusion": run.conclusion,
            }
        except RulesearchError as error:
            entry |= {"status": "unfinished", "conclusion": str(error)}
        found.append(entry)
    return found
