"""Where jobs are run beside the process that searches: processes of this machine, or the workers of a Dask cluster.

Both give futures, and both may lose what they were given: workers are killed, networks break.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.resource_tracker
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from rulesearch.errors import MissingPartError, RulesearchError
from rulesearch.interruption import awaited

_TRIES = 4
"""How many processes a call may lose; then it is the call that kills them, or something that goes on."""
_SECONDS_TO_END = 1.0
_SECONDS_TO_CONNECT = 10.0
_SECONDS_BETWEEN_COUNTS = 10.0
_ADDRESS = re.compile(r"inproc://\S+|((tcp|tls|ucx|wss?)://)?[^\s/]+:[0-9]{1,5}")
_EXAMPLE = ", such as tcp://127.0.0.1:8786"


class LostWorkersError(RulesearchError):
    """What simulates beside this process is gone for good; nothing that was found before is lost."""


class Workers(ABC):
    """What calls functions elsewhere."""

    @property
    @abstractmethod
    def cores(self) -> int:
        """How many calls go on at the same time, as far as is known now."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Begin to call a function; raises `LostWorkersError` where there is nobody left to do it."""

    @abstractmethod
    def result(self, future: Future[Any]) -> Any:
        """Wait for what a call gives; raises what it raises, or `LostWorkersError`."""

    @abstractmethod
    def close(self) -> None:
        """Stop at once; calls that have not ended are dropped."""


class Processes(Workers):
    """Processes of this machine; where one is killed, another takes its place and its call.

    Each has a thread here that speaks with it. They import this package and what a task needs, never the script that
    searches: that needs no main guard.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._threads = ThreadPoolExecutor(number, "worker")
        self._here = threading.local()
        self._children: set[_Child] = set()
        self._closed = False
        # Started now, since it would undo the blocking of Ctrl-C while a process begins.
        multiprocessing.resource_tracker.ensure_running()

    @property
    def cores(self) -> int:
        # This process helps while it waits.
        return self._number + 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self._threads.submit(self._call, function, arguments)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        for _ in range(_TRIES):
            child: _Child | None = getattr(self._here, "child", None)
            if child is None:
                child = self._here.child = _Child()
                self._children.add(child)
            if self._closed:
                child.end()
                raise CancelledError
            try:
                good, value = child.call(function, arguments)
            except (EOFError, OSError):
                child.end()
                self._children.discard(child)
                self._here.child = None
                continue
            if good:
                return value
            raise value
        raise LostWorkersError(
            f"{_TRIES} worker processes ended one after the other: something kills them, or they need more memory than "
            "there is"
        )

    def result(self, future: Future[Any]) -> Any:
        return awaited(future)

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children):
            child.end()


class _Child:
    """A process that calls what it is sent, one after the other, and ends with this one."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, other = context.Pipe()
        # Temporary files of a process that is killed would stay for good.
        scratch = tempfile.mkdtemp(prefix="rulesearch-worker-")
        self._clear = weakref.finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self.process = context.Process(target=_serve, args=(os.getpid(), other, scratch), daemon=True)
        with _as_a_child_begins():
            self.process.start()
        other.close()

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """Return whether the call went well, and what it gave or raised; raises `EOFError` where the process ended."""
        self._line.send((function, arguments))
        answer: tuple[bool, Any] = self._line.recv()
        return answer

    def end(self) -> None:
        self.process.kill()
        self.process.join(_SECONDS_TO_END)
        self._clear()


_beginning = threading.Lock()


@contextmanager
def _as_a_child_begins() -> Iterator[None]:
    """Keep from a process that is started now the script of this one, and Ctrl-C, about which this one decides."""
    blocks = hasattr(signal, "pthread_sigmask")
    with _beginning:
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if blocks else set()
        try:
            yield
        finally:
            sys.modules["__main__"] = script
            if blocks:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(parent: int, line: Any, scratch: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch
    threading.Thread(target=_end_with, args=(parent, scratch), daemon=True).start()
    while True:
        try:
            function, arguments = line.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(*arguments)
        except Exception as error:
            answer = False, error
        line.send(answer)


def _end_with(parent: int, scratch: str) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


class Cluster(Workers):
    """The workers of a Dask scheduler.

    **Arguments:** `address`, such as `tcp://127.0.0.1:8786`.
    **Raises:** `MissingPartError` where Dask is not installed; `RulesearchError` where no scheduler answers.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client, KilledWorker
        except ImportError:
            raise MissingPartError(
                "--scheduler needs Dask; install it with: pip install 'rulesearch[cluster]'"
            ) from None
        self._address = address
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise RulesearchError(f"{address!r} is no address of a Dask scheduler; expected tcp://host:port{_EXAMPLE}")
        _quieten()
        try:
            self._client = Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
        except Exception as error:
            raise RulesearchError(
                f"no Dask scheduler answers at {address} ({_first_line(error)}); start one with: dask scheduler"
            ) from None
        self._executor = self._client.get_executor(pure=False)
        # Work of a worker that dies goes to another one, until Dask takes it to be what kills them.
        self._lost = (CancelledError, KilledWorker, ImportError, OSError)
        self._counted, self._cores = 0.0, 1

    @property
    def cores(self) -> int:
        now = time.monotonic()
        if now - self._counted > _SECONDS_BETWEEN_COUNTS:
            self._counted = now
            # Whether the scheduler is gone shows when something is given to it.
            with suppress(Exception):
                self._cores = max(1, sum(self._client.nthreads().values()))
        return self._cores

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            if self._client.status != "running":
                raise CancelledError
            future: Future[Any] = self._executor.submit(function, *arguments)
        except Exception as error:
            raise self._failure(error) from None
        return future

    def result(self, future: Future[Any]) -> Any:
        try:
            return awaited(future)
        except self._lost as error:
            raise self._failure(error) from None

    def _failure(self, error: BaseException) -> LostWorkersError:
        what = "does not answer any more" if isinstance(error, CancelledError) else f"failed: {_first_line(error)}"
        return LostWorkersError(f"the Dask cluster at {self._address} {what}")

    def close(self) -> None:
        with suppress(Exception):
            self._executor.shutdown(wait=False)
        with suppress(Exception):
            self._client.close(timeout=2)


def _quieten() -> None:
    """Keep Dask from logging what is told in one line, or is no matter."""
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
