"""The folders of grammars and experiments that come with the package."""

from __future__ import annotations

from pathlib import Path

KINDS = ("grammars", "experiments")


def shipped_folder(kind: str) -> Path:
    """Return the folder of shipped files: inside an installed package, else at the top of the source tree.

    **Arguments:** `kind` is `grammars` or `experiments` (anything else is a programming error: `ValueError`).
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, found {kind!r}")
    package = Path(__file__).resolve().parent
    installed = package / "_shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def shipped_names(kind: str) -> tuple[str, ...]:
    """Return the names of the shipped TOML files of a kind, in alphabetical order."""
    return tuple(sorted(path.stem for path in shipped_folder(kind).glob("*.toml")))
