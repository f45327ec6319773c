"""Distributions that fits ask about; `scipy.stats` has them too, and takes longer to import than all the rest."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaincinv, stdtrit


def chi_square_quantile(share: float, freedom: float) -> float:
    """Return the value below which a share of a chi-square distribution lies."""
    return 2.0 * float(gammaincinv(freedom / 2.0, share))


def chi_square_above(value: float, freedom: float) -> float:
    """Return the share of a chi-square distribution that lies above a value."""
    return float(chdtrc(freedom, value))


def student_t_quantile(share: float, freedom: float) -> float:
    """Return the value below which a share of Student's t distribution lies."""
    return float(stdtrit(freedom, share))


def student_t_log_density(values: npt.NDArray[np.float64], freedom: float) -> npt.NDArray[np.float64]:
    """Return the logarithm of the density of Student's t distribution, of the shape of `values`."""
    scale = math.lgamma((freedom + 1.0) / 2.0) - math.lgamma(freedom / 2.0) - 0.5 * math.log(freedom * math.pi)
    found: npt.NDArray[np.float64] = scale - 0.5 * (freedom + 1.0) * np.log1p(values**2 / freedom)
    return found
