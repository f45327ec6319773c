"""Standard output and error that are closed, full, or a pipe whose reader has gone."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from rulesearch.cli import main
from rulesearch.cli.streams import LenientStream

needs_devices = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


class Gone(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which $R is the program; its code is that of the first part of a pipe."""
    line = f'R="{sys.executable} -m rulesearch"; {script}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300)


def test_what_cannot_be_written_is_given_up() -> None:
    stream = LenientStream(Gone())
    assert (stream.write("one"), stream.write("two")) == (3, 3)
    stream.flush()
    assert isinstance(stream.error, BrokenPipeError)


def test_a_search_goes_on_where_its_progress_cannot_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["discover", "oja", "--engine", "random", "--budget", "10", "--set", "points=200", "--no-report"]
    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setattr(sys, "stdout", Gone())
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "front.csv").read_text().startswith("rank,")


@pytest.mark.slow
@needs_devices
@pytest.mark.parametrize(
    ("streams", "code"),
    [("2>&1 >/dev/null | head -1", 0), ("2>&-", 0), (">&-", 0), (">/dev/full", 2)],
)
def test_a_search_ends_with_0_only_where_all_was_said_and_its_front_stands(
    streams: str, code: int, tmp_path: Path
) -> None:
    search = "$R discover oja --engine random --budget 10 --set points=200 --no-report --out run"
    done = shell(f"{search} {streams}", tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert (tmp_path / "run" / "front.csv").read_text().startswith("rank,")


@needs_devices
@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        ("$R rules --json >/dev/full", 2, "error: standard output cannot be written: No space left on device\n"),
        ("$R --help >/dev/full", 2, "error: standard output cannot be written: No space left on device\n"),
        ("$R --help | true", 0, ""),
        ("$R engines >&- 2>&- <&-", 0, ""),
        ("$R nothing 2>&-", 2, ""),
        ("$R nothing 2>/dev/full", 2, ""),
    ],
)
def test_every_command_bears_streams_that_are_closed_or_full(call: str, code: int, said: str, tmp_path: Path) -> None:
    done = shell(call, tmp_path)
    assert (done.returncode, done.stderr) == (code, said)
