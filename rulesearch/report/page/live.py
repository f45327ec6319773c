"""The page of a search that goes on."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rulesearch.errors import RulesearchError
from rulesearch.report.page.page import write_report
from rulesearch.workflow.asked import Asked
from rulesearch.workflow.conclude import provisional
from rulesearch.workflow.experiment import Experiment, read_experiment
from rulesearch.workflow.run import Run

if TYPE_CHECKING:
    from rulesearch.search.problem import Problem

_SHARE = 0.1


class LivePage:
    """Writes the report of a running search at the end of each generation.

    Where generations are shorter than the page takes to be written, some are left out, so that it takes at most a tenth
    of the time.
    """

    def __init__(self) -> None:
        self._experiment: Experiment | None = None
        self._next = 0.0
        self.written = 0

    def watch(self, problem: Problem) -> None:
        """Write the page of a search as it stands, unless it was written just now."""
        begin = time.monotonic()
        if begin < self._next or problem.store is None:
            return
        folder = problem.store.path.parent
        if self._experiment is None:
            self._experiment = read_experiment(folder / "experiment.toml")
        progress, conclusion = problem.progress, provisional(problem, Asked.of(self._experiment, problem))
        run = Run(
            folder,
            self._experiment,
            "searching",
            progress.evaluations,
            progress.distinct,
            progress.seconds,
            "",
            conclusion.members,
            deaths=dict(progress.deaths),
            chosen_on=conclusion.chosen_on,
            held_out_on="",
        )
        # A folder that cannot be written to now ends no search.
        with contextlib.suppress(RulesearchError):
            write_report(run, live=True)
            self.written += 1
        took = time.monotonic() - begin
        self._next = begin + took / _SHARE
