"""How the documentation is built: `sphinx-build -W -b html docs docs/_build`."""

from __future__ import annotations

import sys
from pathlib import Path

import rulesearch

sys.path.insert(0, str(Path(__file__).parent))

project = "rulesearch"
author = "The rulesearch developers"
copyright = "The rulesearch developers"
version = release = rulesearch.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "gallery", "examples/*.ipynb", "**.ipynb_checkpoints"]
html_theme = "furo"
html_title = "rulesearch"
default_role = "code"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True

autodoc_typehints = "description"
autodoc_member_order = "bysource"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "image_scrapers": ("figure_scraper.figures",),
    "filename_pattern": r".*\.py",
    "abort_on_example_error": True,
    "show_memory": False,
    "min_reported_time": 10**6,
    "download_all_examples": False,
    "write_computation_times": False,
}
