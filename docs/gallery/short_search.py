"""
A short search
==============

Two thousand rules, and the front that they leave.
"""

# %%

import tempfile

import rulesearch as rs

folder = tempfile.mkdtemp() + "/run"
run = rs.discover("oja", budget=2000, seed=5, out=folder, report=False)
print(run.conclusion)
front = rs.plot(run)

# %%
# Each rule of the front, and what it is beside known ones:

for member in run.members:
    print(f"size {member.size}, held-out loss {member.held_out_loss:.3g}: {member.rules} ({member.compared})")
