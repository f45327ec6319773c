"""LaTeX that compiles, fits the page, and shows text as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strategies import random_tree

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.export.equations import LINE, flowing, lines_of
from rulesearch.export.latex import document, escape, label_of, rules_latex, run_latex
from rulesearch.export.width import latex_width
from rulesearch.expression import OPERATORS, Number, parse_expression, to_latex, to_text
from rulesearch.grammar import load_grammar, sample
from rulesearch.rules import RuleSet, known_rules, parse_rules
from rulesearch.symbolic import compare
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.front import FrontMember, ReferenceScore
from rulesearch.workflow.run import Run

needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")

LONG = (
    "tanh(x*y - c1*w*y**2)*relu(x_bar - y_bar*c2)*(x + y + w*x_bar - y_bar*(c1 - tanh(x*y/w))) + abs(x)/(c3 + y**2)"
    " - w*tanh(y - x*x*w)/(x + y*(w - x_bar) + exp(sin(x) - cos(y)) - max(x, y)*min(x, w)); c1 = 1.234567; c2 = -0.3;"
    " c3 = 2.5; x_bar = lowpass(x, 100); y_bar = lowpass(y, 100)"
)
EVERYTHING = (
    "on_pre: -E*A_minus; on_post: theta*lambda; drift: -w/tau_w; A_minus = 2e-7; lambda = 0.1 mV; tau_w = 10 s; "
    "theta = lowpass(y**2 + x, 10 s); E = synaptic(on_pre: y; drift: x - w; tau = 1 s); bounds = [0, inf]; "
    "tau_y = 20 ms"
)


def compile_latex(fragment: str, folder: Path) -> str:
    """Compile a fragment and return the log; fails where pdflatex does."""
    (folder / "page.tex").write_text(document(fragment), "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "page.log").read_text("utf-8", errors="replace")


def a_run(texts: list[str]) -> Run:
    """Return a run whose names are as awkward as they can be."""
    members = tuple(
        FrontMember(
            rank,
            rules := parse_rules(text),
            rules.size,
            0.1 / rank,
            0.2 / rank,
            {"angle_deg": 1.0},
            tuple(compare(rules)),
        )
        for rank, text in enumerate(texts, 1)
    )
    odd = ReferenceScore("50 % of a_b & #1 \\ {x} ~^", parse_rules("x*y"), "ok", 0.5, {"angle_deg": 3.0})
    dead = ReferenceScore("control", parse_rules("x*y"), "runaway", None, {})
    experiment = Experiment("odd_name & more", "oja", "rate")
    return Run(Path("runs/a_b"), experiment, "done", 9, 9, 1.0, "solved_100 % ✓ <ok>", members, (odd, dead), (odd,), {})


@needs_pdflatex
def test_all_rules_compile_and_fit_the_page(tmp_path: Path) -> None:
    texts = [LONG, EVERYTHING, "feedforward[y*(x - w*y)]; lateral[-x*y; eta = 0.1]", "-1.5", "0.5*x"]
    known = [each.rules for known in known_rules().values() for each in known.family()]
    rules = [*known, *map(parse_rules, texts)]
    log = compile_latex("".join(map(rules_latex, rules)), tmp_path)
    assert "Overfull" not in log


@needs_pdflatex
def test_long_random_rules_fit_the_page(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    grammar = load_grammar("rate")
    rules = []
    for _ in range(12):
        slots, kinds = grammar.name_constants(sample(grammar, rng, 55))
        constants = {key: Number(float(rng.normal())) for key in kinds}
        rules.append(RuleSet.single(replace(grammar.rule_set(slots, constants, {}).only(), eta=0.01)))
    log = compile_latex("".join(map(rules_latex, rules)), tmp_path)
    assert "Overfull" not in log


@needs_pdflatex
def test_rules_up_to_size_25_fit_the_page(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    rules: list[RuleSet] = []
    while len(rules) < 150:
        tree = random_tree(int(generator.integers(2, 13)), ("w", "x", "y", "R_bar", "w_mean"), generator)
        if tree.size <= 25:
            text = f"{'on_pre: ' * bool(len(rules) % 2)}{to_text(tree)}"
            rules.append(parse_rules(text))
    log = compile_latex("".join(map(rules_latex, rules)), tmp_path)
    assert "Overfull" not in log


@needs_pdflatex
def test_a_run_compiles_and_fits_the_page(tmp_path: Path) -> None:
    log = compile_latex(run_latex(a_run(["y*(x - w*y)", LONG, "x*y"])), tmp_path)
    assert "Overfull" not in log


@needs_pdflatex
def test_a_front_of_sets_fits_a_page_of_narrow_columns(tmp_path: Path) -> None:
    pair = "feedforward[y*(x - w*y); eta = 0.005]; lateral[-2*x*y; eta = 0.02]"
    found = a_run([pair] * 6)
    spread = tuple(0.0026 + 0.0001 * number for number in range(10))
    members = tuple(replace(each, loss=0.0028, held_out_loss=0.00267, held_out_losses=spread) for each in found.members)
    names = ("angle_1_deg", "angle_2_deg", "angle_3_deg", "output_correlation", "norm")
    metrics = dict.fromkeys(names, 0.0094)
    score = ReferenceScore("rubner-tavan", members[0].rules, "ok", 0.00267, metrics, 0.00267, spread)
    run = replace(found, members=members, references=(score,), conditions=(score,), held_out_on="10 held-out seeds")
    text = run_latex(replace(run, experiment=replace(run.experiment, task="pca-network")))
    page = "\\documentclass{article}\n\\usepackage{amsmath,booktabs}\n\\begin{document}\n"
    (tmp_path / "page.tex").write_text(f"{page}{text}\\end{{document}}\n", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0
    log = (tmp_path / "page.log").read_text("utf-8", errors="replace")
    assert "Overfull" not in log and "too large for page" not in log


def test_each_rule_of_a_set_has_what_it_is_below_its_equation() -> None:
    row = next(line for line in run_latex(a_run(["a[y*(x - w*y)]; b[sqrt(w)]"])).splitlines() if line[:3] == "1 &")
    cell, compared = row.split(" & ")[-2:]
    assert re.findall(r"(\w+: \$|identical: Oja 1982|different from all known rules)", cell) == [
        *("a: $", "identical: Oja 1982", "b: $", "different from all known rules")
    ]
    assert compared.startswith(r"\raggedright different from all known sets")


def test_a_run_is_written_as_the_screen_shows_it() -> None:
    run = a_run(["y*(x - w*y)", "tanh(y)*x"])
    text = run_latex(run)
    assert r"\caption{Rules found on task oja by engine deap, seed 1. Solved\_100 \% [U+2713]" in text
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert labels == ["tab:a-b", "tab:a-b-constants", "tab:a-b-references", "tab:a-b-conditions"]
    assert text.count(r"\caption{") == len(labels)
    for member in run.members:
        assert escape(member.relations[""]) in text
    assert "on held-out seeds & status & loss" in text
    assert re.search(r"\\raggedright rank 1 & ok & \$0\.2\$", text)
    assert not text.splitlines()[1][:1].islower()


@pytest.mark.parametrize(("name", "label"), [("Δw_% (1)", "tab:w-1"), ("früh", "tab:fruh"), ("权", "tab:run")])
def test_labels_are_letters_digits_and_hyphens(name: str, label: str) -> None:
    assert label_of(name) == label


@needs_pdflatex
def test_a_run_without_rules_compiles(tmp_path: Path) -> None:
    compile_latex(run_latex(a_run([])), tmp_path)


def test_an_equation_that_fits_stays_on_one_line() -> None:
    assert lines_of(parse_expression("y*(x - w*y)"), r"\eta") == [r"\eta\,y\,\left(x - w\,y\right)"]
    assert lines_of(parse_expression("x - w"), r"\eta") == [r"\eta\left(x - w\right)"]
    assert lines_of(parse_expression("0.5*x"), r"\eta") == [r"\eta \cdot 0.5\,x"]


@pytest.mark.parametrize(("text", "latex"), [("1", r"\eta"), ("0", "0"), ("-1", r"-\eta"), ("x", r"\eta\,x")])
def test_the_learning_rate_times_one_or_nothing_is_written_so(text: str, latex: str) -> None:
    assert lines_of(parse_expression(text), r"\eta") == [latex]
    assert flowing(parse_expression(text), r"\eta") == latex
    assert parse_rules(f"on_pre: {text}").only().latex_equations() == [(r"\Delta w_{\mathrm{pre}}", latex)]


def test_a_long_equation_is_broken_into_lines_that_fit_and_lose_nothing() -> None:
    expression = parse_rules(LONG).only().slots["on_step"]
    lines = lines_of(expression, r"\eta")
    assert len(lines) > 1
    assert all(latex_width(line) <= LINE + 1 for line in lines)
    whole = to_latex(expression)
    for symbol in (r"\tanh", r"c_{1}", r"\bar{x}", r"\exp", r"\max"):
        assert "".join(lines).count(symbol) == whole.count(symbol)


def test_brackets_of_a_broken_equation_are_balanced_and_never_stretch_over_lines() -> None:
    lines = lines_of(parse_rules(LONG).only().slots["on_step"], r"\eta")
    assert "".join(lines).count(r"\bigl") == "".join(lines).count(r"\bigr")
    for line in lines:
        assert line.count(r"\left") == line.count(r"\right")


def test_the_width_counts_the_wider_half_of_a_fraction_and_small_indices() -> None:
    assert latex_width(r"\frac{x + y}{w}") == latex_width("x + y")
    assert latex_width("x_{1}") < latex_width("x1")
    assert latex_width("") == 0.0


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_can_be_broken_without_losing_its_arguments(name: str) -> None:
    row = OPERATORS[name]
    long = " + ".join(f"a{number}*b{number}" for number in range(30))
    if row.arity == 2:
        text = f"({long}) {row.infix} ({long})" if row.infix else f"{name}({long}, {long})"
    else:
        text = f"{row.infix or row.name}({long})"
    joined = " ".join(lines_of(parse_expression(text), r"\eta"))
    expected = to_latex(parse_expression(text))
    assert all(joined.count(f"b_{{{number}}}") == expected.count(f"b_{{{number}}}") for number in range(30))


def test_escaped_text_holds_no_active_character() -> None:
    assert escape("a_b & 5 % {x} #1 $2 ~ ^ \\") == (
        r"a\_b \& 5 \% \{x\} \#1 \$2 \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    assert escape("Földiák → x") == r"Földiák \ensuremath{\to} x"
    assert escape("Δw [%]") == r"\ensuremath{\Delta}w [\%]"
    assert escape("权, 重") == "[U+6743], [U+91CD]"


@needs_pdflatex
def test_letters_and_signs_of_any_language_compile_and_stay_apart(tmp_path: Path) -> None:
    letters = [chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x370, 0x400))]
    signs = [*"₀¹²⁻−≤≈∞√∂∑→·•µΩ€∈\u2018\u2019“”–\u2032✓ẋﬁ𝑥ａ℃∆权", "x\u0304", "Δ\u0304", "a\u0328", "\u0304", "_\u0304"]
    compile_latex("\n\n".join(f"${{}}${escape(f'a{each}b')}" for each in [*letters, *signs]) + "\n", tmp_path)
    own = [each for each in letters if each.strip() and unicodedata.normalize("NFKC", each) == each]
    # Letters that Greek has in common with Latin look alike in any font.
    alike = [
        each
        for each in own
        if "GREEK" in unicodedata.name(each, "") and escape(each).isascii() and escape(each).isalpha()
    ]
    assert len({escape(each) for each in own}) == len(own) - len(alike)


def test_constants_are_listed_with_their_units() -> None:
    text = rules_latex(parse_rules(EVERYTHING))
    assert r"$\lambda$ & $0.1$ & mV" in text
    assert r"$A_{\mathrm{minus}}$ & $2 \times 10^{-7}$ &" in text
    assert r"$\tau_{y}$ & $20$ & ms" in text
    assert r"$0$ to $\infty$" in text


def test_a_trace_that_the_other_side_resets_says_so() -> None:
    text = rules_latex(parse_rules("on_post: x; x = trace(pre, 20 ms, next)"))
    assert r"x \leftarrow x + 1 \text{ at a presynaptic spike}" in text
    assert r"x \leftarrow 0 \text{ behind a postsynaptic spike}" in text
    assert "behind" not in rules_latex(parse_rules("on_post: x; x = trace(pre, 20 ms, nearest)"))


def test_the_learning_rate_is_always_shown() -> None:
    assert "the task's" in rules_latex(parse_rules("x*y"))
    assert r"$\eta$ & $0.01$" in rules_latex(parse_rules("x*y; eta = 0.01"))


def test_an_unknown_format_is_refused_with_what_there_is() -> None:
    with pytest.raises(RulesearchError, match="unknown format 'latx'; did you mean 'latex'"):
        rs.export("oja", "latx")
    with pytest.raises(RulesearchError, match="a rule cannot be exported as csv"):
        rs.export("oja", "csv")
    with pytest.raises(RulesearchError, match="a run cannot be exported as python"):
        rs.export(a_run(["x*y"]), "python")
