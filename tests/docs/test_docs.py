"""The documentation is true: it builds without a warning, and every block of code in it and in the README runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [page for folder in ("", "developing", "science") for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
PAGES += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^>]*) -->\n)?```(?P<kind>\{?[\w-]*\}?)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_RUN, _SHOWN = ("sh", "python"), ("toml", "console", "text", "{toctree}", "{literalinclude}", "{eval-rst}")


@dataclass(frozen=True)
class Block:
    """A block of code: its kind, its text, and what the comment before it says."""

    kind: str
    text: str
    note: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [Block(match["kind"], match["text"], match["note"] or "") for match in _BLOCK.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_only_shown_for_a_reason(page: Path) -> None:
    for block in blocks_of(page):
        assert block.kind in (*_RUN, *_SHOWN)
        # The README shows searches of minutes too, and those who develop run tests; what the guides show is quick.
        if block.note == "run: no" and page.parent == ROOT / "docs":
            assert "pip install" in block.text


_IMPORT = re.compile(r"^[ \">]*(?:from|import) (rulesearch[\w.]*)", re.MULTILINE)
_SHOWN_CODE = [
    *PAGES,
    *NOTEBOOKS,
    *sorted((ROOT / "docs" / "gallery").glob("*.py")),
    *sorted((ROOT / "rulesearch" / "cli" / "starters").glob("*.txt")),
]


@pytest.mark.parametrize("path", _SHOWN_CODE, ids=lambda path: path.stem)
def test_what_users_import_is_in_the_face_of_a_package(path: Path) -> None:
    deep = [name for name in _IMPORT.findall(path.read_text("utf-8")) if name.count(".") > 1]
    assert set(deep) <= {"rulesearch.report.figures"}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_runs(page: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "MPLBACKEND": "Agg"}
    for block in blocks_of(page):
        if block.note.startswith("file: "):
            (tmp_path / block.note.removeprefix("file: ")).write_text(block.text, "utf-8")
        if block.kind not in _RUN or block.note == "run: no":
            continue
        words = ["bash", "-e", "-c", block.text] if block.kind == "sh" else [sys.executable, "-c", block.text]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, f"{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.slow
def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    for name in ("sphinx", "myst_nb", "sphinx_gallery", "furo"):
        pytest.importorskip(name)
    words = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path / "html")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=550, env={**os.environ, "MPLBACKEND": "Agg"})
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("start", "notebooks/discover", "examples/short_search", "api"):
        assert (tmp_path / "html" / f"{name}.html").is_file()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_results(notebook: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.read(notebook, 4).cells
    assert len(cells) > 5
    assert all(not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code")


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    read = nbformat.read(notebook, 4)
    nbclient.NotebookClient(read, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any(cell.get("outputs") for cell in read.cells)
