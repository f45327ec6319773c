"""The posterior over numbers in given ranges, given what simulations with them did: neural posterior estimation.

A normalising flow is fitted to pairs of parameters and metrics (Papamakarios & Murray 2016, NeurIPS 29; package sbi,
doi:10.21105/joss.02505). Parameters are shares of their ranges, and the flow lives in their logits, so that all it
draws lies within; of a metric m with scale s it sees arsinh(m/s).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import MissingPartError

Array = npt.NDArray[np.float64]

_EDGE = 1e-6
"""Shares nearer to the ends of the range count as this near: their logits are finite."""
_EPOCHS = 1000


def need_sbi() -> Any:
    """Return the module sbi; raises `MissingPartError` where it is not installed."""
    try:
        import sbi.inference
    except ImportError:
        raise MissingPartError("posteriors need sbi; install it with: pip install 'rulesearch[inference]'") from None
    return sbi


class Posterior:
    """A posterior that was fitted to simulations.

    **Arguments:** `shares` `(simulations, parameters)`: parameters as shares of their ranges, 0 to 1; `metrics`
    `(simulations, metrics)`, all finite; `scales` `(metrics,)`: sizes beside which metrics are small or
    large; `rng` seeds the training.
    **Raises:** `MissingPartError` without sbi.
    """

    def __init__(self, shares: Array, metrics: Array, scales: Array, rng: np.random.Generator) -> None:
        need_sbi()
        import torch
        from sbi.inference import NPE

        self._torch, self._scales = torch, scales
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            threads = torch.get_num_threads()
            # The order of sums, and so the flow, must not depend on how many processors there are.
            torch.set_num_threads(1)
            try:
                # By default sbi keeps a log of each training in the folder where it runs.
                inference = NPE(density_estimator="nsf", show_progress_bars=False, tracker=_NoTracker())
                inference.append_simulations(self._tensor(_logit(shares)), self._tensor(self._seen(metrics)))
                # sbi prints how it went, where a document may be expected.
                with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._flow = inference.train(max_num_epochs=_EPOCHS)
            finally:
                torch.set_num_threads(threads)

    def sample(self, metrics: Array, rng: np.random.Generator, draws: int = 1) -> Array:
        """Return parameters `(draws, conditions, parameters)` for each row of `metrics` `(conditions, metrics)`."""
        torch = self._torch
        with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(int(rng.integers(2**62)))
            drawn = self._flow.sample((draws,), condition=self._tensor(self._seen(metrics)))
        return np.asarray(1.0 / (1.0 + np.exp(-drawn.numpy().astype(np.float64))))

    def _seen(self, metrics: Array) -> Array:
        return np.arcsinh(metrics / self._scales)

    def _tensor(self, values: Array) -> Any:
        return self._torch.as_tensor(values, dtype=self._torch.float32)


class _NoTracker:
    """What sbi tells of a training, told to nobody."""

    log_dir = None

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Keep nothing."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Keep nothing."""

    def log_params(self, params: dict[str, Any]) -> None:
        """Keep nothing."""

    def add_figure(self, name: str, figure: Any, step: int | None = None) -> None:
        """Keep nothing."""

    def flush(self) -> None:
        """Do nothing."""


def _logit(shares: Array) -> Array:
    kept = np.clip(shares, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(kept / (1.0 - kept)))
