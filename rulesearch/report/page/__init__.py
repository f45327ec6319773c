"""The report: one self-contained HTML page of a run."""

from rulesearch.report.page.live import LivePage
from rulesearch.report.page.page import report_html, write_report

__all__ = ["LivePage", "report_html", "write_report"]
