"""A run folder: what a search found, read from its store."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rulesearch.display import html
from rulesearch.errors import RulesearchError, UnfinishedRunError
from rulesearch.evaluation.kinds import check_kinds, optional
from rulesearch.evaluation.records import as_damage, reading, run_folder, runs_in
from rulesearch.rules.json_format import rules_from_json, rules_to_json
from rulesearch.symbolic import Verdict
from rulesearch.tasks.task import Task
from rulesearch.workflow.begun import check_begun, lacking
from rulesearch.workflow.experiment import Experiment, read_experiment
from rulesearch.workflow.front import (
    FrontMember,
    ReferenceScore,
    failures_json,
    front_rows,
    member_json,
    reference_json,
)
from rulesearch.workflow.kept_task import described_task

if TYPE_CHECKING:
    import pandas


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
    control, for a table beyond chance; `clean_up`: what was done to the rules of the search, and what became of the
    best one (see `Account`).
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
    def given(self) -> frozenset[str]:
        """Names of the rules of a set that the search held fixed."""
        return self.members[0].rules.given if self.members else frozenset()

    @property
    def given_in_words(self) -> str:
        """Which rules the search held fixed, as a sentence without its end; empty where it held none."""
        names = [name for name in self.members[0].rules.rules if name in self.given] if self.given else []
        return f"{', '.join(names)} given, not searched: counted in no size" if names else ""

    @property
    def front(self) -> pandas.DataFrame:
        """The front as a table, one row per rule, by rank."""
        import pandas

        return pandas.DataFrame(front_rows(self.members))

    def _repr_html_(self) -> str | None:
        return html(self)

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
            "front": [member_json(member, self.members[0]) for member in self.members],
            "references": [reference_json(score) for score in self.references],
            "conditions": [reference_json(score) for score in self.conditions],
            **({"given": sorted(self.given)} if self.given else {}),
            **({"certificate": dict(self.certificate)} if self.certificate else {}),
            **({"permuted": dict(self.permuted)} if self.permuted else {}),
            **({"effort": dict(self.effort)} if self.effort else {}),
            **({"clean_up": dict(self.clean_up)} if self.clean_up else {}),
        }

    @staticmethod
    def open(folder: str | Path) -> Run:
        """Read a run folder.

        **Raises:** `RulesearchError` where it holds no concluded run, `UnfinishedRunError` where that can be resumed;
        also where its experiment or grammar is not the one that the run began with.
        """
        path = run_folder(folder)
        with reading(path) as records:
            text = records.fact("summary")
            missing = lacking(path) if text is None else ""
            if missing:
                raise RulesearchError(
                    f"{path} holds no result, and cannot be resumed: it has no {missing}; search anew: "
                    "rulesearch discover EXPERIMENT --out ANOTHER"
                )
            if text is None:
                raise UnfinishedRunError(f"{path} was cut off before it ended; go on with: rulesearch resume {path}")
            experiment = read_experiment(path / "experiment.toml")
            check_begun(path, experiment, records)
            with as_damage(path):
                return _from_summary(path, experiment, json.loads(text))


def summary_text(run: Run) -> str:
    """Return what `Run.open` reads back."""
    given = sorted(run.given)
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
                "verdicts": [_verdict_fields(verdict) for verdict in member.verdicts],
                "steps": member.steps,
                "source": member.source,
                "held_out_losses": member.held_out_losses,
                "at_edge": dict(member.at_edge),
                **failures_json(member),
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
        **({"given": given} if given else {}),
    }
    return json.dumps(document)


def _verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """Return the fields of a verdict; `name` where it is on a rule of a set, `turned_terms` where there are some."""
    return {name: value for name, value in asdict(verdict).items() if value or name not in ("name", "turned_terms")}


def _score_fields(score: ReferenceScore) -> dict[str, Any]:
    return {
        **reference_json(score),
        "rule": rules_to_json(score.rules),
        "held_out_losses": score.held_out_losses,
    }


_VERDICT = dict.fromkeys(("rule", "title", "verdict", "summary", "name"), str) | {
    "scale": optional(float),
    "coefficients": {str: float},
    "distance": float,
    "extra_terms": [str],
    "missing_terms": [str],
    "turned_terms": [str],
    "behaviour": optional(float),
}
_SCORED = {"metrics": {str: float}, "held_out_loss": optional(float), "held_out_losses": [float]}
_SCORE = _SCORED | {"label": str, "status": str, "loss": optional(float), "failed_on": str}
_MEMBER = _SCORED | {
    "rank": int,
    "size": int,
    "loss": float,
    "verdicts": [_VERDICT],
    "steps": [str],
    "source": str,
    "at_edge": {str: str},
    "failed_on": str,
}
_EFFORT = dict.fromkeys(("evaluations", "distinct", "duplicates"), int) | {
    "first_hit": optional(int),
    "simulated": float,
    "clock": str,
    "work": float,
    "seconds": float,
}
_CLEAN_UP = dict.fromkeys(("cleaned", "shortened", "merged", "died", "front"), int) | {"best": str}
_KINDS = dict.fromkeys(("status", "conclusion", "chosen_on", "held_out_on"), str) | {
    "evaluations": int,
    "distinct": int,
    "seconds": float,
    "solved": bool,
    "recommended": bool,
    "members": [_MEMBER],
    "references": [_SCORE],
    "conditions": [_SCORE],
    "deaths": optional({str: int}),
    "certificate": optional({"basis": {str: str}}),
    "permuted": optional({"p": float, "searches": int, "loss": float, "permuted_losses": [optional(float)]}),
    "effort": optional(_EFFORT),
    "clean_up": optional(_CLEAN_UP),
    "given": optional([str]),
}
"""What `summary_text` writes, by kind."""


def _from_summary(folder: Path, experiment: Experiment, document: Mapping[str, Any]) -> Run:
    check_kinds(document, _KINDS, "summary")
    given = frozenset(document.get("given") or ())
    members = tuple(
        FrontMember(
            fields["rank"],
            replace(rules_from_json(fields["rules"]), given=given),
            fields["size"],
            fields["loss"],
            fields["held_out_loss"],
            fields["metrics"],
            tuple(Verdict(**verdict) for verdict in fields["verdicts"]),
            tuple(fields["steps"]),
            fields.get("source", ""),
            tuple(fields.get("held_out_losses", ())),
            fields.get("at_edge", {}),
            fields.get("failed_on", ""),
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
                item.get("failed_on", ""),
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
        document.get("solved", document["conclusion"].startswith("solved:")),
        document.get("recommended", True),
        document.get("clean_up"),
    )


_LISTED = ("experiment", "engine", "seed", "status", "distinct", "best", "held_out_loss", "conclusion")


def list_runs(folder: str | Path = "results") -> list[dict[str, Any]]:
    """Return a summary of every run in a folder, by name; those that were cut off are `unfinished`.

    A run that cannot be read is `damaged`, and its conclusion says why. What is not known of a run is None.
    """
    found = []
    for path in runs_in(Path(folder)):
        entry: dict[str, Any] = {"run": str(path), **dict.fromkeys(_LISTED)}
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
        except UnfinishedRunError as error:
            entry |= {"status": "unfinished", "conclusion": str(error)}
        except RulesearchError as error:
            entry |= {"status": "damaged", "conclusion": str(error)}
        found.append(entry)
    return found
