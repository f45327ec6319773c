"""Which parameters pass filters, learnt from simulations that did and that did not, those that died among them.

Extremely randomised trees (Geurts, Ernst & Wehenkel 2006, doi:10.1007/s10994-006-6226-1; package scikit-learn): some
hundreds of simulations in two dozen dimensions tell them which corner is hopeful, where a density of all metrics is not
known yet. They learn each bound for itself: of bounds that no simulation met all at once, each was met by many.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rulesearch.errors import MissingPartError

Array = npt.NDArray[np.float64]

_TREES = 300
_LEAF = 3
"""Simulations in a leaf, at least."""
_LEAST = 1e-3
"""Chance of a bound, at least: what was never met so far is not out of the question."""


class Passing:
    """How likely parameters pass.

    **Arguments:** `shares` `(simulations, parameters)`: parameters as shares of their ranges; `met`
    `(simulations, bounds)`: which bounds were kept to, none by what died; `rng` seeds the trees.
    **Raises:** `MissingPartError` without scikit-learn.
    """

    def __init__(self, shares: Array, met: npt.NDArray[np.bool_], rng: np.random.Generator) -> None:
        try:
            from sklearn.ensemble import ExtraTreesRegressor
        except ImportError:
            raise MissingPartError(
                "which parameters pass is learnt by scikit-learn; install it with: pip install 'rulesearch[inference]'"
            ) from None
        seed = int(rng.integers(2**31))
        trees = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, n_jobs=1, random_state=seed)
        known = met.astype(np.float64)
        self._trees = trees.fit(shares, known[:, 0] if known.shape[1] == 1 else known)

    def chance(self, shares: Array) -> Array:
        """Return the logarithm `(draws,)` of the chance that parameters `(draws, parameters)` meet all bounds.

        Each bound is as likely as the trees say, whatever becomes of the others.
        """
        found: Array = np.asarray(self._trees.predict(shares), dtype=np.float64).reshape(len(shares), -1)
        total: Array = np.log(np.maximum(found, _LEAST)).sum(axis=1)
        return total
