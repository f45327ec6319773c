"""Floor 9: the command line; each command is a few lines over the Python interface.

Nothing is imported here that takes time: Ctrl-C is looked after before anything else.
"""

from __future__ import annotations

import sys

from rulesearch import interruption

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main", "program"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 2 wrong input, 3 a part is missing, 130 interrupted."""
    with interruption.in_charge():
        from rulesearch.cli.app import main as run

        return run(argv)


def program() -> NoReturn:
    """Run the command line as a program of its own."""
    interruption.take_charge()
    code = main()
    if code == interruption.CODE:
        import os
        import threading

        # Threads end behind the simulation that they are at; nobody waits for it.
        last = threading.Timer(1.0, os._exit, [code])
        last.daemon = True
        last.start()
    sys.exit(code)
