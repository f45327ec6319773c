"""`summary.json`: what readers ask of a run, in one file of text that can be kept where the store is too large.

It holds no times, so that the same search writes the same file.
"""

from __future__ import annotations

import json
from typing import Any

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.records import SUMMARY, reading
from rulesearch.workflow.begun import BEGUN
from rulesearch.workflow.history import read_history
from rulesearch.workflow.run import Run
from rulesearch.writing import write_text

_FACTS = ("task", BEGUN, "evidence")
_BEST = 100


def write_summary(run: Run) -> None:
    """Write `summary.json` into the folder of a run, from its store."""
    ancestors = read_history(run).ancestors
    with reading(run.folder) as records:
        facts: dict[str, Any] = {"summary": _timeless(json.loads(records.fact("summary") or "{}"))}
        facts |= {name: json.loads(text) for name in _FACTS if (text := records.fact(name)) is not None}
        try:
            best = records.best(run.task.fidelities[-1].name, _BEST)
        except RulesearchError:
            best = []
        document = {
            "facts": facts,
            "best": best,
            "generations": records.generations(),
            "deaths": records.deaths(),
            "structures": records.structures(),
            "ancestry": {each.fingerprint: records.ancestry(each.fingerprint) for each in ancestors},
        }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    write_text(run.folder / SUMMARY, "{\n" + ",\n".join(lines) + "\n}\n")


def _timeless(summary: dict[str, Any]) -> dict[str, Any]:
    effort = {name: value for name, value in (summary.get("effort") or {}).items() if name != "seconds"}
    return {**{name: value for name, value in summary.items() if name != "seconds"}, "effort": effort or None}
