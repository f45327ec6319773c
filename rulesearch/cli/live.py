"""What a search shows while it runs: a table that is redrawn in a terminal, else a line every few seconds."""

from __future__ import annotations

import re
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rulesearch.cli.output import notify, number
from rulesearch.rules.text import short_rule

if TYPE_CHECKING:
    from rulesearch.search.candidate import Candidate
    from rulesearch.search.problem import Problem

_SECONDS_BETWEEN_LINES = 5.0
_SHOWN = 8


class LiveView:
    """Watches a search on standard error; used as a context, its `watch` and `notify` go to `discover`.

    **Arguments:** `quiet`: show nothing (for `--json`); `name`: what is searched.
    """

    def __init__(self, name: str, quiet: bool = False) -> None:
        self.name = name
        self.quiet = quiet
        self._live: Any = None
        self._last = 0.0
        self._kind, self._told = "", 0.0
        self._stage = ""
        self._problem: Problem | None = None

    def __enter__(self) -> LiveView:
        if not self.quiet and sys.stderr.isatty():
            from rich.live import Live

            from rulesearch.cli.output import console

            self._live = Live(
                get_renderable=self._draw, console=console(error=True), refresh_per_second=4, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the table away; from here on lines are shown."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def watch(self, problem: Problem) -> None:
        """Take notice of the end of a generation."""
        self._problem = problem
        if self.quiet or self._live is not None:
            return
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            notify(progress_line(problem))

    def notify(self, text: str) -> None:
        """Show what is being done after the search; of lines that only count on, a log gets one every few seconds."""
        self._stage = text
        if self.quiet or self._live is not None:
            return
        kind, now = re.split(r"\d", text, maxsplit=1)[0], time.monotonic()
        if kind != self._kind or now - self._told >= _SECONDS_BETWEEN_LINES:
            self._kind, self._told = kind, now
            notify(text)

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        problem = self._problem
        if problem is None:
            return Text(f"{self.name}: preparing", overflow="ellipsis", no_wrap=True)
        parts: list[Any] = [Text(line, overflow="ellipsis", no_wrap=True) for line in summary_lines(self.name, problem)]
        parts += [Text(""), front_table(problem.archive.front())]
        if self._stage:
            parts.append(Text(self._stage, overflow="ellipsis", no_wrap=True))
        return Group(*parts)


def summary_lines(name: str, problem: Problem) -> list[str]:
    """Return what is known of a running search, in lines of less than 80 characters."""
    progress = problem.progress
    share = min(1.0, progress.distinct / problem.budget)
    bar = "#" * round(24 * share)
    lines = [
        f"{name}: generation {progress.generation}, {duration(progress.seconds)} so far, {time_left(problem)}",
        f"[{bar:<24}] {progress.distinct:,} of {problem.budget:,} rules at full fidelity",
        f"{rate(problem):.3g} candidates per second, {100 * progress.duplicate_share:.0f} % met before",
    ]
    ended = sorted(progress.deaths.items(), key=lambda item: (-item[1], item[0]))
    total = sum(progress.deaths.values())
    if total:
        shares = ", ".join(f"{status} {100 * count / total:.0f} %" for status, count in ended)
        lines.append(f"how simulations ended: {shares}")
    return lines


def front_table(front: list[Candidate]) -> Any:
    """Return the best rules of a running search as a table, best first."""
    from rulesearch.cli.output import table

    best = list(reversed(front))[:_SHOWN]
    rows = [[str(each.size), number(each.full.loss), short_rule(each.rules)] for each in best]
    return table(["size", "loss", "rule"], rows)


def progress_line(problem: Problem) -> str:
    """Return the state of a running search in one line of a log."""
    progress, best = problem.progress, problem.archive.best()
    parts = [
        f"generation {progress.generation}",
        f"{progress.distinct:,}/{problem.budget:,} rules",
        f"{rate(problem):.3g}/s",
        f"{100 * progress.duplicate_share:.0f} % met before",
        time_left(problem),
    ]
    if best is not None:
        parts.append(f"best loss {number(best.full.loss)} (size {best.size}): {short_rule(best.rules)}")
    return ", ".join(parts)


def rate(problem: Problem) -> float:
    """Return the candidates screened per second of wall time."""
    return problem.progress.screened / max(problem.progress.seconds, 1e-9)


def time_left(problem: Problem) -> str:
    """Return about how long the search will take from now on, by its pace so far and its limits."""
    progress = problem.progress
    waits = []
    if progress.distinct and progress.seconds > 0:
        waits.append((problem.budget - progress.distinct) * progress.seconds / progress.distinct)
    if problem.deadline.limit is not None:
        waits.append(problem.deadline.limit - progress.seconds)
    return f"about {duration(max(0.0, min(waits)))} left" if waits else "time left unknown"


def duration(seconds: float) -> str:
    """Return `45 s`, `12 min` or `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
