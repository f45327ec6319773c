"""Shows the figures of gallery examples: every one that a block made and kept under a name."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_SHOWN: set[int] = set()


def figures(block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Save the new figures of a block and return the text that shows them."""
    paths = []
    for value in list(variables["example_globals"].values()):
        if isinstance(value, Figure) and id(value) not in _SHOWN:
            _SHOWN.add(id(value))
            path = next(variables["image_path_iterator"])
            value.savefig(path, dpi=150)
            paths.append(path)
    return figure_rst(paths, settings["src_dir"])
