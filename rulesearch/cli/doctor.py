"""Command doctor: what is installed, and whether it works."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from rulesearch.cli.arguments import JsonOption
from rulesearch.cli.output import print_json, show_table

_NEEDED = ("numpy", "numba", "sympy", "deap", "cma", "matplotlib", "pandas", "typer", "rich")

Check = tuple[str, str, str]
"""Name; `ok`, `missing` (an optional part) or `failed`; detail."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor", short_help="Check what is installed and works.", epilog="Example: rulesearch doctor --json")(
        doctor
    )


def doctor(as_json: JsonOption = False) -> None:
    """Check what is installed, whether rules compile, and which optional parts can be used."""
    found = list(checks())
    if as_json:
        listed = [{"name": name, "status": status, "detail": detail} for name, status, detail in found]
        print_json({"ok": all(status != "failed" for _, status, _ in found), "checks": listed})
    else:
        show_table(["part", "status", "detail"], [list(check) for check in found])


def checks() -> Iterator[Check]:
    """Check one part after the other."""
    from rulesearch import __version__

    yield "rulesearch", "ok", __version__
    version = ".".join(map(str, sys.version_info[:3]))
    yield "python", "ok" if sys.version_info >= (3, 11) else "failed", f"{version} at {sys.executable}"
    for name in _NEEDED:
        yield _installed(name)
    yield _compiles()
    yield _results_folder()
    yield _pysr()
    latex = shutil.which("pdflatex")
    yield "pdflatex", "ok" if latex else "missing", latex or "only needed to typeset exported LaTeX"


def _installed(name: str) -> Check:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return name, "ok", version(name)
    except PackageNotFoundError:
        return name, "failed", f"not installed; type: pip install {name}"


def _compiles() -> Check:
    """Run a rule in both tiers; numba has to compile for that."""
    try:
        import rulesearch as rs

        losses = {
            backend: rs.evaluate("oja", "oja", settings={"points": 100, "data_sets": 1}, backend=backend).loss
            for backend in ("vm", "jit")
        }
    except Exception as error:
        return "compiling rules", "failed", f"{type(error).__name__}: {error}"
    vm, jit = losses["vm"], losses["jit"]
    if vm is None or jit is None or abs(vm - jit) > 1e-9:
        return "compiling rules", "failed", f"the two tiers disagree: vm {vm}, jit {jit}"
    return "compiling rules", "ok", "virtual machine and compiled rules agree"


def _results_folder() -> Check:
    folder = Path("results")
    place = folder if folder.is_dir() else Path(".")
    if os.access(place, os.W_OK | os.X_OK):
        return "results folder", "ok", str(folder.resolve())
    return "results folder", "failed", f"{place.resolve()} cannot be written; choose another with discover --out"


def _pysr() -> Check:
    """Look for PySR and for Julia; importing PySR would download Julia."""
    from rulesearch.search.julia import find_julia, has_pysr

    if not has_pysr():
        return "pysr", "missing", "optional; type: pip install pysr"
    julia = find_julia()
    if julia is None:
        return "pysr", "missing", "installed, but Julia was not found; its first use downloads Julia"
    return "pysr", "ok", f"with Julia at {julia}"
