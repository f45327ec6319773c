"""The derived files of a run folder: `rules.tex` and the figure of the front. They can be rebuilt at any time."""

from __future__ import annotations

from rulesearch.export.exporting import export
from rulesearch.export.files import write_text
from rulesearch.workflow.run import Run


def write_run_files(run: Run) -> None:
    """Write `rules.tex` and `figures/front.png` into the run folder; without any rule, nothing."""
    if not run.members:
        return
    from rulesearch.report.figures import front_figure, save_figure

    write_text(run.folder / "rules.tex", export(run, "latex"))
    (run.folder / "figures").mkdir(exist_ok=True)
    save_figure(front_figure(run), run.folder / "figures" / "front.png")
