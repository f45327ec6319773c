"""Floor 5: simulations that show what the known rules are known to do.

Every file of `rules/known/` names checks: a simulation of this package, the number that it must give, where that
number comes from, and a rule that must fail.
"""

from rulesearch.checks.checking import Checked, check_known, measure, run_check
from rulesearch.checks.simulations import SIMULATIONS, Measures, load_simulation

__all__ = ["SIMULATIONS", "Checked", "Measures", "check_known", "load_simulation", "measure", "run_check"]
