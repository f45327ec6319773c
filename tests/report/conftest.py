"""A small run with awkward names, its report written."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulesearch as rs
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.run import Run

AWKWARD = '<script>alert("x")</script> & "oja"'


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a few hundred rules on oja, described by a script."""
    folder = tmp_path_factory.mktemp("reported") / "run"
    experiment = Experiment("awkward", "oja", "rate", f"{AWKWARD} </style><script>alert(2)</script>", "deap", 3, 400)
    return rs.discover(experiment, out=folder, start="y*(x - w*y)")


@pytest.fixture
def page(reported: Run) -> Path:
    """The page of that run."""
    return reported.folder / "report.html"
