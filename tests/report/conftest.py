"""A small run with an awkward description, its report written."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.run import Run

AWKWARD = 'grows <script>alert("x")</script> & "oja" </style><script>alert(2)</script>'


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a few hundred rules on oja, described by a script."""
    folder = tmp_path_factory.mktemp("reported") / "run"
    experiment = Experiment("Oja + more", "oja", "rate", AWKWARD, seed=3, budget=400)
    return rs.discover(experiment, out=folder, start="y*(x - w*y)")


@pytest.fixture
def page(reported: Run) -> Path:
    """The page of that run."""
    return reported.folder / "report.html"


@pytest.fixture(scope="session")
def pair_page(pair_run: Run) -> Path:
    """The page of a run of two rules that act together."""
    return rs.write_report(pair_run)
