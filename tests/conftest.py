"""What all tests share: Hypothesis without a clock, so that a busy machine does not make a test fail."""

from __future__ import annotations

import pytest
from hypothesis import settings
from kept_runs import kept_run

from rulesearch.workflow.run import Run

settings.register_profile("rulesearch", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("rulesearch")


@pytest.fixture(scope="session")
def pair_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two rules that act together, without a page."""
    return kept_run(tmp_path_factory.mktemp("pair") / "run")
