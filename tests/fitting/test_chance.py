"""The distributions of fits are those of `scipy.stats`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rulesearch.fitting.chance import chi_square_above, chi_square_quantile, student_t_log_density


@pytest.mark.parametrize("freedom", [1, 3, 40])
def test_they_are_those_of_scipy(freedom: int) -> None:
    assert chi_square_quantile(0.95, freedom) == pytest.approx(stats.chi2.ppf(0.95, freedom), rel=1e-12)
    assert chi_square_above(7.0, freedom) == pytest.approx(stats.chi2.sf(7.0, freedom), rel=1e-12)
    values = np.linspace(-9.0, 9.0, 7)
    assert np.allclose(student_t_log_density(values, freedom), stats.t.logpdf(values, freedom), rtol=1e-12)


def test_published_quantiles() -> None:
    # Tables of the chi-square distribution: 3.841 at 95 % and one degree of freedom, 18.307 at ten.
    assert chi_square_quantile(0.95, 1) == pytest.approx(3.841, abs=5e-4)
    assert chi_square_quantile(0.95, 10) == pytest.approx(18.307, abs=5e-4)
