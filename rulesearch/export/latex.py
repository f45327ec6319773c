r"""LaTeX for papers: the equations of a rule with a table of its constants, and the front of a run.

What is written needs `\usepackage{amsmath,booktabs}` and stands inside a document; `document` makes one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rulesearch.errors import RulesearchError
from rulesearch.export.equations import constant_value, flowing, lines_of, slot_equations
from rulesearch.export.latex_text import escape
from rulesearch.export.placing import Placed
from rulesearch.expression.printing import number_latex, symbol_latex, to_latex
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import time_text
from rulesearch.rules.latex_names import member_symbols, of_member, slot_latex
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, Lowpass, State, Synaptic, Trace
from rulesearch.workflow.front import ReferenceScore
from rulesearch.workflow.scores import conditions_on, own_score, shown_metrics
from rulesearch.workflow.shown_losses import HELD_OUT, SPREAD, died, loss_columns, shown_loss

if TYPE_CHECKING:
    from rulesearch.workflow.run import Run

_HEADING = 8
"""Letters of a heading that short words may share."""


def document(fragment: str) -> str:
    """Return a complete document that holds what this module writes."""
    head = "\\documentclass{article}\n\\usepackage[margin=25mm]{geometry}\n\\usepackage{amsmath,booktabs}\n"
    return f"{head}\\begin{{document}}\n{fragment}\\end{{document}}\n"


def rules_latex(rules: RuleSet, inhibition: str = "") -> str:
    """Return the equations of rules and their states, and a table of learning rate, constants and time constants.

    **Arguments:** `inhibition`: which synapses inhibit, in a sentence that stands between them.
    """
    head = [
        _comment(f"Rule{' ' * bool(rules.name) + rules.name}; needs \\usepackage{{amsmath,booktabs}}"),
        _comment(str(rules)),
    ]
    table = f"\\begin{{center}}\n{_constants(rules)}\n\\end{{center}}"
    return "\n".join([*head, _equations(rules), *_said(inhibition), "", table]) + "\n"


def run_latex(run: Run) -> str:
    """Return the front of a run as a table, the recommended rule, and the references beside it, as the screen shows."""
    experiment = run.experiment
    head = _comment(f"Run {run.folder.name} of {experiment.name}; needs \\usepackage{{amsmath,booktabs}}")
    conclusion = f"{run.conclusion[:1].upper()}{run.conclusion[1:]}."
    if not run.members:
        return f"{head}\n{escape(conclusion)}\n"
    title = f"Rules found on task {experiment.task} by engine {experiment.engine}, seed {experiment.seed}. {conclusion}"
    label, best = label_of(run.folder.name), run.members[0]
    parts = [head, _float(title, label, _front_table(run)), "", r"\noindent Rank 1:"]
    parts += [_equations(best.rules), *_said(_inhibition(run, best.rules)), ""]
    parts.append(_float("Learning rate, constants and bounds of rank 1.", f"{label}-constants", _constants(best.rules)))
    if run.references:
        names = shown_metrics(run, best.metrics)
        table = _score_table(f"on {run.held_out_on or run.chosen_on}", (own_score(run), *run.references), names)
        parts += ["", _float("Rank 1 beside known rules and the control.", f"{label}-references", table)]
    if run.conditions:
        table = _score_table("rank 1 where", run.conditions, shown_metrics(run, run.conditions[0].metrics))
        parts += ["", _float(f"Rank 1 under other conditions, on {conditions_on(run)}.", f"{label}-conditions", table)]
    return "\n".join(parts) + "\n"


def _inhibition(run: Run, rules: RuleSet) -> str:
    """Return which synapses inhibit, in a sentence; empty also where the run does not tell what its task is."""
    try:
        return Placed(rules, frozenset(run.task.inhibitory)).inhibition
    except RulesearchError:
        return ""


def _said(sentence: str) -> list[str]:
    return [rf"\noindent {escape(sentence)}"] * bool(sentence)


def label_of(name: str) -> str:
    """Return a label for the table of a run, of letters, digits and hyphens: `tab:my-run`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"tab:{re.sub(r'[^A-Za-z0-9]+', '-', plain).strip('-').lower() or 'run'}"


def _float(caption: str, label: str, table: str) -> str:
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{{label}}}",
        r"\smallskip",
        table,
    ]
    return "\n".join([*lines, r"\end{table}"])


def _comment(text: str) -> str:
    return f"% {' '.join(text.split())}"


def _equations(rules: RuleSet) -> str:
    rows: list[str] = []
    for name, rule in rules.rules.items():
        member = name if len(rules.rules) > 1 else ""
        if member and rule.states:
            # What the states are called is said below each rule: two may have one name.
            rows.append(rf"&\text{{{escape(name)}:}}")
        for left, lines in slot_equations(rule, member=member):
            rows += _rows(left, lines)
        symbols = member_symbols(rule.constants, member)
        for state_name, state in rule.states.items():
            rows += _state_rows(state_name, state, tau_latex(state_name, member), symbols)
    return "\\begin{align*}\n" + " \\\\\n".join(f"  {row}" for row in rows) + "\n\\end{align*}"


def _rows(left: str, lines: list[str], sign: str = "=") -> list[str]:
    return [f"{left} &{sign} {lines[0]}", *(rf"&\quad {line}" for line in lines[1:])]


def _state_rows(name: str, state: State, tau: str, symbols: Mapping[str, str]) -> list[str]:
    """Return what a state follows; `symbols`: LaTeX of those that have one of their own."""
    symbol = symbol_latex(name)
    if isinstance(state, Trace):
        event, other = (
            f"a {side}synaptic spike" for side in (("pre", "post") if state.side == "pre" else ("post", "pre"))
        )
        jump = rf"{symbol} \leftarrow {'1' if state.nearest else symbol + ' + 1'}"
        rows = [rf"{tau}\,\dot{{{symbol}}} &= -{symbol}, \quad {jump} \text{{ at {event}}}"]
        return rows + [rf"&\quad {symbol} \leftarrow 0 \text{{ behind {other}}}"] * state.resets
    if isinstance(state, Lowpass):
        target = to_latex(state.expression, symbols)
        if state.in_steps:
            return [rf"{symbol} &\leftarrow {symbol} + \left({target} - {symbol}\right) / {tau} \text{{ at each step}}"]
        return [rf"{tau}\,\dot{{{symbol}}} &= {target} - {symbol}"]
    return _synaptic_rows(symbol, tau, state, symbols)


def _synaptic_rows(symbol: str, tau: str, state: Synaptic, symbols: Mapping[str, str]) -> list[str]:
    decay = rf"-{symbol} / {tau}" if state.tau is not None else ""
    rows = []
    if decay or "drift" in state.slots:
        drift = lines_of(state.slots["drift"], "", names=symbols) if "drift" in state.slots else []
        joint = " + " if decay and drift else ""
        rows += _rows(rf"\dot{{{symbol}}}", [decay + joint + (drift[0] if drift else ""), *drift[1:]])
    events = {"on_pre": "a presynaptic spike", "on_post": "a postsynaptic spike", "on_step": "each step"}
    for slot, event in events.items():
        if slot in state.slots:
            lines = lines_of(state.slots[slot], "", names=symbols)
            lines = [rf"{symbol} + {lines[0]}", *lines[1:]]
            rows += _rows(symbol, [*lines[:-1], rf"{lines[-1]} \text{{ at {event}}}"], r"\leftarrow")
    return rows


def tau_latex(name: str, member: str = "") -> str:
    """Return the LaTeX of the time constant of a state; `member`: the name of its rule in a set."""
    return of_member(rf"\tau_{{{symbol_latex(name)}}}", member)


def _constants(rules: RuleSet) -> str:
    rows = []
    for name, rule in rules.rules.items():
        member = name if len(rules.rules) > 1 else ""
        rows += [f"${of_member(symbol, member)}$ & {value} & {unit}" for symbol, value, unit in _constant_rows(rule)]
    return _tabular("lrl", ["", "value", "unit"], rows)


def _constant_rows(rule: Rule) -> list[tuple[str, str, str]]:
    eta = f"${number_latex(rule.eta)}$" if rule.eta is not None else "the task's"
    rows = [(r"\eta", eta, "")]
    for name, number in rule.constants.items():
        value, unit = constant_value(number)
        rows.append((symbol_latex(name), f"${value}$", unit))
    for name, state in rule.states.items():
        if isinstance(state, Lowpass) and state.in_steps:
            rows.append((tau_latex(name), f"${number_latex(state.tau)}$", "steps"))
        elif state.tau is not None:
            unit = time_text(state.tau).rpartition(" ")[2]
            value, _ = constant_value(Number(state.tau, unit))
            rows.append((tau_latex(name), f"${value}$", unit))
    if rule.bounds is not None:
        low, high = (_bound(bound) for bound in rule.bounds)
        rows.append(("w", rf"${low}$ to ${high}$", ""))
    return rows


def _bound(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return r"\infty" if value > 0 else r"-\infty"
    return number_latex(value)


def _front_table(run: Run) -> str:
    members = run.members
    losses = loss_columns(members)
    spread = losses.pop(SPREAD, [None] * len(members))
    several = any(len(member.rules.rules) > 1 for member in members)
    rule, compared = (0.36, 0.13) if several else (0.31, 0.15)
    columns = rf"rr{'l' * len(losses)}p{{{rule}\linewidth}}p{{{compared}\linewidth}}"
    rows = []
    for place, member in enumerate(members):
        cells = [
            str(member.rank),
            str(member.size),
            *(
                "died"
                if heading == HELD_OUT and died(member, run.held_out_on)
                else _loss(column[place], spread[place] if heading == HELD_OUT else None)
                for heading, column in losses.items()
            ),
            rf"\raggedright {rule_cell(member.rules, member.relations)}",
            rf"\raggedright {escape(member.relations.get('', '')) or '--'}",
        ]
        rows.append(" & ".join(cells))
    headings = ["rank", "size", *losses, "rule", "compared"]
    return _tabular(columns, headings, rows, r"\tabularnewline[2pt]", r"\small\setlength{\tabcolsep}{4pt}")


def rule_cell(rules: RuleSet, relations: Mapping[str, str]) -> str:
    """Return rules for a narrow column: constants as numbers with all their digits, broken where the column ends.

    **Arguments:** `relations`: what each rule of a set is beside known ones, which stands below its equations.
    """
    cells = []
    for name, rule in rules.rules.items():
        values = {key: Expression((number,)) for key, number in rule.constants.items()}
        for slot in SLOTS:
            if slot in rule.slots:
                label = f"{escape(name)}: " if len(rules.rules) > 1 else ""
                body = flowing(rule.slots[slot].substitute(values), r"\eta")
                cells.append(rf"{label}${slot_latex(slot)} =\nobreak {body}$")
        if name in relations:
            cells.append(rf"\hspace*{{1em}}{escape(relations[name])}")
    return r" \newline ".join(cells)


def _score_table(title: str, scores: tuple[ReferenceScore, ...], names: list[str]) -> str:
    rows = []
    for score in scores:
        loss = _loss(shown_loss(score), None if score.spread is None else score.spread.half)
        cells = [rf"\raggedright {escape(score.label)}", escape(score.status), loss]
        rows.append(" & ".join([*cells, *(_loss(score.metrics.get(name)) for name in names)]))
    columns = r"p{0.14\linewidth}ll" + "l" * len(names)
    headings = [rf"\raggedright {title}", "status", "loss", *map(_heading, names)]
    return _tabular(columns, headings, rows, r"\tabularnewline", r"\footnotesize\setlength{\tabcolsep}{3pt}")


def _heading(name: str) -> str:
    """Return the name of a metric, each of its longer words on a line of its own, so that columns are narrow."""
    lines: list[str] = []
    for word in re.findall(r"[^_]*_|[^_]+", name):
        if lines and len(lines[-1]) + len(word) <= _HEADING:
            lines[-1] += word
        else:
            lines.append(word)
    text = r" \\ ".join(map(escape, lines))
    return rf"\shortstack[l]{{{text}}}" if len(lines) > 1 else text


def _loss(value: float | None, half: float | None = None) -> str:
    if value is None or value != value:
        return "--"
    spread = "" if half is None else rf" \pm {number_latex(float(half), 2)}"
    return f"${number_latex(float(value), 3)}{spread}$"


def _tabular(columns: str, headings: list[str], rows: list[str], end: str = r"\\", style: str = "") -> str:
    lines = [*[style] * bool(style), rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule"]
    lines += [" & ".join(headings) + r" \\", r"\midrule", *(f"{row} {end}" for row in rows)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])
