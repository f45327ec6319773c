"""Ctrl-C at the command line: a search takes note of it and ends at the next good moment; anything else ends at once.

Raised at any moment, an interruption may fall into an import, a callback or a clean-up and be lost, or look like
another error. So the command line counts it, and whatever takes long asks between its steps. Where nobody is in charge
(a notebook, a script) Python raises `KeyboardInterrupt` as ever, and nothing here does anything.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path
    from types import FrameType
    from typing import Any

CODE = 130
"""The exit code of a program that was interrupted."""

unfinished: set[Path] = set()
"""Files that are being written, to be put in their place when they are complete."""

_SECONDS_BETWEEN_LOOKS = 0.2


class _Count:
    """How often Ctrl-C came, how many of these times were acted on, how many want to be asked, and what goes on."""

    came = answered = waiting = 0
    folder: Path | None = None


def take_charge() -> bool:
    """Count Ctrl-C from now on, where this is the main thread and it is not ignored; return whether that is so."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return False
    signal.signal(signal.SIGINT, _on_signal)
    return True


@contextmanager
def in_charge() -> Iterator[None]:
    """Count Ctrl-C, and leave it afterwards to who had it before."""
    before = signal.getsignal(signal.SIGINT)
    _Count.came = _Count.answered = 0
    taken = take_charge()
    try:
        yield
    finally:
        if taken:
            signal.signal(signal.SIGINT, before)


@contextmanager
def asked_between_steps() -> Iterator[None]:
    """Let the first Ctrl-C wait until `check` is called; the second one ends the program at once."""
    _Count.waiting += 1
    try:
        yield
    finally:
        _Count.waiting -= 1


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Let an interruption that ends the program at once say what to type to go on."""
    _Count.folder = folder
    try:
        yield
    finally:
        _Count.folder = None


def check() -> None:
    """Raise `KeyboardInterrupt` if Ctrl-C came and was not acted on; for the main thread, where it may well end."""
    if _Count.came > _Count.answered and threading.current_thread() is threading.main_thread():
        _Count.answered = _Count.came
        raise KeyboardInterrupt


def came() -> bool:
    """Return whether Ctrl-C came at all."""
    return _Count.came > 0


def awaited(future: Future[Any], seconds: float | None = None) -> Any:
    """Return the result of a future; Ctrl-C is looked at while it is waited for.

    **Raises:** what the future raises; `TimeoutError` where it has not come after so many seconds.
    """
    from concurrent.futures import wait

    end = None if seconds is None else time.monotonic() + seconds
    while not future.done():
        left = _SECONDS_BETWEEN_LOOKS if end is None else end - time.monotonic()
        if left <= 0.0:
            raise TimeoutError
        wait([future], timeout=min(_SECONDS_BETWEEN_LOOKS, left))
        check()
    return future.result()


def _on_signal(number: int, frame: FrameType | None) -> None:
    _Count.came += 1
    if not _Count.waiting or _Count.came > 1:
        leave()


def leave() -> None:
    """End the program at once; files that are not complete are taken away."""
    for path in list(unfinished):
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):
        # A live view hides the cursor of its terminal.
        hint = "" if _Count.folder is None else f"; go on with: rulesearch resume {_Count.folder}"
        os.write(2, (b"\x1b[?25h" if os.isatty(2) else b"") + f"error: interrupted{hint}\n".encode())
    os._exit(CODE)
