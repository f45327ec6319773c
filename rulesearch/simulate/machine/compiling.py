"""Telling the user why a first run waits: a kernel is compiled once for each tier, then loaded from a cache on disk."""

from __future__ import annotations

import sys
from typing import Any

from rulesearch.errors import RulesearchError, shown

BACKENDS = ("vm", "jit")
"""How rules are run: by the virtual machine, or compiled."""

_told: set[tuple[str, str]] = set()


def check_backend(backend: object) -> None:
    """Refuse what is none of `BACKENDS`.

    **Raises:** `RulesearchError`.
    """
    if backend not in BACKENDS:
        raise RulesearchError(f"unknown backend {shown(backend)}; there are {', '.join(BACKENDS)}")


def announce(kernel: Any, what: str, backend: str) -> None:
    """Say on standard error that a kernel is compiled, where it is not in the cache; once for each.

    **Arguments:** `kernel`: a Numba dispatcher, called with a program of `backend`; `what` it is for.
    """
    if (what, backend) in _told:
        return
    _told.add((what, backend))
    if not any(_tier(signature) == backend for signature in [*kernel.signatures, *_cached(kernel)]):
        print(f"compiling {what} ({backend}) once, 10 to 30 s; later runs load it", file=sys.stderr, flush=True)


def _tier(signature: object) -> str:
    return "jit" if "FunctionType" in str(signature) else "vm"


def _cached(kernel: Any) -> list[object]:
    """Return the signatures that are in the cache on disk; none where this version of Numba does not say."""
    try:
        return [signature for signature, *_ in kernel._cache._cache_file._load_index()]
    except (AttributeError, OSError, TypeError, ValueError):
        return []
