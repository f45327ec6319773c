"""Rate neurons that learn by a rule, many data sets at once, and their derivatives."""
