"""The derived files of a run folder: `rules.tex`, `report.html` and figures. They can be rebuilt at any time."""

from __future__ import annotations

import time
from collections.abc import Callable

from rulesearch.errors import why
from rulesearch.export.exporting import export
from rulesearch.interruption import check
from rulesearch.workflow.kept_task import whole_page_command
from rulesearch.workflow.run import Run
from rulesearch.writing import write_text

_PAGE = 8.0
"""How many times as long as the files before it the figures of a page take."""


def write_run_files(run: Run, page: bool = True, seconds: float | None = None) -> list[str]:
    """Write `rules.tex`, `report.html` and `figures/` into the run folder; without any rule, the page alone.

    What the page tells beyond the front is simulated first, but not for a run that was interrupted. Ctrl-C here leaves
    the page that there can be without it. What fails, or is interrupted, keeps nothing else from being written.

    **Arguments:** `page`: whether the page is written, which takes a few seconds; `seconds` that all this may take,
    None for no limit.
    **Returns:** a line for each file that could not be written, or not in full.
    """
    begun = time.monotonic()
    parts: dict[str, Callable[[Run], None]] = {"rules.tex": _write_tex, "figures/front": _draw_front}
    chosen = list(parts.items()) if run.members else []
    failed: list[str] = []
    again = whole_page_command(run.folder, run.experiment.task)

    def write_page(run: Run) -> None:
        taken = time.monotonic() - begun
        left = None if seconds is None or not run.members else seconds - (1.0 + _PAGE) * taken
        brief = run.status == "interrupted" or (left is not None and left < 0.0)
        if brief and run.status != "interrupted":
            failed.append(f"no time was left for the whole page; draw it with: {again}")
        _write_page(run, brief, left)

    if page:
        chosen.append(("report.html", write_page))
    for name, write in chosen:
        try:
            check()
            write(run)
        except KeyboardInterrupt:
            failed.append(f"interrupted: {run.folder / name} is not complete; type: {again}")
        except Exception as error:
            failed.append(f"{run.folder / name} could not be written: {why(error)}; the front is in front.csv")
    return failed


def _write_tex(run: Run) -> None:
    write_text(run.folder / "rules.tex", export(run, "latex"))


def _draw_front(run: Run) -> None:
    from rulesearch.report.figures import front_figure, save_figure
    from rulesearch.report.style import SUFFIXES

    (run.folder / "figures").mkdir(exist_ok=True)
    figure = front_figure(run)
    for suffix in SUFFIXES:
        save_figure(figure, run.folder / "figures" / f"front.{suffix}")


def _write_page(run: Run, brief: bool, seconds: float | None) -> None:
    from rulesearch.report.page import write_report

    try:
        write_report(run, brief, seconds=seconds)
    except KeyboardInterrupt:
        write_report(run, brief=True)
        raise
