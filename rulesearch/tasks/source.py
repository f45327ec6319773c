"""The files that a task of the user's own is made of: a Python file with the neighbours it imports, or a table."""

from __future__ import annotations

import ast
import atexit
import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from rulesearch.errors import RulesearchError
from rulesearch.measurements.sheet import SUFFIXES

_REFERENCE = re.compile(
    rf"(?P<path>.*?(?:\.py|{'|'.join(map(re.escape, SUFFIXES))})):(?P<name>.*)", re.DOTALL | re.IGNORECASE
)
_MOST_FILES, _MOST_BYTES = 200, 4 * 2**20


def split_reference(reference: str) -> tuple[Path, str] | None:
    """Return file and name of `my_task.py:Name` or `table.csv:column`; None for the name of a shipped task."""
    match = _REFERENCE.fullmatch(reference)
    return (Path(match["path"]), match["name"]) if match else None


def absolute(reference: str) -> str:
    """Return a reference that names the same file from every folder."""
    own = split_reference(reference)
    return reference if own is None else f"{own[0].resolve()}:{own[1]}"


def task_files(path: Path) -> dict[str, bytes]:
    """Return the content of a task's file and of the neighbours that it imports, by path within their folder.

    Neighbours are modules and packages in the folder of the file, found by reading its imports; nothing is run.
    **Raises:** `RulesearchError` where the file itself cannot be read.
    """
    try:
        found = {path.name: path.read_bytes()}
    except (OSError, ValueError) as error:
        raise RulesearchError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if path.suffix != ".py":
        return found
    waiting = [path.name]
    while waiting:
        for file in _imported(found[waiting.pop()], path.parent):
            name = file.relative_to(path.parent).as_posix()
            if name not in found:
                found[name] = file.read_bytes()
                waiting.append(name)
    # A folder that is a whole library is none that can go with every run.
    small = len(found) <= _MOST_FILES and sum(map(len, found.values())) <= _MOST_BYTES
    return found if small else {path.name: found[path.name]}


def _imported(text: bytes, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for first in {name.partition(".")[0] for name in names}:
            if (folder / first).is_dir():
                yield from sorted((folder / first).rglob("*.py"))
            elif (folder / f"{first}.py").is_file():
                yield folder / f"{first}.py"


def digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of files, their names and places included."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()


def unpacked(files: Mapping[str, bytes]) -> Path:
    """Return a temporary folder that holds these files and nothing else; it goes with this process."""
    found = digest(files)
    if found not in _unpacked:
        folder = Path(tempfile.mkdtemp(prefix="rulesearch-task-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        _unpacked[found] = folder
    return _unpacked[found]


_unpacked: dict[str, Path] = {}


def import_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own name; while it runs, it can import its neighbours.

    **Raises:** `RulesearchError` where it fails.
    """
    where = path.resolve()
    name = f"rulesearch_task_{path.stem}_{hashlib.sha256(str(where).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RulesearchError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while they are made.
    sys.modules[name] = module
    try:
        with _neighbours(where.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise RulesearchError(f"{path} failed on import: {type(error).__name__}: {error}") from error
    return module


@contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, and forget them then: another folder may have others of these names."""
    before = dict(sys.modules)
    hidden = {name for name in before if _lies_in(folder, name.partition(".")[0])}
    for name in hidden:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in before and file is not None and Path(file).is_relative_to(folder):
                del sys.modules[name]
        sys.modules.update({name: before[name] for name in hidden})


def _lies_in(folder: Path, name: str) -> bool:
    """Return whether a folder has a module of this name other than the one that is imported."""
    if not ((folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()):
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and not Path(file).is_relative_to(folder)
