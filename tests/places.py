"""The slots of the rule of a grammar with one table."""

from rulesearch.grammar import ONE, RuleSlot

ON_PRE, ON_POST, DRIFT, ON_STEP = (RuleSlot(ONE, slot) for slot in ("on_pre", "on_post", "drift", "on_step"))
