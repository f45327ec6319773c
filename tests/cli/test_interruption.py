"""Ctrl-C at the command line ends it with code 130, whenever it comes, and keeps what was found."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rulesearch import interruption
from rulesearch.cli import main
from rulesearch.cli.live import LiveView
from rulesearch.report.page import page
from rulesearch.workflow.discover import resume

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the signal of Ctrl-C")

WORDS = ["discover", "oja", "--seed", "3", "--budget", "200", "--set", "points=200", "--set", "data_sets=2"]
PROGRAM = "print('begun', flush=True)\nfrom rulesearch.cli import program\nprogram()"


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Let Ctrl-C come through where whoever started the tests, such as a script in the background, has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c(*_: Any) -> None:
    signal.raise_signal(signal.SIGINT)


def test_where_it_is_asked_for_ctrl_c_waits_for_a_good_moment() -> None:
    with interruption.in_charge(), interruption.asked_between_steps():
        interruption.check()
        ctrl_c()
        assert interruption.came()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        interruption.check()
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_a_search_ends_after_the_batch_with_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LiveView, "watch", lambda self, problem: problem.progress.generation == 1 and ctrl_c())
    folder = tmp_path / "run"
    assert main([*WORDS, "--no-report", "--json", "--out", str(folder)]) == 130
    printed = capsys.readouterr()
    assert '"status": "interrupted"' in printed.out
    assert printed.err.endswith(f"interrupted; go on with: rulesearch resume {folder}\n")
    assert len((folder / "front.csv").read_text().splitlines()) > 1
    assert resume(folder).status == "done"


def test_ctrl_c_while_the_page_is_written_leaves_a_brief_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gather = page.gather

    def interrupted(*arguments: Any) -> Any:
        ctrl_c()
        return gather(*arguments)

    monkeypatch.setattr(page, "gather", interrupted)
    folder = tmp_path / "run"
    words = ["discover", "oja", "--engine", "random", "--budget", "10", "--set", "points=200", "--out", str(folder)]
    assert main(words) == 130
    printed = capsys.readouterr()
    assert f"interrupted: {folder}/report.html is not complete; type: rulesearch report {folder}" in printed.err
    assert "(done)" in printed.out
    assert (folder / "report.html").is_file() and (folder / "front.csv").is_file()


FIRST = "interruption._Count.waiting = 1; os.kill(os.getpid(), signal.SIGINT); "
GOES_ON = "going = interruption.resumable(pathlib.Path('my-run')); going.__enter__(); "


@pytest.mark.parametrize(
    ("before", "told"), [("", ""), (FIRST, ""), (GOES_ON + FIRST, "; go on with: rulesearch resume my-run")]
)
def test_it_ends_at_once_where_nothing_is_searched_and_the_second_time(before: str, told: str, tmp_path: Path) -> None:
    left = tmp_path / ".half"
    left.write_text("half of a file")
    script = (
        "import os, pathlib, signal, time; from rulesearch import interruption; interruption.take_charge(); "
        f"interruption.unfinished.add(pathlib.Path({str(left)!r})); {before}"
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    )
    done = started([sys.executable, "-c", script])
    out, err = done.communicate(timeout=30)
    assert (done.returncode, out, err) == (130, "", f"error: interrupted{told}\n")
    assert not left.exists()


def started(words: list[str]) -> subprocess.Popen[str]:
    """Start a process that can be interrupted; a shell in the background hands down an ignored SIGINT."""
    default: Callable[[], Any] = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=default, start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_at_any_moment_it_ends_with_130_and_no_traceback(workers: str, tmp_path: Path) -> None:
    rng = random.Random(workers)
    for number in range(5):
        folder = tmp_path / str(number)
        process = started([sys.executable, "-c", PROGRAM, *WORDS, "--workers", workers, "--out", str(folder)])
        assert process.stdout is not None
        process.stdout.readline()
        delay = 0.2 + 8.0 * rng.random() ** 2
        time.sleep(delay)
        ended = process.poll() is not None
        if not ended:
            # The whole group, as a terminal does.
            os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert process.returncode == (0 if ended else 130), (delay, err)
        assert "Traceback" not in err and "Exception" not in err, (delay, err)
        # Whatever was begun can be read, and goes on.
        assert not folder.exists() or (folder / "front.csv").is_file(), (delay, err)
