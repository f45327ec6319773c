"""A search as a caller sees it: its options checked by name, its progress in a notebook, its files at the end."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.report.progress import NotebookProgress, in_notebook
from rulesearch.report.run_files import write_run_files
from rulesearch.search.problem import Problem
from rulesearch.workflow import discover as workflow
from rulesearch.workflow.begun import wants_page
from rulesearch.workflow.experiment import given_fields
from rulesearch.workflow.run import Run


def searched(search: Callable[..., Run], subject: tuple[Any, ...], options: dict[str, Any]) -> Run:
    """Return what a search of a subject gives, its files written.

    **Arguments:** among `options`, `live`: keep a page of it while it goes on; `report`: write the page at the end, by
    default as the run that is resumed was begun, else yes;
    `found`: is called with the run when its front stands, before the page is written; `failed`: with a line about each
    file that could not be written.
    **Raises:** `RulesearchError` for an option that there is not.
    """
    _check_options(search, options)
    given = dict(options)
    page_too = given.pop("report", None)
    if search is not workflow.resume:
        page_too = given["report"] = page_too is None or bool(page_too)
    own_watch = given.pop("watch", None)
    watchers = [own_watch] if own_watch is not None else []
    shown = NotebookProgress() if in_notebook() and not watchers else None
    if shown is not None:
        watchers.append(shown.watch)
        given.setdefault("notify", shown.notify)
    found, failed = given.pop("found", None), given.pop("failed", warnings.warn)
    if given.pop("live", False):
        from rulesearch.report.page import LivePage

        watchers.append(LivePage().watch)

    def watch(problem: Problem) -> None:
        for each in watchers:
            each(problem)

    try:
        is_over = search is workflow.resume and _is_over(*subject)
        begun = time.monotonic()
        run = search(*subject, **given, watch=watch)
        if page_too is None:
            page_too = wants_page(run.folder)
        if found is not None:
            found(run)
        notify = given.get("notify")
        if notify is not None and page_too:
            notify("writing the report" + ("; Ctrl-C again cuts it short" if run.status == "interrupted" else ""))
        limit = run.experiment.time_limit
        # The limit was that of the search, which is over; whoever resumes it waits for what it had no time for.
        left = None if limit is None or is_over else max(0.0, limit - (time.monotonic() - begun))
        for line in write_run_files(run, page_too, left):
            failed(line)
    finally:
        if shown is not None:
            shown.close()
    return run


def _is_over(folder: str | Path) -> bool:
    """Return whether a run was concluded."""
    try:
        return Run.open(folder).status != "interrupted"
    except RulesearchError:
        return False


def _check_options(search: Callable[..., Run], options: Iterable[str]) -> None:
    """Refuse keyword arguments that a search does not take, by their names; raises `RulesearchError`."""
    functions = [search] if search is workflow.resume else [search, workflow.discover]
    parameters = [each for one in functions for each in inspect.signature(one).parameters.values()]
    known = {each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    known |= {"failed", "found", "live", "report"}
    if search is not workflow.resume:
        known |= {each.name for each in given_fields()}
    for name in options:
        if name not in known:
            raise RulesearchError(f"unknown argument {name!r}{did_you_mean(name, known)}")
