"""How often a run looked at what it holds out: once, unless it goes on with other limits after it was concluded.

A run that goes on to the same end scores the same rules anew, which tells nothing new. One that goes on with another
budget chooses again, by someone who knows what was held out; its seeds stay those of the run, so that the same search
has the same result, and its conclusion says that they were seen.
"""

from __future__ import annotations

import json

from rulesearch.evaluation.store import Store
from rulesearch.wording import counted

_FACT = "looks"


def looked_before(store: Store, distinct: int, held_out_on: str) -> str:
    """Note that a search looks at what is held out, and return in words when it was looked at before; empty for never.

    **Arguments:** `distinct`: rules that were tried when the search ended; `held_out_on`: what is held out, in words,
    empty where nothing is.
    """
    seen = _seen(store)
    if held_out_on and distinct not in seen:
        store.set_fact(_FACT, json.dumps([*seen, distinct]))
    others = [number for number in seen if number != distinct]
    if not held_out_on or not others:
        return ""
    after = " and ".join(counted(number, "distinct rule") for number in others)
    return f"the {held_out_on} were looked at before, after {after}"


def _seen(store: Store) -> list[int]:
    """Return after how many distinct rules it was looked at; of older runs, at the end that is told of."""
    noted = store.fact(_FACT)
    if noted is not None:
        return [int(number) for number in json.loads(noted)]
    told = json.loads(store.fact("summary") or "{}")
    return [told["distinct"]] if told.get("held_out_on") and told.get("status") != "interrupted" else []
