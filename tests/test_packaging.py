"""The wheel holds everything: it is built, installed into an environment of its own, and used from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def names(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / folder).glob("*.toml")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("rulesearch-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that has the wheel; the packages it needs are those of this one."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = str(program(folder, "python"))
    words = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(words, check=True, capture_output=True, timeout=240)
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    ours = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (Path(place) / "packages_of_the_tests.pth").write_text("\n".join(ours) + "\n")
    return folder


def program(environment: Path, name: str) -> Path:
    windows = sys.platform == "win32"
    return environment / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)


def call(environment: Path, empty: Path, *words: str) -> Any:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(program(environment, "rulesearch")), *words, "--json"]
    done = subprocess.run(command, cwd=empty, env=clean, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_wheel_holds_code_and_files_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    expected = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rulesearch").rglob("*.py")}
    for suffix in ("toml", "jinja", "css", "js", "txt", "typed"):
        paths = list((ROOT / "rulesearch").rglob(f"*.{suffix}"))
        assert paths
        expected |= {path.relative_to(ROOT).as_posix() for path in paths}
    assert expected <= found
    for kind in ("grammars", "experiments"):
        for path in (ROOT / kind).glob("*.toml"):
            assert f"rulesearch/_shipped/{kind}/{path.name}" in found
    outside = {name for name in found if not name.startswith(("rulesearch/", "rulesearch-"))}
    assert not outside
    assert not [name for name in found if "__pycache__" in name or name.endswith((".pyc", ".sqlite", ".nbi", ".nbc"))]


def test_shipped_files_are_found_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    python = str(program(installed, "python"))
    words = [python, "-c", "import rulesearch; print(rulesearch.__file__)"]
    where = subprocess.run(words, cwd=tmp_path, env=clean, check=True, capture_output=True, text=True).stdout
    assert where.startswith(str(installed))
    grammars = call(installed, tmp_path, "grammars")["grammars"]
    assert {entry["name"] for entry in grammars} == names("grammars")
    experiments = call(installed, tmp_path, "experiments")["experiments"]
    assert {entry["name"] for entry in experiments} == names("experiments")
    rules = call(installed, tmp_path, "rules")["rules"]
    assert {entry["name"] for entry in rules} == names("rulesearch/rules/known")
    assert list(tmp_path.iterdir()) == []


def test_a_search_runs_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    words = ("discover", "oja", "--engine", "random", "--budget", "20", "--set", "points=200", "--out", "run")
    assert call(installed, tmp_path, *words)["status"] == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
