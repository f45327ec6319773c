"""What a search shows while it runs in a notebook."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any

from rulesearch.rules.text import short_rule

if TYPE_CHECKING:
    from rulesearch.search.problem import Problem

_SECONDS = 0.5
_LONGEST = 200


def in_notebook() -> bool:
    """Return whether this runs in a notebook's kernel, where results can be drawn anew."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


class NotebookProgress:
    """Shows how far a search is below the cell that runs it; one line that is replaced, gone at the end."""

    def __init__(self) -> None:
        self._shown: Any = None
        self._last = 0.0

    def watch(self, problem: Problem) -> None:
        """Show the state of a search, twice a second at most."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        progress, best = problem.progress, problem.archive.best()
        text = f"{progress.distinct:,} of {problem.budget:,} distinct rules, {progress.seconds:.0f} s"
        if best is not None:
            text += f"; best loss {best.full.ranked_loss:.4g}: {short_rule(best.rules)}"
        self.notify(text)

    def notify(self, text: str) -> None:
        """Show what is being done."""
        self._show(f"<progress></progress> {escape(text[:_LONGEST])}")

    def close(self) -> None:
        """Take the line away."""
        if self._shown is not None:
            self._show("")

    def _show(self, markup: str) -> None:
        from IPython.display import HTML, display

        if self._shown is None:
            self._shown = display(HTML(markup), display_id=True)
        else:
            self._shown.update(HTML(markup))
