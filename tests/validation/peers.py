"""Other simulators, each in an environment of its own outside of the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def make_environment(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment with the requirements installed and return its Python; skip where pip cannot."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    words = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    if done.returncode:
        pytest.skip(f"{' '.join(requirements)} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return python


def run_peer(python: Path, script: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run a script of this folder with a JSON task on its standard input and return the result that it prints."""
    done = subprocess.run(
        [str(python), str(HERE / script)], input=json.dumps(task), capture_output=True, text=True, timeout=900
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("RESULT "))
    return found
