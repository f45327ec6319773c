"""The house stands on its floors: imports run down, and in no circle, read from the syntax trees.

What a function imports when it is called counts, and so does what is imported for types alone: a module that names a
type of a floor above cannot be read, or changed, without that floor.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rulesearch"

FLOORS = (
    ("calling", "errors", "display", "files", "given", "interruption", "shipped", "writing"),
    ("expression", "measurements", "wording"),
    ("rules", "grammar"),
    ("simulate",),
    ("fitting",),
    ("tasks",),
    ("evaluation",),
    ("search", "symbolic", "inference", "checks"),
    ("workflow",),
    ("export", "report"),
    ("", "__main__", "cli", "searching"),
)
"""Modules and packages from the ground up; the empty name is `rulesearch` itself, the face."""

FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}

Imports = dict[str, set[str]]


def source_files() -> dict[str, str]:
    """Return the text of every module by its name within the package, such as `rules.text`; a package's is its own."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imported(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """Return the modules of the package that a syntax tree imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a module is imported by its whole name"
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("rulesearch.") in modules else str(node.module) for name in within]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "rulesearch":
                yield name.partition(".")[2]


def imports_of(sources: dict[str, str]) -> Imports:
    return {name: set(imported(ast.parse(text), set(sources))) - {name} for name, text in sources.items()}


def named_in(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """Return the modules of the package that are loaded by their names, as a list of engines or tasks does it.

    Such a list may stand beside the contract of what is in it, so these are looked at for climbing, not for circles.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            package, _, name = node.value.partition(":")[0].partition(".")
            if package == "rulesearch" and name and name in modules:
                yield name


def names_in(sources: dict[str, str]) -> Imports:
    return {name: set(named_in(ast.parse(text), set(sources))) for name, text in sources.items()}


def top(module: str) -> str:
    return module.split(".")[0]


def climbing(imports: Imports) -> list[str]:
    """Return the imports that lead to a floor above."""
    return sorted(
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in others
        if FLOOR[top(other)] > FLOOR[top(name)]
    )


def circle(imports: Imports) -> list[str]:
    """Return the modules in circles: what is left when those that import, or are imported by, none left are taken away.

    What lies on a way from one circle to another is left too.
    """
    left = {name: others & set(imports) for name, others in imports.items()}
    while True:
        used = {other for others in left.values() for other in others}
        done = {name for name, others in left.items() if not others or name not in used}
        if not done:
            return sorted(left)
        left = {name: others - done for name, others in left.items() if name not in done}


def between_packages(imports: Imports) -> Imports:
    """Return which packages import which: that of a module runs before the module does."""
    found: Imports = {}
    for name, others in imports.items():
        found.setdefault(top(name), set()).update(top(other) for other in others if top(other) != top(name))
    return found


@pytest.fixture(scope="module")
def imports() -> Imports:
    return imports_of(source_files())


def test_every_part_of_the_package_has_a_floor(imports: Imports) -> None:
    assert {top(name) for name in imports} <= set(FLOOR)


def test_no_import_climbs(imports: Imports) -> None:
    assert climbing(imports) == []
    assert climbing(names_in(source_files())) == []


def test_modules_import_each_other_in_no_circle(imports: Imports) -> None:
    assert circle(imports) == []


def test_packages_import_each_other_in_no_circle(imports: Imports) -> None:
    within = {name: others for name, others in between_packages(imports).items() if FLOOR[name] < len(FLOORS) - 1}
    assert circle(within) == []


UP = "from rulesearch.workflow.run import Run"


@pytest.mark.parametrize(
    "text",
    [
        UP,
        f"def late() -> None:\n    {UP}",
        f"if TYPE_CHECKING:\n    {UP}",
        "from rulesearch.workflow import run",
    ],
    ids=["at the top", "in a function", "for types alone", "by its package"],
)
def test_an_import_that_climbs_is_seen(text: str) -> None:
    found = climbing(imports_of(source_files() | {"expression.tree": text}))
    assert found == ["expression.tree imports workflow.run"]


def test_a_module_above_that_is_loaded_by_its_name_is_seen() -> None:
    text = 'importlib.import_module("rulesearch.workflow.run")'
    assert climbing(names_in(source_files() | {"expression.tree": text})) == ["expression.tree imports workflow.run"]


@pytest.mark.parametrize("within", [str, "def late() -> None:\n    {}".format], ids=["at the top", "in a function"])
def test_a_circle_is_seen_and_what_leads_to_it_or_from_it_is_not_in_it(within: Callable[[str], str]) -> None:
    sources = {
        "above": "import rulesearch.one",
        "one": within("from rulesearch.two import a"),
        "two": within("from rulesearch import one, below"),
        "below": "import math",
    }
    assert circle(imports_of(sources)) == ["one", "two"]
