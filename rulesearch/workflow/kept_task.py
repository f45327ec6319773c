"""A run keeps the files of its task: the folder is enough by itself, and says which files it was made with.

A Python file is run by whoever asks for a search with it. A run that comes from elsewhere brings such a file along, so
that it is run only if a search was made with the very same one here before, or if it is trusted in so many words.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.records import is_run, reading
from rulesearch.evaluation.store import Store
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.recorded import RecordedTask, task_to_json
from rulesearch.tasks.registry import TASKS, load_task
from rulesearch.tasks.source import digest, split_reference, task_files, unpacked
from rulesearch.tasks.task import Task

FOLDER = "task"
_TASK, _DIGEST, _DIGESTS, _ORIGIN = "task", "task digest", "task digests", "task origin"
_here: dict[str, Path] = {}
"""Where this process has the task files that it was asked to search with, by their digest."""


def keep_task(folder: Path, reference: str, settings: Settings, store: Store) -> None:
    """Copy the files of a task into a new run folder, and note what it is; a shipped task has no files."""
    store.set_fact(_TASK, json.dumps(task_to_json(load_task(reference), settings)))
    own = split_reference(reference)
    if own is None or reference in TASKS:
        return
    path, _ = own
    files = task_files(path)
    for name, content in files.items():
        target = folder / FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    store.set_fact(_DIGEST, digest(files))
    store.set_fact(_DIGESTS, json.dumps(_digests(files)))
    store.set_fact(_ORIGIN, str(path.resolve()))
    _note(digest(files), path.resolve())


def described_task(folder: Path, reference: str) -> Task:
    """Return the task of a run for its readers: a shipped one, else what the run tells of it.

    **Raises:** `RulesearchError` where it tells nothing.
    """
    if reference in TASKS:
        return load_task(reference)
    with reading(folder) as records:
        text = records.fact(_TASK)
        if text is not None:
            return RecordedTask(json.loads(text))
    raise RulesearchError(f"{folder} does not tell what its task {reference} is; type: rulesearch resume {folder}")


def kept_reference(folder: Path, reference: str, trusted: bool = False) -> str:
    """Return the reference by which the task of a run can be loaded from anywhere.

    The files that were kept are the task's, or those it came from where they are still the same.
    **Arguments:** `trusted`: whatever the files are, they may be run.
    **Raises:** `RulesearchError` where a file is not the one that the run was made with, or was never run here.
    """
    own = split_reference(reference)
    if own is None or reference in TASKS:
        return reference
    path, name = own
    noted, origin = _facts(folder)
    kept = folder / FOLDER / path.name
    source = kept if kept.is_file() else path
    files = _all_files(kept.parent) if source is kept else task_files(path)
    found = digest(files)
    python = source.suffix == ".py"
    if not trusted:
        again = f"read it; if it may be used: rulesearch resume {folder} --trust"
        if noted is not None and found != noted:
            what = _differences(folder, source.parent, files)
            raise RulesearchError(f"{what} that the run {folder} was made with; {again}")
        if python and found not in _trusted():
            raise RulesearchError(
                f"the run {folder} was made with the task file {source}, which was not run here before; {again}"
            )
    if origin is not None and Path(origin).is_file() and digest(task_files(Path(origin))) == found:
        source = Path(origin)  # with the data that it may read beside it
    else:
        source = unpacked(files) / source.name
    _note(found, source)
    return f"{source}:{name}"


def reference_here(folder: Path, reference: str) -> str | None:
    """Return the reference by which a reader may load the task of a run; None where that would run a file.

    The files of a search of this process are loaded already.
    """
    own = split_reference(reference)
    if own is None or reference in TASKS:
        return reference if reference in TASKS else None
    path, name = own
    if not (folder / FOLDER / path.name).is_file():
        return None
    files = _all_files(folder / FOLDER)
    found = digest(files)
    if path.suffix == ".py" and found not in _here:
        return None
    known = _here.get(found)
    if known is None or not known.is_file() or digest(task_files(known)) != found:
        known = unpacked(files) / path.name
    return f"{known}:{name}"


def whole_page_command(folder: Path, reference: str) -> str:
    """Return what to type for the whole page of a run: where its task is a Python file, no reader runs that."""
    own = split_reference(reference)
    runs_file = own is not None and reference not in TASKS and own[0].suffix == ".py"
    return (
        f"rulesearch resume {shlex.quote(str(folder))} --report"
        if runs_file
        else f"rulesearch report {shlex.quote(str(folder))}"
    )


def _facts(folder: Path) -> tuple[str | None, str | None]:
    if not is_run(folder):
        return None, None
    with reading(folder) as records:
        return records.fact(_DIGEST), records.fact(_ORIGIN)


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: digest({name: files[name]}) for name in sorted(files)}


def _differences(folder: Path, place: Path, files: Mapping[str, bytes]) -> str:
    """Say which files of a place are not those of a run; runs may have noted only what they are all together."""
    with reading(folder) as records:
        noted = json.loads(records.fact(_DIGESTS) or "{}")
        now = _digests(files)
        changed = [f"{name} is changed" for name in now if name in noted and now[name] != noted[name]]
        new = [f"{name} is new" for name in now if name not in noted] if noted else []
        missing = [f"{name} is missing" for name in noted if name not in now]
    names = ", ".join([*changed, *new, *missing])
    return f"the task files in {place} are not those{f' ({names})' if names else ''}"


def _all_files(folder: Path) -> Mapping[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _note(found: str, path: Path) -> None:
    """Take note that files of this digest are used here by the wish of who uses this account."""
    _here[found] = path
    place = _list_of_trusted()
    if path.suffix != ".py" or place is None or found in _read(place):
        return
    # Where nothing can be noted, a run is asked about once more.
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a", encoding="utf-8") as stream:
            stream.write(f"{found}\n")


def _trusted() -> set[str]:
    place = _list_of_trusted()
    return {*_here, *(_read(place) if place is not None else ())}


def _read(place: Path) -> set[str]:
    try:
        return set(place.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError):
        return set()


def _list_of_trusted() -> Path | None:
    state = os.environ.get("XDG_STATE_HOME")
    try:
        base = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return base / "rulesearch" / "trusted-tasks"
