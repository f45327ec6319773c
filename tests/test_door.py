"""What stands at the door says the same as the package: version, Python, names, links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "experiments/benchmarks/README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "developing").glob("*.md"))


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def cited(field: str) -> str:
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    found = re.search(rf'^(?: *- *)?{field}: "?([^"\n]*)"?$', text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_citation_is_that_of_this_version_and_of_rulesearch_cite() -> None:
    assert cited("version") == rs.__version__
    assert cited("license") == project()["license"]
    own = next(each.bibtex for each in rs.cite("x*y") if each.key == "rulesearch")
    assert f"title = {{{cited('title')}}}" in own and f"author = {{{{{cited('name')}}}}}" in own


def test_the_newest_changes_are_of_this_version() -> None:
    first = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first is not None and first[1] == rs.__version__


def test_python_is_said_once() -> None:
    least = project()["requires-python"].removeprefix(">=")
    listed = [each.rsplit(" ", 1)[1] for each in project()["classifiers"] if re.search(r":: 3\.\d+$", each)]
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    tried = re.findall(r'"(3\.\d+)"', workflow)
    assert listed == tried and listed[0] == least
    assert f"Python {listed[0]} to {listed[-1]}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert ".ci/run" in workflow


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", text):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "docs/developing/architecture.md", "docs/developing/adding-a-thing.md"]
)
def test_paths_that_developers_are_sent_to_are_there(name: str) -> None:
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]*)`", (ROOT / name).read_text("utf-8"))
    assert named
    for path in named:
        places = (ROOT / path, ROOT / "rulesearch" / path, ROOT / "rulesearch" / "simulate" / path)
        assert "NAME" in path or any(place.exists() for place in places), path
