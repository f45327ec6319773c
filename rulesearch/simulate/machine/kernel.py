"""How kernels are compiled and kept: in a cache on disk that knows the sources of all of them.

Numba looks at the file of the kernel alone, and would go on using one whose callees changed in other files, after an
upgrade as well as after an edit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

_SIMULATE = Path(__file__).parent.parent


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator that compiles a function on first use, and loads it from the cache later.

    **Arguments:** `options` of `numba.njit`.
    """

    def decorate(function: Any) -> Any:
        dispatcher = njit(cache=True, **options)(function)
        # Where a version of Numba keeps its stamp elsewhere, its own stands.
        kept = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if kept is not None and hasattr(kept, "_source_stamp"):
            kept._source_stamp = (kept._source_stamp, _sources())
        return dispatcher

    return decorate


def kernel(function: Any) -> Any:
    """Compile a function that makes no array: no lock on Python, plain mathematics, a cache on disk.

    Without the counts of arrays' owners, which every view and every call would change by atomic instructions: a tenth
    of the time of a network. The caller keeps all arrays.
    """
    return compiled(**_KERNEL)(function)


def inlined(function: Any) -> Any:
    """Compile a function as `kernel` does, and put its code into each kernel that calls it.

    For what is called in every step: a call hands over every array of its arguments again.
    """
    return compiled(**_KERNEL, forceinline=True)(function)


_KERNEL = {"nogil": True, "error_model": "numpy", "_nrt": False}


@cache
def _sources() -> str:
    """Return a digest of all files that kernels are made from."""
    digest = hashlib.sha256()
    for path in [*sorted(_SIMULATE.rglob("*.py")), _SIMULATE.parent / "expression" / "operators.py"]:
        digest.update(path.relative_to(_SIMULATE.parent).as_posix().encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()
