"""What time leaves of a leaky membrane and of the synaptic current into it, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Membrane(NamedTuple):
    r"""A leaky membrane with exponential currents: $\tau_m \dot v = -v + I/g$, $\tau_s \dot I = -I$.

    **Fields:** `tau` and `tau_synapse` [s], which differ; `leak` g [nS].
    """

    tau: float
    tau_synapse: float
    leak: float

    def after(self, seconds: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Return what is left of v and of I after a while, and v [mV] per I [pA] at its begin; of the shape given."""
        left, current_left = np.exp(-np.asarray(seconds) / self.tau), np.exp(-np.asarray(seconds) / self.tau_synapse)
        return (
            left,
            current_left,
            (left - current_left) * self.tau_synapse / (self.leak * (self.tau - self.tau_synapse)),
        )
