"""The memory of a search gives back what it was told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesearch.evaluation.outcome import Outcome
from rulesearch.search.memory import Memory

KEYS = st.integers(0, 2**96 - 1).map(lambda number: f"{number:024x}")
NUMBERS = st.floats(allow_nan=False, width=64)
ALIVE = st.builds(
    Outcome,
    st.just("ok"),
    NUMBERS,
    st.dictionaries(st.sampled_from(["a", "b", "c"]), NUMBERS),
    st.lists(NUMBERS, max_size=4).map(tuple),
    st.integers(0, 2**50),
)
DEAD = st.sampled_from(["runaway", "silent", "nonfinite"]).map(lambda status: Outcome(status, None, {}, (), 7, 0.5))


@given(st.lists(st.tuples(KEYS, st.integers(1, 99), st.one_of(ALIVE, DEAD)), unique_by=lambda item: item[0][:16]))
def test_outcomes_come_back_as_they_were(items: list[tuple[str, int, Outcome]]) -> None:
    memory = Memory()
    for key, size, outcome in items:
        assert not memory.screened(key)
        memory.keep(key, size, outcome)
    assert len(memory) == len(items)
    for key, size, outcome in items:
        found = memory.outcome(key)
        assert memory.size(key) == size
        assert (found.status, found.loss) == (outcome.status, outcome.loss)
        if outcome.ok:
            assert (found.metrics, found.work) == (outcome.metrics, outcome.work)
            moderate = [min(max(case, -3e38), 3e38) for case in outcome.cases]
            assert found.cases == pytest.approx(moderate, rel=1e-7, abs=1e-37)


def test_a_function_that_was_met_has_no_outcome_yet_and_keeps_its_least_size() -> None:
    memory = Memory()
    key = "0" * 24
    assert memory.size(key) is None
    memory.meet(key, 9)
    memory.meet(key, 5)
    memory.meet(key, 7)
    assert memory.size(key) == 5
    assert not memory.screened(key)
