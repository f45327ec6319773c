"""The run's store: every evaluation and its lineage in one SQLite file, one transaction per generation.

Only the searching process writes. Resuming is replay: the engine starts anew and is answered from here.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import NUMBERS, Condition, Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.tasks.trial import Trial

_NUMBERS = re.compile(r"; (?:bounds = \[[^\]]*\]|\w+ = [-+]?[\d.][^;\])]*)")
"""What the text of a rule declares as a number, or as bounds; what is left is its structure."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS evaluation (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    phase TEXT NOT NULL,
    rule TEXT NOT NULL,
    fidelity TEXT NOT NULL,
    seeds TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    origin TEXT NOT NULL,
    parents TEXT NOT NULL,
    status TEXT NOT NULL,
    loss REAL,
    metrics TEXT NOT NULL,
    cases TEXT NOT NULL,
    work INTEGER NOT NULL,
    died_at REAL NOT NULL,
    trials TEXT NOT NULL,
    UNIQUE (rule, fidelity, seeds)
);
CREATE TABLE IF NOT EXISTS generation (
    number INTEGER PRIMARY KEY,
    evaluations INTEGER NOT NULL,
    distinct_full INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    best_loss REAL,
    population INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

Key = tuple[str, str, str]

GenerationRow = tuple[int, int, int, int, float | None, int]
"""Number, evaluations, distinct functions at full fidelity, duplicates, best loss, population: counted since the start.
"""

Ancestry = tuple[int, str, str, float | None, tuple[str, ...]]
"""Generation, origin, rule text, loss, and fingerprints of the parents."""


@dataclass(frozen=True, slots=True)
class Record:
    """One evaluation with its lineage.

    **Fields:** `phase` is `search`, `clean-up` or `report`; `origin`: how the rule came about; `parents`:
    fingerprints of the rules it came from.
    """

    generation: int
    phase: str
    job: Job
    outcome: Outcome
    fingerprint: str
    origin: str = ""
    parents: tuple[str, ...] = ()


def job_key(job: Job) -> Key:
    """Return what an evaluation is known by in its run: rule text with constants, fidelity and conditions, seeds."""
    return (str(job.rules), *_trials_key(job.fidelity, job.conditions, job.seeds))


@lru_cache(maxsize=256)
def _trials_key(fidelity: str, conditions: tuple[Condition, ...], seeds: tuple[int, ...]) -> tuple[str, str]:
    text = "/".join(",".join(f"{name}={value!r}" for name, value in pairs) for pairs in conditions)
    return f"{fidelity}[{text}]" if text else fidelity, ",".join(map(str, seeds))


class Store:
    """The store of one run.

    **Arguments:** `read_only`: nothing is written, so that the folder need not be writable, and what was evaluated
    before is not held in memory.
    **Raises:** `RulesearchError` where the file is not such a store.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        try:
            self._connection = _opened(path, read_only)
            # A store may come from anyone: its views and triggers may call no function that does more than compute.
            self._connection.execute("PRAGMA trusted_schema = OFF")
            if read_only and not self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                # A search that was killed at once leaves a file without tables: a store of nothing.
                self._connection = sqlite3.connect(":memory:")
                self._connection.executescript(_SCHEMA)
            elif read_only:
                self._connection.execute("SELECT 1 FROM fact LIMIT 1")
            else:
                # All tables or none, should the process be killed here.
                self._connection.executescript(f"BEGIN;\n{_SCHEMA}\nCOMMIT;")
            self._known: dict[Key, Outcome] = {}
            self._fitted: dict[Key, Outcome] = {}
            if not read_only:
                self._read()
        except sqlite3.DatabaseError as error:
            raise RulesearchError(f"{path} cannot be read as the store of a run: {error}") from None

    def _read(self) -> None:
        columns = "rule, fidelity, seeds, status, loss, metrics, cases, work, died_at, trials, fingerprint"
        for row in self._connection.execute(f"SELECT {columns} FROM evaluation ORDER BY id"):
            outcome = _outcome(row[:10])
            self._known[row[0], row[1], row[2]] = outcome
            if any(NUMBERS in trial.details for trial in outcome.trials[:1]):
                self._fitted[row[10], row[1], row[2]] = outcome

    def __len__(self) -> int:
        return len(self._known)

    def get(self, job: Job) -> Outcome | None:
        """Return the outcome of a job that was in the store when it was opened, else None."""
        return self._known.get(job_key(job)) if self._known else None

    def known(self, jobs: Sequence[Job], fingerprints: Sequence[str] = ()) -> dict[int, Outcome]:
        """Return the outcomes of those jobs that were in the store when it was opened, by their place.

        **Arguments:** `fingerprints` of their rules, by which those are found whose numbers are fitted.
        """
        found: dict[int, Outcome | None] = {}
        for place, job in enumerate(jobs):
            if job.priors is not None:
                trials = _trials_key(job.fidelity, job.conditions, job.seeds)
                found[place] = self._fitted.get((fingerprints[place], *trials))
            else:
                found[place] = self.get(job)
        return {place: outcome for place, outcome in found.items() if outcome is not None}

    def add(self, records: Sequence[Record], generation: GenerationRow | None = None) -> None:
        """Write evaluations, and the figures of their generation, as one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(
                "INSERT OR IGNORE INTO evaluation (generation, phase, rule, fidelity, seeds, fingerprint, origin, "
                "parents, status, loss, metrics, cases, work, died_at, trials) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [_row(record) for record in records],
            )
            if generation is not None:
                self._connection.execute("INSERT OR REPLACE INTO generation VALUES (?,?,?,?,?,?)", generation)
            self._connection.execute("COMMIT")
        except BaseException:
            # Ctrl-C may come just after the commit was done.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def has_generation(self, number: int) -> bool:
        """Return whether the figures of a generation are written."""
        query = "SELECT 1 FROM generation WHERE number = ?"
        return self._connection.execute(query, (number,)).fetchone() is not None

    def set_fact(self, name: str, value: str) -> None:
        """Keep a named text with the run."""
        self._connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def fact(self, name: str) -> str | None:
        """Return a named text, None where there is none."""
        row = self._connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def best(self, fidelity: str, count: int) -> list[tuple[str, float]]:
        """Return rule text and loss of the `count` best rules of the search at a fidelity, best first."""
        query = (
            "SELECT rule, loss FROM evaluation WHERE phase = 'search' AND status = 'ok' AND loss IS NOT NULL "
            "AND (fidelity = ? OR fidelity LIKE ?) ORDER BY loss, id LIMIT ?"
        )
        return list(self._connection.execute(query, (fidelity, f"{fidelity}[%", count)))

    def evaluated(self, fidelity: str) -> list[tuple[str, str, float | None, dict[str, float]]]:
        """Return rule text, status, loss and metrics of every rule of the search at a fidelity, in its order."""
        query = (
            "SELECT rule, status, loss, metrics FROM evaluation WHERE phase = 'search' "
            "AND (fidelity = ? OR fidelity LIKE ?) ORDER BY id"
        )
        rows = self._connection.execute(query, (fidelity, f"{fidelity}[%"))
        return [(str(rule), str(status), loss, json.loads(metrics)) for rule, status, loss, metrics in rows]

    def generations(self) -> list[GenerationRow]:
        """Return the figures of every generation, in order."""
        return list(self._connection.execute("SELECT * FROM generation ORDER BY number"))

    def deaths(self) -> dict[str, int]:
        """Return how many searched rules ended in each status."""
        query = "SELECT status, COUNT(*) FROM evaluation WHERE phase = 'search' GROUP BY status ORDER BY 2 DESC, 1"
        return {str(status): int(count) for status, count in self._connection.execute(query)}

    def structures(self) -> list[tuple[int, int, int]]:
        """Return, for each generation, the rules evaluated and how many structures (constants left out) they have."""
        query = "SELECT generation, rule FROM evaluation WHERE phase = 'search' ORDER BY generation"
        forms: dict[int, set[str]] = {}
        counts: dict[int, int] = {}
        for number, rule in self._connection.execute(query):
            forms.setdefault(number, set()).add(_NUMBERS.sub("", str(rule)))
            counts[number] = counts.get(number, 0) + 1
        return [(number, counts[number], len(forms[number])) for number in counts]

    def ancestry(self, fingerprint: str) -> Ancestry | None:
        """Return generation, origin, rule text, loss and parents' fingerprints of the first rule with a fingerprint."""
        query = (
            "SELECT generation, origin, rule, loss, parents FROM evaluation "
            "WHERE phase = 'search' AND fingerprint = ? ORDER BY id LIMIT 1"
        )
        row = self._connection.execute(query, (fingerprint,)).fetchone()
        return None if row is None else (*row[:4], tuple(json.loads(row[4])))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _opened(path: Path, read_only: bool) -> sqlite3.Connection:
    if read_only:
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        try:
            connection = sqlite3.connect(address, uri=True, isolation_level=None)
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
            return connection
        except sqlite3.OperationalError:
            # What a killed search left half written must be undone first, and that is written.
            pass
    return sqlite3.connect(path, isolation_level=None)


def _row(record: Record) -> tuple[object, ...]:
    outcome = record.outcome
    rule, fidelity, seeds = job_key(record.job)
    if len(outcome.trials) > 1:
        trials = json.dumps(
            [
                [seed, t.status, t.loss, dict(t.metrics), list(t.cases), t.work, t.died_at, dict(t.details)]
                for seed, t in zip(outcome.seeds, outcome.trials, strict=True)
            ]
        )
    else:
        details = dict(outcome.trials[0].details) if outcome.trials else {}
        trials = json.dumps(details) if details else "{}"
    return (
        record.generation,
        record.phase,
        rule,
        fidelity,
        seeds,
        record.fingerprint,
        record.origin,
        json.dumps(record.parents) if record.parents else "[]",
        outcome.status,
        outcome.loss,
        json.dumps(dict(outcome.metrics)),
        json.dumps(outcome.cases) if outcome.cases else "[]",
        outcome.work,
        outcome.died_at,
        trials,
    )


def _outcome(row: Sequence[object]) -> Outcome:
    _, _, seeds, status, loss, metrics, cases, work, died_at, trials = row
    numbers = tuple(int(seed) for seed in str(seeds).split(","))
    case_values = tuple(json.loads(str(cases)))
    found = json.loads(str(trials))
    if isinstance(found, list) and found:
        each = tuple(
            Trial(kind, value, m, tuple(c), w, d, {name: tuple(row) for name, row in dict(*rows).items()})
            for _, kind, value, m, c, w, d, *rows in found
        )
    else:
        # A single trial is the outcome itself, but for its details.
        rest = json.loads(str(metrics)), case_values, int(str(work)), float(str(died_at))
        details = {name: tuple(row) for name, row in dict(found).items()}
        each = (Trial(str(status), loss, *rest, details),)  # type: ignore[arg-type]
    return Outcome(
        str(status),
        loss,  # type: ignore[arg-type]
        json.loads(str(metrics)),
        case_values,
        int(str(work)),
        float(str(died_at)),
        numbers[: len(each)],
        each,
    )
