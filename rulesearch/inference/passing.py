"""Which parameters pass a filter, learnt from simulations that did and that did not, those that died among them.

A random forest (Breiman 2001, doi:10.1023/A:1010933404324; package scikit-learn): some hundreds of simulations in two
dozen dimensions tell a forest which corner is hopeful, where a density of all metrics is not known yet.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rulesearch.errors import MissingPartError

Array = npt.NDArray[np.float64]

_TREES = 300
_LEAF = 3
"""Simulations in a leaf, at least."""


class Passing:
    """How likely parameters pass.

    **Arguments:** `shares` `(simulations, parameters)`: parameters as shares of their ranges; `passed`
    `(simulations,)`; `rng` seeds the forest.
    **Raises:** `MissingPartError` without scikit-learn.
    """

    def __init__(self, shares: Array, passed: npt.NDArray[np.bool_], rng: np.random.Generator) -> None:
        try:
            from sklearn.ensemble import RandomForestClassifier
        except ImportError:
            raise MissingPartError(
                "which parameters pass is learnt by scikit-learn; install it with: pip install 'rulesearch[inference]'"
            ) from None
        seed = int(rng.integers(2**31))
        forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF, n_jobs=1, random_state=seed)
        self._forest = forest.fit(shares, passed)

    def chance(self, shares: Array) -> Array:
        """Return the chance `(draws,)` that parameters `(draws, parameters)` pass."""
        sure = list(self._forest.classes_)
        if True not in sure:
            return np.zeros(len(shares))
        found: Array = self._forest.predict_proba(shares)[:, sure.index(True)]
        return found
