"""The figures of a page: inline SVG, and files beside the page for papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from rulesearch.interruption import check
from rulesearch.report.page.inline_svg import inline_svg, svg_text
from rulesearch.report.style import save_figure
from rulesearch.writing import write_text


@dataclass(slots=True)
class Pictures:
    """Figures of a page, each as inline SVG; where there is a folder, also kept there as SVG and PDF for papers."""

    folder: Path | None
    made: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, draw: Callable[[], Figure], label: str, links: Mapping[str, str] | None = None) -> str:
        """Return a figure as an element of the page; what was drawn before under this name is drawn once."""
        if name not in self.made:
            check()
            figure = draw()
            self.made[name] = svg_text(figure)
            if self.folder is not None:
                # The layout stands; making it anew takes half of the time.
                figure.set_layout_engine("none")
                write_text(self.folder / f"{name}.svg", self.made[name])
                save_figure(figure, self.folder / f"{name}.pdf")
        return inline_svg(self.made[name], f"p{len(self.made)}-{name}", label, links)
