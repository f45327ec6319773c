"""The report in a real browser: nothing fails, nothing is fetched, what can be clicked works, all can read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rulesearch as rs
from rulesearch.workflow.run import Run

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install it with: apt-get install chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page, and what it complained of and asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1400, script: bool = True) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.resolve().as_uri())


@pytest.fixture
def opened(chromium: Any, page: Path) -> Iterator[Opened]:
    found = Opened(chromium, page)
    yield found
    found.context.close()


def test_nothing_fails_and_nothing_is_fetched(opened: Opened) -> None:
    assert not opened.errors
    others = [url for url in opened.requests if not url.startswith(("file:", "data:"))]
    assert not others and len([url for url in opened.requests if url.startswith("file:")]) == 1


def test_names_and_descriptions_show_as_text(opened: Opened, reported: Run) -> None:
    assert opened.page.locator("h1").inner_text() == reported.experiment.name
    assert opened.page.locator("header p").nth(1).inner_text() == reported.experiment.description


def test_hovering_shows_the_equation_and_clicking_opens_the_rule(opened: Opened, reported: Run) -> None:
    tip = opened.page.locator("#tip")
    for member in reported.members:
        point = opened.page.locator(f'#front svg a[href="#rule-{member.rank}"]')
        point.scroll_into_view_if_needed()
        assert tip.is_hidden()
        point.hover(force=True)
        assert tip.is_visible() and f"Rank {member.rank}," in tip.inner_text()
        assert tip.locator("math").count() >= 1
        point.click(force=True)
        assert opened.page.evaluate("location.hash") == f"#rule-{member.rank}"
        assert opened.page.locator(f"#rule-{member.rank}").evaluate("e => e.getBoundingClientRect().top") < 900
        opened.page.mouse.move(2, 2)


def test_a_point_can_be_reached_by_the_keyboard(opened: Opened) -> None:
    opened.page.locator("#front svg a").first.focus()
    assert opened.page.locator("#tip").is_visible()
    opened.page.keyboard.press("Escape")
    assert opened.page.locator("#tip").is_hidden()


def test_every_card_shows_its_figures(opened: Opened, reported: Run) -> None:
    for member in reported.members:
        figures = opened.page.locator(f"#rule-{member.rank} figure svg")
        assert figures.count() >= 3
        for place in range(figures.count()):
            box = figures.nth(place).bounding_box()
            assert box is not None and box["width"] > 50 and box["height"] > 20


def test_equations_are_laid_out_as_mathematics(opened: Opened) -> None:
    box = opened.page.locator(".best math").first.bounding_box()
    assert box is not None and box["width"] > 60 and box["height"] > 12


def test_copying_gives_what_export_gives(opened: Opened, reported: Run) -> None:
    member = reported.members[0]
    card = opened.page.locator(f"#rule-{member.rank}")
    card.locator("summary", has_text="LaTeX").click()
    card.locator("button.copy").click()
    card.locator("button.copy", has_text="Copied").wait_for()
    assert opened.page.evaluate("navigator.clipboard.readText()") == rs.export(member.rules, "latex")


def test_tables_are_sorted_by_a_click(opened: Opened) -> None:
    table = opened.page.locator("#front table").first
    size = table.locator("th", has_text="size")

    def sizes() -> list[int]:
        return [int(text) for text in table.locator("tbody tr td:nth-child(2)").all_inner_texts()]

    size.locator("button").click()
    assert sizes() == sorted(sizes()) and size.get_attribute("aria-sort") == "ascending"
    size.locator("button").click()
    assert sizes() == sorted(sizes(), reverse=True) and size.get_attribute("aria-sort") == "descending"


def test_without_scripts_all_is_there_but_the_interactive_parts(chromium: Any, page: Path, reported: Run) -> None:
    found = Opened(chromium, page, script=False)
    assert found.page.locator("article").count() == len(reported.members)
    found.page.locator('#front svg a[href="#rule-1"]').click(force=True)
    assert found.page.url.endswith("#rule-1")
    found.context.close()


def test_a_phone_need_not_scroll_the_page_sideways(chromium: Any, page: Path) -> None:
    found = Opened(chromium, page, width=390)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 390
    found.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 390])
def test_an_accessibility_check_finds_nothing_serious(chromium: Any, page: Path, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = Opened(chromium, page, width=width)
    violations = axe.Axe().run(found.page).response["violations"]
    found.context.close()
    serious = [each for each in violations if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], each["nodes"][0]["html"][:200]) for each in serious]


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1400])
def test_the_card_of_a_set_fits_the_screen(chromium: Any, pair_page: Path, width: int) -> None:
    opened = Opened(chromium, pair_page, width)
    try:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert not opened.errors
        for name in ("feedforward", "lateral"):
            part = opened.page.locator(f"section[aria-labelledby=rule-1-{name}-title]")
            assert part.locator("figure").count() == 3
            assert part.bounding_box()["width"] > 0.8 * min(width, 1100)
    finally:
        opened.context.close()


@pytest.mark.slow
def test_a_front_of_sets_has_low_rows_and_says_where_it_goes_on_sideways(chromium: Any, pair_page: Path) -> None:
    heights = "rows => rows.map(row => row.getBoundingClientRect().height)"
    for width, hinted in ((1400, False), (390, True)):
        found = Opened(chromium, pair_page, width)
        front = found.page.locator('[aria-label="Table of the front"]')
        # Two lines for each of two rules, at 22 px.
        assert max(front.locator("tbody tr").evaluate_all(heights)) < 110
        assert front.evaluate("e => e.scrollWidth > e.clientWidth + 1") is hinted
        shown = front.evaluate("e => getComputedStyle(e, '::before').content")
        assert ("goes on sideways" in shown) is hinted
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        found.context.close()
