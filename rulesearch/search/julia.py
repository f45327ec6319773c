"""Where PySR and Julia are, without importing PySR: its first import downloads Julia, or hangs where it cannot."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from rulesearch.errors import MissingPartError


def has_pysr() -> bool:
    """Return whether the Python package is installed."""
    return find_spec("pysr") is not None


def find_julia() -> str | None:
    """Return the path of a Julia that PySR would use, None where there is none."""
    given = os.environ.get("PYTHON_JULIAPKG_EXE") or shutil.which("julia")
    if given and Path(given).is_file():
        return given
    project = os.environ.get("PYTHON_JULIAPKG_PROJECT")
    folders = [Path(project)] if project else []
    folders.append(Path(sys.prefix) / "julia_env")
    for folder in folders:
        own = folder / "pyjuliapkg" / "install" / "bin" / "julia"
        if own.is_file():
            return str(own)
    return None


def require_julia() -> None:
    """Refuse to go on without PySR and Julia.

    **Raises:** `MissingPartError` with what to install.
    """
    if not has_pysr():
        raise MissingPartError("engine pysr needs PySR; install it with: pip install pysr; or choose --engine deap")
    if find_julia() is None:
        raise MissingPartError(
            "engine pysr needs Julia, which was not found; install it from https://julialang.org/install (it must be "
            "on the PATH) and type the same again; or choose --engine deap"
        )
