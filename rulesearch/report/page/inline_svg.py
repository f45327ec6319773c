"""Figures as SVG inside a page: no names that clash, no outside references, a text for who cannot see them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape

import matplotlib
from matplotlib.figure import Figure

_REFERENCES = re.compile(r'(\bid="|xlink:href="#|url\(#)')


def svg_text(figure: Figure) -> str:
    """Return a figure as the text of an SVG file; the same figure gives the same text."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "rulesearch"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def inline_svg(text: str, prefix: str, label: str, links: Mapping[str, str] | None = None) -> str:
    """Return the text of an SVG file as an element of a page.

    **Arguments:** `prefix`: put before every id; `label`: says what is seen; `links`: what each link (`#place`) of the
    figure leads to, in words. A figure with links is a group, since a picture may hold none.
    """
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = _REFERENCES.sub(rf"\g<1>{prefix}-", body)
    # Links lead to places of the page, all other references to places of the figure.
    for place, words in (links or {}).items():
        inside = f'<a xlink:href="#{prefix}-{place.removeprefix("#")}" target="_blank"'
        body = body.replace(inside, f'<a href="{place}" aria-label="{escape(words)}"')
    width, *_ = re.findall(r'width="([\d.]+)pt"', body)
    role, own = "group" if links else "img", f"{float(width):.0f}"
    body = re.sub(r' (?:width|height)="[\d.]+pt"', "", body, count=2)
    opening = f'<svg role="{role}" aria-label="{escape(label)}" style="max-width:{own}pt;--own:{own}pt"'
    return body.replace("<svg", opening, 1)
