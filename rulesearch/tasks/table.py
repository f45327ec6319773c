"""A table of symbols and measured weight changes as a task: the rule that gives the changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.expression import OPERATORS, Expression, parse_expression
from rulesearch.files import toml_value
from rulesearch.measurements.columns import Columns, parse_columns, standard_errors, told_apart
from rulesearch.measurements.protocols import check_none_of_protocols
from rulesearch.measurements.sheet import SKIP, Sheet, read_sheet
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.names import taken_by
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.tasks.conditions import KINDS, Stress
from rulesearch.tasks.declaration import PERMUTATION, Fidelity, Setting, Settings, TaskSymbol, permuted_order
from rulesearch.tasks.protocol import Protocol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

_UNEXPLAINED = 0.01
"""Share of the variance that a rule may leave open and still explain the table."""
_FEWEST_ROWS = 10
_CASES = 10
_HELD_OUT_SEED = 20
_DRAWS = 200
"""Draws of the held-out rows until these and the others vary; of 10 rows two of which differ, one in four does."""
_MEASURED = "nothing is simulated: its rows are measurements"
_LEAST_SPREAD, _MOST_SPREAD = 1e-140, 1e140


class Table(Task):
    """Find the rule behind measured weight changes.

    Rules that give no learning rate get the positive one that fits best (least squares over the rows of the search).
    The loss is the mean squared error over the variance of the target, 1 - R^2. A fifth of the rows is left out of it,
    and out of every fit: `held_out_error` is the same for these, over their own variance. They are drawn at random
    until they vary and the others do; where no draw does that, losses on them are over the variance of all rows.

    With standard errors, or weights, rows weigh 1/s^2, or so much, in all of this.

    **Arguments:** `path`: a table with a header; `columns`: which of its columns are what, or the name of that of the
    weight changes, all others are symbols; `sheet`: what the table holds, where it was read already.
    **Raises:** `RulesearchError` with file, row and column where the table cannot be read.
    """

    summary = "The rule must give the weight changes in a column of a table from the other columns."
    reference = ""
    doi = ""
    bibtex = ""
    slots = ("on_step",)
    settings: ClassVar[Mapping[str, Setting]] = {
        "held_out": Setting(0.2, "share of the rows that the search does not see", 0.0, 0.9),
        "permutation": PERMUTATION,
    }
    fidelities = (Fidelity("full", 1, "all rows"),)
    deterministic = True
    stateless = True
    squares = True
    bounds = (-np.inf, np.inf)
    grammar = "columns"
    known_rule = "linear fit"
    protocol = Protocol(fits_eta=True, selection_trials=1, report_trials=1, permutations=20)
    stress = Stress(**dict.fromkeys((*(kind.field for kind in KINDS), "alone"), _MEASURED))
    achieves, misses = "explains", "does not explain"

    def __init__(self, path: Path, columns: Columns | str, sheet: Sheet | None = None) -> None:
        self.path = path
        asked = columns if isinstance(columns, Columns) else parse_columns(columns)
        sheet = read_sheet(path) if sheet is None else sheet
        check_none_of_protocols(str(path), asked)
        told, symbols = told_apart(sheet, asked)
        self.target = target = told.target
        if not symbols:
            raise RulesearchError(f"{path} has no column besides {target}; a rule needs symbols to read")
        for name in symbols:
            check_name(sheet, name)
        weighing = told.error or told.weight
        if told.gaps == SKIP:
            sheet = sheet.without_gaps([target, *([weighing] if weighing else []), *symbols])
        if len(sheet.cells) < _FEWEST_ROWS:
            raise RulesearchError(f"{path} has {len(sheet.cells)} rows; a rule needs at least {_FEWEST_ROWS}")
        self.wanted = sheet.values(target)
        self.columns = {name: sheet.values(name, f"; no symbol? leave it out: --ignore {name}") for name in symbols}
        self.weights = _weights(sheet, told)
        spread = float(np.ptp(self.wanted))
        if spread == 0.0:
            raise RulesearchError(f"{path}: all values in column {target} are the same; there is nothing to explain")
        if not _LEAST_SPREAD < spread < _MOST_SPREAD:
            raise RulesearchError(
                f"{path}: values in column {target} spread over {spread:.3g}, and squares of that leave double "
                "precision; give them in another unit"
            )
        self._drawn: dict[int, npt.NDArray[np.bool_]] = {}
        self.name = f"{path.name}:{target}"  # type: ignore[misc]
        self.title = f"{target} of {path.name}"  # type: ignore[misc]
        how = f", rows weighed by {f'1/{told.error}^2' if told.error else told.weight}" if weighing else ""
        self.goal = f"at least 99 % of the variance of {target}{how}"  # type: ignore[misc]
        self.nothing = f"the mean of {target}"  # type: ignore[misc]
        self.symbols = {  # type: ignore[misc]
            heading.name: TaskSymbol(f"column {heading.written} of {path.name}")
            for heading in sheet.headings
            if heading.name in self.columns
        }

    def enough(self, loss: float) -> float:
        """Return the loss at which a rule explains the table; what another rule reaches does not matter."""
        return _UNEXPLAINED

    def complete(self, rules: RuleSet, settings: Settings) -> BoundSet:
        """Return rules with the learning rate that fits best where they give none."""
        fitted = {
            name: rule if rule.eta is not None else replace(rule, eta=self._best_eta(rule, settings))
            for name, rule in rules.rules.items()
        }
        return super().complete(rules.with_rules(fitted), settings)

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Compare bound rules with the table; the seed changes nothing."""
        rule = rules.only()
        found = self._changes(rule) * rule.eta
        work = len(found)
        kept = self._kept(settings)
        # Rows that are held out choose nothing: not even that a rule has no value there.
        if not np.all(np.isfinite(found[kept])):
            return Trial("nonfinite", None, work=work)
        target = self._target(settings)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self._weighed((found - target) ** 2, kept)
        scale = self._spread(target, kept)
        loss = float(np.mean(squares)) / scale
        if not math.isfinite(loss):
            return Trial("runaway", None, work=work)
        metrics = {"error": loss}
        left_out = self._left_out(found, target, kept)
        if left_out:
            metrics["held_out_error"] = sum(left_out) / len(left_out)
        parts = np.array_split(squares, min(_CASES, len(squares)))
        return Trial("ok", loss, metrics, tuple(float(part.mean()) / scale for part in parts), work)

    def chosen_on(self, settings: Settings) -> str:
        """Return how many rows the search sees."""
        return f"the {int(self._kept(settings).sum())} rows of the search"

    def held_out_on(self, settings: Settings) -> str:
        """Return how many rows it does not see."""
        left_out = int((~self._kept(settings)).sum())
        return f"{left_out} held-out row{'s' * (left_out > 1)}" if left_out else ""

    def held_out_flaw(self, settings: Settings) -> str:
        """Return that the held-out rows do not vary, where that is so."""
        left_out = self.wanted[~self._kept(settings)]
        if not len(left_out) or _varies(left_out):
            return ""
        where = f"{self.target} is the same in all of them" if len(left_out) > 1 else "that is one value"
        return f"{where}, which any constant may meet, and its loss is over the variance of all rows"

    def held_out_losses(self, rules: BoundSet, trials: Sequence[Trial], settings: Settings) -> tuple[float, ...]:
        """Return the squared error of each held-out row, over their variance; empty where a rule has no value there."""
        rule, kept, target = rules.only(), self._kept(settings), self._target(settings)
        return self._left_out(self._changes(rule) * rule.eta, target, kept)

    def _left_out(
        self, found: npt.NDArray[np.float64], target: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]
    ) -> tuple[float, ...]:
        """Return squared errors of the held-out rows over the variance of their targets, where all are finite."""
        if kept.all():
            return ()
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self._weighed((found - target) ** 2, ~kept)
        shares: tuple[float, ...] = tuple((squares / self._spread(target, ~kept)).tolist())
        return shares if all(map(math.isfinite, shares)) else ()

    def _weighed(self, values: npt.NDArray[np.float64], rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return values of some rows such that their mean is the weighted one."""
        weights = self.weights[rows]
        weighed: npt.NDArray[np.float64] = values[rows] * (weights / weights.mean())
        return weighed

    def _spread(self, target: npt.NDArray[np.float64], rows: npt.NDArray[np.bool_]) -> float:
        """Return the variance of some rows' targets, that of all where these are the same."""
        if not _varies(target[rows]):
            target, rows = self.wanted, np.ones(len(target), dtype=np.bool_)
        mean = np.average(target[rows], weights=self.weights[rows])
        return float(np.mean(self._weighed((target - mean) ** 2, rows)))

    def derive(self, values: dict[str, float], given: set[str]) -> dict[str, float]:
        """Return the settings as they are.

        **Raises:** `RulesearchError` where the rows that are left to the search leave nothing to explain.
        """
        rows = self.wanted[self._kept(values)]
        if not _varies(rows):
            raise RulesearchError(
                f"{self.path}: the search sees {len(rows)} rows, and {self.target} is the same in all of them; "
                "hold out fewer rows: --set held_out=0"
            )
        return values

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the linear function of all columns that fits best."""
        kept = self._kept(settings)
        design: npt.NDArray[np.float64] = np.column_stack([*self.columns.values(), np.ones(len(self.wanted))])
        sizes = np.sqrt(self.weights[kept])
        found = np.linalg.lstsq(design[kept] * sizes[:, np.newaxis], self._target(settings)[kept] * sizes)[0]
        total = Expression.number(float(found[-1]))
        for name, value in zip(self.columns, found, strict=False):
            term = Expression.apply("mul", Expression.number(float(value)), Expression.symbol(name))
            total = Expression.apply("add", total, term)
        return RuleSet({"w": Rule({"on_step": total}, 1.0)}, self.known_rule)

    def control(self, settings: Settings) -> RuleSet:
        """Return the mean of the target, whatever the symbols are."""
        kept = self._kept(settings)
        mean = float(np.average(self._target(settings)[kept], weights=self.weights[kept]))
        return RuleSet({"w": Rule({"on_step": Expression.number(mean)}, 1.0)}, "mean")

    def own_grammar(self) -> str:
        """Return a grammar over the columns."""
        described = toml_value(f"Functions of the columns of {self.path.name}.")
        lines = ['name = "columns"', f"description = {described}", ""]
        for name in self.columns:
            lines += [f"[symbols.{name}]", f'meaning = "column {name}"', 'unit = ""', ""]
        kind = next(name for name in ("c", "k", "const") if name not in self.columns)
        lines += [f"[constants.{kind}]", "range = [-2.0, 2.0]", 'prior = "uniform"', 'unit = ""', ""]
        lines += ["[slots]", 'on_step = "change"', "", "[productions]", "change = ["]
        infix = [f"change {sign} change" for sign in "+-*/"]
        for production in (*self.columns, kind, *infix, "change**2", "tanh(change)", "relu(change)", "abs(change)"):
            lines.append(f'    "{production}",')
        return "\n".join([*lines, "]", "", "[limits]", "size = 17", "depth = 9", ""])

    def _kept(self, settings: Settings) -> npt.NDArray[np.bool_]:
        left_out = int(settings["held_out"] * len(self.wanted))
        if left_out not in self._drawn:
            self._drawn[left_out] = _rows_kept(self.wanted, left_out)
        return self._drawn[left_out]

    def _target(self, settings: Settings) -> npt.NDArray[np.float64]:
        return self.wanted[permuted_order(len(self.wanted), settings["permutation"])]

    def _changes(self, rule: Rule) -> npt.NDArray[np.float64]:
        with np.errstate(all="ignore"):
            found = rule.slots["on_step"].evaluate({**self.columns, **rule.constant_values()})
        return np.broadcast_to(np.asarray(found, dtype=np.float64), self.wanted.shape)

    def _best_eta(self, rule: Rule, settings: Settings) -> float:
        kept = self._kept(settings)
        with np.errstate(all="ignore"):
            found = self._changes(rule)[kept]
            weighed = found * self.weights[kept]
            eta = float(weighed @ self._target(settings)[kept] / (weighed @ found))
        # A rule and its negative are two rules: a learning rate is positive.
        return eta if math.isfinite(eta) and eta > 0.0 else 1.0


def check_name(sheet: Sheet, name: str) -> None:
    """Refuse a column whose name cannot stand in a rule.

    **Raises:** `RulesearchError`.
    """
    others = {"tau": "the time constant of a state", **dict.fromkeys(OPERATORS, "an operator")}
    taken = taken_by(name) or others.get(name)
    if taken is not None:
        raise RulesearchError(
            f"{sheet.where}: the column {name!r} cannot be a symbol of a rule, where that is {taken}; give it another "
            f"name, such as {name}_1, or leave it out: --ignore {name}"
        )
    try:
        fits = parse_expression(name).head == name
    except RulesearchError:
        fits = False
    if not fits:
        raise RulesearchError(
            f"{sheet.where}: the column {name!r} cannot be a symbol of a rule; expected letters, digits and _, such as "
            "x_bar"
        )


def _weights(sheet: Sheet, columns: Columns) -> npt.NDArray[np.float64]:
    """Return how much each row weighs, 1 in the mean.

    **Raises:** `RulesearchError` for a standard error or a weight that is none.
    """
    name = columns.error or columns.weight
    if not name:
        return np.ones(len(sheet.cells))
    if columns.error:
        found = standard_errors(sheet, name)
        sizes = (found.min() / found) ** 2
    else:
        found = sheet.values(name)
        if len(wrong := np.flatnonzero(found < 0.0)):
            row = int(wrong[0])
            raise RulesearchError(
                f"{sheet.at(row, sheet.column(name))}: expected a weight of at least 0, found {found[row]:g}"
            )
        sizes = found / max(float(found.max()), _LEAST_SPREAD)
    if not sizes.sum() > 0.0:
        raise RulesearchError(f"{sheet.where}: all weights in column {name} are 0")
    weights: npt.NDArray[np.float64] = sizes / sizes.mean()
    return weights


def _rows_kept(wanted: npt.NDArray[np.float64], left_out: int) -> npt.NDArray[np.bool_]:
    """Return which rows the search sees: the first draw of those left out after which both kinds vary, else the first.

    **Arguments:** `wanted`: value of each row; `left_out`: how many rows the search does not see.
    """
    generator = np.random.default_rng(_HELD_OUT_SEED)
    draws = []
    for _ in range(_DRAWS if left_out > 1 else 1):
        kept = np.ones(len(wanted), dtype=np.bool_)
        kept[generator.permutation(len(wanted))[:left_out]] = False
        if not left_out or (_varies(wanted[kept]) and _varies(wanted[~kept])):
            return kept
        draws.append(kept)
    return draws[0]


def _varies(values: npt.NDArray[np.float64]) -> bool:
    """Return whether values are not all the same, and their variance is no zero in double precision."""
    return bool(np.ptp(values) > 0.0 and np.var(values) > 0.0)
