"""How the kernels of spiking networks are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit


def kernel(function: Any) -> Any:
    """Compile a function that makes no array: no lock on Python, plain mathematics, a cache on disk.

    Without the counts of arrays' owners, which every view and every call would change by atomic instructions: a tenth
    of the time of a network. The caller keeps all arrays.
    """
    return njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
