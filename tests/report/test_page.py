"""The report: one file, drawn from the store, with everything that the front holds, and nothing of anybody's markup."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import pytest

import rulesearch as rs
from rulesearch.cli import main
from rulesearch.errors import RulesearchError
from rulesearch.report.page import LivePage, page, write_report
from rulesearch.report.run_files import write_run_files
from rulesearch.search.problem import Problem
from rulesearch.workflow.account import Account
from rulesearch.workflow.discover import discover
from rulesearch.workflow.evidence import gather, stored_evidence
from rulesearch.workflow.run import Run
from rulesearch.workflow.shown_losses import beside_first
from rulesearch.workflow.stress import NAMES

_LARGEST = 5_000_000


def read(path: Path) -> str:
    return path.read_text("utf-8")


def test_the_page_is_one_file_without_references_to_others(page: Path) -> None:
    text = read(page)
    assert len(text.encode()) < _LARGEST
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert "url(http" not in text and "@import" not in text


def test_every_rule_has_a_card_with_equation_figures_and_what_export_gives(reported: Run, page: Path) -> None:
    text = read(page)
    for member in reported.members:
        card = re.search(rf'<article id="rule-{member.rank}".*?</article>', text, re.DOTALL)
        assert card is not None
        assert card.group().count("<math>") >= len(member.rules.rules)
        assert card.group().count("<svg") >= 3
        latex = re.search(r'<pre id="rule-\d+-latex"[^>]*>(.*?)</pre>', card.group(), re.DOTALL)
        assert latex is not None and html.unescape(latex.group(1)) == rs.export(member.rules, "latex")


def test_figures_are_well_formed_and_no_id_comes_twice(page: Path) -> None:
    text = read(page)
    drawn = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    assert len(drawn) > 5
    for each in drawn:
        ElementTree.fromstring(each)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_names_of_people_are_text(page: Path) -> None:
    text = read(page)
    assert "<script>alert" not in text
    assert text.count("<script>") == 1 and "&lt;script&gt;alert" in text


def test_the_front_is_saved_under_one_name(reported: Run) -> None:
    names = {path.name for path in (reported.folder / "figures").glob("front*")}
    assert names == {"front.png", "front.svg", "front.pdf", "front-known.svg", "front-known.pdf"}


def test_the_page_answers_what_a_supervisor_asks(reported: Run, page: Path) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", read(page)))
    best = reported.members[0]
    assert best.spread is not None and reported.clean_up is not None
    assert f"{best.held_out_loss:.4g} ± {best.spread.half:.2g} on 10 held-out seeds" in text
    assert f"Rank 2 beside rank 1: {beside_first(reported.members, '10 held-out seeds')}." in text
    told = [beside_first(reported.members, "10 held-out seeds", place) for place in range(len(reported.members))]
    pairs = sum(map(bool, told))
    assert (f"Each of {pairs} rules is compared with rank 1 on its own" in text) == (pairs > 1)
    assert f"{Account(**reported.clean_up).sentence()}." in text
    assert f"The best of the search: {reported.clean_up['best']}." in text
    assert "Family tree of rank 1" in text


@pytest.mark.slow
def test_constants_to_be_distrusted_are_marked(copied: Path) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        document["rules"][0]["ranges"][0]["within"] = 0.003

    def edge(document: dict) -> None:  # type: ignore[type-arg]
        document["members"][0]["at_edge"] = {"eta": "[0, 1]"}

    changed_fact(copied, "evidence", change)
    changed_fact(copied, "summary", edge)
    text = read(write_report(Run.open(copied)))
    assert "at the edge of its range [0, 1]; must hold to within 0.3 %: that change doubles the loss" in text


@pytest.mark.slow
def test_constants_of_a_rule_that_failed_on_held_out_seeds_are_shown_without_ranges(copied: Path) -> None:
    def without(document: dict) -> None:  # type: ignore[type-arg]
        document["rules"][0]["ranges"] = []

    changed_fact(copied, "evidence", without)
    text = read(write_report(Run.open(copied)))
    assert "Constants of rank 1" in text
    assert "<td></td><td></td>" in text[text.index("Constants of rank 1") :]


@pytest.mark.slow
def test_a_metric_that_other_conditions_alone_have_stands_in_their_table(copied: Path) -> None:
    def more(document: dict) -> None:  # type: ignore[type-arg]
        fewer = {"held_out_losses": document["references"][0]["held_out_losses"][:3]}
        elsewhere = {**document["references"][0], **fewer, "label": "elsewhere", "metrics": {"reach": 17.25}}
        document["conditions"] = [elsewhere]

    changed_fact(copied, "summary", more)
    text = read(write_report(Run.open(copied)))
    table = text[text.index("Rank 1 under other conditions") :]
    table = table[: table.index("</table>")]
    assert "reach" in table and "<td>17.25</td>" in table
    assert table.startswith("Rank 1 under other conditions, on 3 held-out seeds<")
    assert text.count("<td>17.25</td>") == 1


def test_figures_are_saved_for_papers(reported: Run) -> None:
    for name in ("front-known", "history", "rule-1-tree", "rule-1-change", "rule-1-parts"):
        assert read(reported.folder / "figures" / f"{name}.svg").startswith("<?xml")
        assert (reported.folder / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_the_front_is_saved_under_one_name_in_every_format(reported: Run) -> None:
    found = sorted(path.name for path in (reported.folder / "figures").glob("front.*"))
    assert found == ["front.pdf", "front.png", "front.svg"]


@pytest.fixture
def copied(reported: Run, tmp_path: Path) -> Path:
    shutil.copytree(reported.folder, tmp_path / "run")
    return tmp_path / "run"


def changed_fact(folder: Path, name: str, change: object) -> None:
    with sqlite3.connect(folder / "run.sqlite") as connection:
        text = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()[0]
        document = json.loads(text)
        change(document)  # type: ignore[operator]
        connection.execute("UPDATE fact SET value = ? WHERE name = ?", (json.dumps(document), name))


def test_every_figure_is_drawn_from_the_store(copied: Path) -> None:
    def worse(document: dict) -> None:  # type: ignore[type-arg]
        document["members"][0]["held_out_loss"] = 0.123456

    def other(document: dict) -> None:  # type: ignore[type-arg]
        for item in document["rules"][0]["ablations"]:
            item["loss"] = 7.0
        for item in document["rules"][0]["courses"]:
            item["middle"] = [7.0] * len(item["middle"])
        document["known"][0]["title"] = "changed"

    before = read(copied / "report.html")
    figures = {path.name: path.read_bytes() for path in (copied / "figures").glob("*.svg")}
    changed_fact(copied, "summary", worse)
    changed_fact(copied, "evidence", other)
    with sqlite3.connect(copied / "run.sqlite") as connection:
        connection.execute("UPDATE generation SET best_loss = 0.7 WHERE number = 0")
        connection.execute("UPDATE evaluation SET status = 'silent' WHERE status = 'runaway' AND phase = 'search'")
    after = read(write_report(Run.open(copied)))
    assert "0.1235" not in before and after.count("0.1235") >= 3
    assert "<td>changed</td>" in after
    changed = {name for name, data in figures.items() if (copied / "figures" / name).read_bytes() != data}
    assert changed == {"front-known.svg", "rule-1-parts.svg", "rule-1-course.svg", "history.svg", "deaths.svg"}


def test_evidence_says_what_every_part_does(reported: Run) -> None:
    evidence = stored_evidence(reported)
    oja = next(each for each in evidence.rules if each.rule.startswith("y*(x - w*y)"))
    lost = {each.removed: each for each in oja.ablations}
    assert lost["w*y from x - w*y"].status == "runaway"
    assert lost["x from x - w*y"].loss is None or lost["x from x - w*y"].loss > 0.1
    (eta,) = oja.ranges
    assert eta.low is not None and eta.high is not None and eta.low <= eta.value <= eta.high
    length, angle = oja.courses
    assert abs(length.middle[-1] - 1.0) < 0.01 and angle.middle[-1] < 5.0 < angle.middle[0]
    assert {each.name for each in evidence.known} >= {"bcm", "anti-hebb"}


def test_the_page_shows_under_which_conditions_rank_1_holds_beside_the_known_rule(reported: Run, page: Path) -> None:
    test = stored_evidence(reported).stress
    assert test is not None
    assert test.rule == str(reported.members[0].rules)
    by_name = {row.condition: row for row in test.rows}
    assert set(by_name) == set(NAMES)
    frozen = by_name["plasticity frozen"].rule
    assert frozen is not None and frozen.passed
    text = page.read_text("utf-8")
    part = text[text.index('<section id="stress"') : text.index('<section id="search"')]
    shown = html.unescape(re.sub(r"<[^>]+>", " ", part))
    assert " ".join(test.sentence().split()) in " ".join(shown.split())
    for row in test.rows:
        assert row.condition in shown and (row.reason or row.changed) in shown


def test_evidence_is_gathered_once(copied: Path) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        document["rules"][0]["loss"] = 42.0

    changed_fact(copied, "evidence", change)
    assert gather(Run.open(copied)).rules[0].loss == 42.0


def test_a_page_can_be_written_where_the_task_has_gone(copied: Path) -> None:
    text = read(copied / "experiment.toml")
    (copied / "experiment.toml").write_text(text.replace('task = "oja"', 'task = "gone.py:Task"'))
    changed_fact(copied, "begun", lambda document: document["experiment"].update(task="gone.py:Task"))
    assert "front-known" in read(write_report(Run.open(copied), brief=True))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match=r"not a run folder"):
        rs.write_report(tmp_path)


def test_a_live_page_is_written_as_the_search_goes(tmp_path: Path) -> None:
    page = LivePage()
    seen: list[str] = []

    def watch(problem: Problem) -> None:
        page.watch(problem)
        seen.append(read(tmp_path / "run" / "report.html"))

    run = discover("oja", budget=600, out=tmp_path / "run", watch=watch)
    assert page.written >= 1
    assert all('http-equiv="refresh"' in text and "The search goes on" in text for text in seen)
    assert 'http-equiv="refresh"' not in read(write_report(run, brief=True))


def test_a_live_page_without_a_run_folder_does_nothing() -> None:
    class Nowhere:
        store = None

    page = LivePage()
    page.watch(Nowhere())  # type: ignore[arg-type]
    assert page.written == 0


def test_texts_of_a_run_from_elsewhere_are_text(copied: Path) -> None:
    # Whatever a stranger's files say is neither markup of a page, nor a template, nor mathematics of a figure.
    evil = "<script>alert(9)</script>$\\input{x}{{7*7}}"
    (copied / "run.sqlite").unlink()
    kept = json.loads((copied / "summary.json").read_text("utf-8"))
    summary, evidence = kept["facts"]["summary"], kept["facts"]["evidence"]
    for key in ("conclusion", "status", "chosen_on", "held_out_on"):
        summary[key] += evil
    for score in summary["references"]:
        score["label"] += evil
    for course in (course for rule in evidence["rules"] for course in rule["courses"]):
        course["name"] += evil
    (copied / "summary.json").write_text(json.dumps(kept), "utf-8")
    text = read(write_report(Run.open(copied)))
    assert "<script>alert(9)" not in text and "&lt;script&gt;alert(9)" in text
    assert "{{7*7}}" in text


def test_ctrl_c_while_evidence_is_gathered_leaves_a_brief_page(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "gather", interrupted)
    assert "interrupted" in write_run_files(Run.open(copied))[0]
    text = read(copied / "report.html")
    assert "front-known" in text and "Figures and ranges of constants" in text


@pytest.mark.slow
def test_the_command_that_reproduces_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = discover("oja", seed=7, budget=150, forbid=["tanh"], settings={"points": 300}, out="first run")
    text = read(write_report(run, brief=True))
    command = re.search(r"<pre[^>]*>rulesearch (discover .*?)</pre>", text)
    assert command is not None
    assert main([*shlex.split(html.unescape(command.group(1))), "--no-report", "--json"]) == 0
    assert Path("again/front.csv").read_bytes() == Path("first run/front.csv").read_bytes()
