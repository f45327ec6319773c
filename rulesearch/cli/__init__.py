"""Floor 9: the command line; each command is a few lines over the Python interface."""

from rulesearch.cli.app import main

__all__ = ["main"]
