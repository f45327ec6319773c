"""
Oja's rule at work
==================

Ten data sets at a time: the weights, their length, and their angle to the first principal component.
"""

# %%

import rulesearch as rs
from rulesearch.report.figures import comparison_figure

learning = rs.plot("oja", "oja")

# %%
# What it does to a weight, over both activities:

surface = rs.plot("oja")

# %%
# Beside other rules, each at its own and at its best learning rate. Hebb's rule runs away.

found = rs.side_by_side("oja", ["hebb", "bcm"], task="oja", seeds=2)
beside = comparison_figure(rs.known_rules()["oja"].rules, found)
for each in found:
    print(f"{each.label}: {each.outcome.status}, loss {each.outcome.loss}")
