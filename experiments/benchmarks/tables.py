"""What benchmarks write: a table of rows, and a page that tells what they come to."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rulesearch.writing import write_text


def csv_of(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> str:
    """Return rows as CSV, a header first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_results(
    out: Path, table: str, rows: Sequence[Mapping[str, Any]], fields: Sequence[str], page: Sequence[str]
) -> None:
    """Write a table and a page, `README.md`, into a folder, and print the page."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / table, csv_of(rows, fields))
    write_text(out / "README.md", "\n".join(page) + "\n")
    print("\n".join(page))
