"""The derived files of a run folder: `rules.tex`, `report.html` and figures. They can be rebuilt at any time."""

from __future__ import annotations

from rulesearch.export.exporting import export
from rulesearch.workflow.run import Run
from rulesearch.writing import write_text


def write_run_files(run: Run, page: bool = True) -> None:
    """Write `rules.tex`, `report.html` and `figures/` into the run folder; without any rule, the page alone.

    **Arguments:** `page`: whether the page is written, which takes a few seconds.

    What the page tells beyond the front is simulated first, but not for a run that was interrupted. Ctrl-C here leaves
    the page that there can be without it.
    """
    from rulesearch.report.figures import front_figure, save_figure
    from rulesearch.report.page import write_report

    if run.members:
        write_text(run.folder / "rules.tex", export(run, "latex"))
        (run.folder / "figures").mkdir(exist_ok=True)
        save_figure(front_figure(run), run.folder / "figures" / "front.png")
    if not page:
        return
    try:
        write_report(run, brief=run.status == "interrupted")
    except KeyboardInterrupt:
        write_report(run, brief=True)
