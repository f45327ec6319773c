"""CMA-ES (Hansen 2016, arXiv:1604.00772; package cma) over shares of ranges, with chance from a given generator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt


def cma_strategy(centre: npt.NDArray[np.float64], step: float, population: int, rng: np.random.Generator) -> Any:
    """Return a strategy of package cma whose points lie in 0 to 1.

    **Arguments:** `centre` `(numbers,)`, two at least; `step`: first standard deviation.
    """
    import cma

    options = {
        "bounds": [0.0, 1.0],
        "popsize": population,
        "seed": float("nan"),
        "randn": lambda *shape: rng.standard_normal(shape),
        "verbose": -9,
        "maxiter": 10**6,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cma.CMAEvolutionStrategy(centre, step, options)
