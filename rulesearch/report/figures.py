"""The figures that there are, in one place."""

from rulesearch.report.beside_figure import beside_figure, fitting_beside
from rulesearch.report.comparison_figure import comparison_figure
from rulesearch.report.family_figure import family_figure
from rulesearch.report.front_figure import front_figure
from rulesearch.report.network_figures import network_figure
from rulesearch.report.rule_figures import rule_figure
from rulesearch.report.runs_figure import runs_figure
from rulesearch.report.style import save_figure
from rulesearch.report.task_figures import task_figure

__all__ = [
    "beside_figure",
    "comparison_figure",
    "family_figure",
    "fitting_beside",
    "front_figure",
    "network_figure",
    "rule_figure",
    "runs_figure",
    "save_figure",
    "task_figure",
]
