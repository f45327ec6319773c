"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number and what is counted, such as `1 node` or `2,000 nodes`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
