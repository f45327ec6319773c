"""What the rules that survive a table of measurements say of other protocols.

Within each rule its posterior counts, between rules weights under which they predict left-out rows best together.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.evaluation.records import STORE
from rulesearch.evaluation.seeds import generator
from rulesearch.expression.printing import to_text
from rulesearch.fitting.chance import chi_square_above
from rulesearch.fitting.form import ProtocolForm
from rulesearch.given import real_number, several, whole_number
from rulesearch.inference.fitting import Fit
from rulesearch.inference.judging import Prediction, leave_out
from rulesearch.inference.sampling import Draws, sample
from rulesearch.inference.stacking import stacking_weights
from rulesearch.measurements.columns import Columns, columns_of
from rulesearch.measurements.protocols import CHANGE, PAIR, Measured, as_protocols, read_plans
from rulesearch.measurements.sheet import SUFFIXES, read_table, sheet_of
from rulesearch.rules import KnownRule
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.stdp_protocols import StdpProtocols
from rulesearch.workflow.fitted import fit_form, measurements_of
from rulesearch.workflow.resolve import RuleLike, as_rules
from rulesearch.workflow.run import Run

Array = npt.NDArray[np.float64]

_SAMPLE = 8
_KEPT = 2000
_CLOSE = 4.0
_NO_SUPPORT = 10.0
_MISFIT = 1e-3
_OPTIONS = ("target", "own", "fixed", "error", "ignore", "gaps", "group", "before", "table_repeats", "table_every")
"""What is told of the table, and of the numbers that are fitted to it."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A rule under a table.

    **Fields:** `name`: its text without numbers; `rules` as they were given; `found`: its fit; `left_out`: how it
    predicts rows that were left out; `draws` from its posterior, None where it is refuted; `weight` among the rules
    that are not, else 0; `refuted`: it predicts left-out rows worse than the best rule does by more than chance: its
    elpd is lower by more than 4, and than two standard errors of the difference (Sivula et al. 2020,
    arXiv:2008.10296); or the rows leave it no support beside others (`_without_support`). The best predictor is not.
    """

    name: str
    rules: RuleSet
    found: Fit
    left_out: Prediction
    draws: Draws | None = None
    weight: float = 0.0
    refuted: bool = False

    def predictions(self, protocols: Sequence[Measured], preparation: str = "") -> Array:
        """Return the change under protocols at each draw, `(draws, protocols)`, -1 at least.

        **Arguments:** `preparation`: whose own numbers count, where preparations have some.
        """
        form = self.found.form
        if not isinstance(form, ProtocolForm):
            raise RulesearchError("rules of columns predict no protocols")
        if self.draws is None:
            raise RulesearchError(f"the table refutes {self.name}: it predicts nothing")
        draws = self.draws.flat[:: max(1, len(self.draws.flat) // _KEPT)]
        group = form.preparations.index(preparation) if preparation else 0
        # What a rule without bounds says of a weight that is gone: it stays gone.
        return np.maximum(form.elsewhere(protocols, draws, group), -1.0)


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is said of a protocol.

    **Fields:** `label`; `mean` of all rules, weighted; central interval `low` to `high`; `by_rule`: the same by the
    name of each rule.
    """

    label: str
    mean: float
    low: float
    high: float
    by_rule: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What rules say of protocols.

    **Fields:** `table`; `survivors`; `level` of intervals, which are of the true change, without noise of a new
    measurement; `rows` by protocol.
    """

    table: str
    survivors: tuple[Survivor, ...]
    level: float
    rows: tuple[Foretold, ...]

    @property
    def warning(self) -> str:
        """What is wrong with all of the rules, empty where nothing is."""
        return none_fits(self.survivors)

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "table": self.table,
            "level": self.level,
            "warning": self.warning,
            "rules": [
                {
                    "rule": each.name,
                    "weight": each.weight,
                    "elpd": each.left_out.elpd,
                    "elpd_se": each.left_out.elpd_se,
                    "settled": None if each.refuted else each.draws is None or each.draws.settled,
                    "refuted": each.refuted,
                }
                for each in self.survivors
            ],
            "rows": [
                {
                    "id": row.label,
                    "mean": row.mean,
                    "interval": [row.low, row.high],
                    "by_rule": {
                        name: {"mean": mean, "interval": [low, high]} for name, (mean, low, high) in row.by_rule.items()
                    },
                }
                for row in self.rows
            ],
        }


def predict(
    rules: RuleLike | Run | Iterable[RuleLike],
    table: object = None,
    *,
    pre: Sequence[float] = (),
    post: Sequence[float] = (),
    repeats: float | None = None,
    every: float | None = None,
    protocols: object = None,
    preparation: str = "",
    level: float = 0.9,
    seed: int = 1,
    **options: Any,
) -> Predicted:
    """Predict the change under a protocol, or under those of a table.

    **Arguments:** `rules`: texts, known rules, or the folder of a run on measurements, for all of its front; `table` to
    which rules are fitted, that of the run where not given; `pre` and `post`: spike times of one repeat [ms]; `repeats`
    and `every` [ms]; `protocols`: a table of these in place of one; `preparation` whose own numbers count; `level` of
    intervals; `table_repeats` and `table_every` [ms] where the table does not tell; other `options` as of `fit`.
    **Raises:** `RulesearchError` for whatever is wrong with these; `MissingPartError` without emcee.
    """
    whole_number(seed, "seed", 0)
    if not 0.0 < real_number(level, "level") < 1.0:
        raise RulesearchError(f"level must be between 0 and 1, found {level:g}")
    wanted = asked_protocols(pre, post, repeats, every, protocols)
    found, name = survivors_of(rules, table, seed, preparation=preparation, asked=wanted, **options)
    left = [each for each in found if not each.refuted]
    by_rule = [each.predictions(wanted, preparation) for each in left]
    tail = 0.5 * (1.0 - level)
    rows = []
    for place, protocol in enumerate(wanted):
        columns = [part[:, place] for part in by_rule]
        shares = np.concatenate(
            [np.full(len(part), each.weight / len(part)) for each, part in zip(left, columns, strict=True)]
        )
        values = np.concatenate(columns)
        low, high = weighted_quantiles(values, shares, [tail, 1.0 - tail])
        parts = {
            each.name: (float(part.mean()), *map(float, np.quantile(part, [tail, 1.0 - tail])))
            for each, part in zip(left, columns, strict=True)
        }
        rows.append(Foretold(protocol.label, float(values @ shares), low, high, parts))  # type: ignore[arg-type]
    return Predicted(name, tuple(found), level, tuple(rows))


def asked_protocols(
    pre: Sequence[float], post: Sequence[float], repeats: float | None, every: float | None, protocols: object
) -> list[Measured]:
    """Return the protocols that are asked about; arguments and errors as of `predict`."""
    columns = columns_of(CHANGE, None, None, (), None, repeats, every)
    if protocols is not None:
        if len(pre) or len(post):
            raise RulesearchError("give spikes, with --pre and --post, or a table of protocols; not both")
        return read_plans(read_table(protocols), columns)
    if not len(pre) and not len(post):
        raise RulesearchError("there is no protocol to predict: give --pre or --post, such as --pre 0 --post 10")
    given = {
        "id": ["protocol"],
        "pre_ms": [[real_number(time, "pre") for time in pre]],
        "post_ms": [[real_number(time, "post") for time in post]],
    }
    return read_plans(sheet_of(given, "the protocol that is asked about"), columns)


def survivors_of(
    rules: RuleLike | Run | Iterable[RuleLike],
    table: object,
    seed: int,
    least: int = 1,
    preparation: str = "",
    asked: Sequence[Measured] = (),
    **options: Any,
) -> tuple[list[Survivor], str]:
    """Return rules with their posteriors and weights under a table, and its name; arguments as of `predict`.

    **Arguments:** `least`: how many different rules there must be; `asked`: protocols that rules will be asked about.
    """
    unknown = next((name for name in options if name not in _OPTIONS), None)
    if unknown is not None:
        raise RulesearchError(f"unknown argument {unknown!r}{did_you_mean(unknown, _OPTIONS)}")
    texts, source = _expanded(rules, table)
    if len({_without_numbers(as_rules(text, None)) for text in texts}) < least:
        raise RulesearchError("there is one rule: to decide takes two at least; give others, or the folder of a run")
    target = options.pop("target", None)
    columns = columns_of(
        target or CHANGE,
        options.pop("error", None),
        None,
        options.pop("ignore", ()),
        options.pop("gaps", None),
        options.pop("table_repeats", None),
        options.pop("table_every", None),
        group=options.pop("group", None),
    )
    _check_repeats(source, columns, asked)
    found: dict[str, Survivor] = {}
    name = ""
    asked_own = options.pop("own", ())
    for rule in texts:
        own_names = asked_own
        if not asked_own and isinstance(source, StdpProtocols):
            # Rules of a run have numbers of preparations as the search had.
            own_names = source.own_numbers(replace(as_rules(rule, None).only(), eta=None))
        own, name, fit = fit_form(rule, source, columns, target, own_names, seed=seed, **options)
        known = fit.form.preparations
        if preparation and preparation not in known:
            told = ", ".join(filter(None, known)) or "none by name"
            raise RulesearchError(f"{name} has no preparation {shown(preparation)}; it has {told}")
        label = _without_numbers(own)
        if label not in found:
            found[label] = Survivor(label, own, fit, leave_out(fit, "row", list(range(len(fit.predictions)))))
    if preparation and not any(number.own for each in found.values() for number in each.found.form.parameters):
        raise RulesearchError(
            f"no number is that of preparation {preparation} alone; leave --preparation out, or say which are: --own"
        )
    densities = np.array([each.left_out.log_density for each in found.values()])
    predicted = densities[:, np.all(np.isfinite(densities), axis=0)]
    first = int(np.argmax(predicted.sum(axis=1)))
    lost = _without_support([each.found for each in found.values()])
    worse = [_worse(own, predicted[first]) for own in predicted]
    refuted = (np.array(worse) | np.array(lost)) & (np.arange(len(found)) != first)
    weights = np.zeros(len(refuted))
    weights[~refuted] = stacking_weights(predicted[~refuted])
    judged = []
    for place, (each, gone, weight) in enumerate(zip(found.values(), refuted, weights, strict=True)):
        draws = None if gone else sample(each.found, generator(seed, _SAMPLE, place))
        judged.append(replace(each, draws=draws, weight=float(weight), refuted=bool(gone)))
    return judged, name


def _check_repeats(source: object, columns: Columns, asked: Sequence[Measured]) -> None:
    """Refuse pairs of which it is not told how often they came, where rules are asked about repeated ones.

    Numbers that are fitted to single pairs, taken for granted, would make changes larger by the number of repeats.
    **Raises:** `RulesearchError`.
    """
    if columns.repeats or all(each.repeats == 1 for each in asked):
        return
    table = measurements_of(source)
    if isinstance(table, StdpProtocols):
        return
    sheet = as_protocols(table)
    if PAIR in sheet.names and "repeats" not in sheet.names:
        raise RulesearchError(
            f"{sheet.where} does not tell how often its pairs were repeated: give --table-repeats N and --table-every "
            "MS, or --table-repeats 1"
        )


def _worse(own: Array, best: Array) -> bool:
    """Return whether log densities of rows are lower than others by more than chance."""
    lead = best - own
    if not len(lead):
        return False
    return float(lead.sum()) > max(_CLOSE, 2.0 * math.sqrt(len(lead)) * float(lead.std()))


def none_fits(survivors: Sequence[Survivor]) -> str:
    """Return a warning where none of the rules that are left fits the table to within its noise, else nothing.

    Each leaves more than it would in one of a thousand tables of its own (chi squared).
    """
    found = [each.found for each in survivors if not each.refuted]
    best = min(found, key=lambda each: each.z2)
    if not best.data.told or any(_fits(each) for each in found):
        return ""
    return (
        f"none of these rules fits the table: the best leaves a mean z² of {best.z2:.3g}, noise makes 1; what they say "
        "of other protocols may be as wrong"
    )


def _fits(found: Fit) -> bool:
    freedom = len(found.predictions) - found.form.size
    squares = float(np.sum(found.residuals**2))
    return freedom < 1 or chi_square_above(squares, freedom) >= _MISFIT


def _without_support(fits: Sequence[Fit]) -> list[bool]:
    """Return which of several rules rows leave no support beside the best one: their AIC is higher by more than 10.

    Where standard errors are told it is chi^2/c + 2 k for k numbers; c is what the best of the rules leaves per degree
    of freedom, 1 at least: rows that nothing fits refute nothing (Burnham & Anderson 2002, Model selection and
    multimodel inference, 2.5 and 2.6). One row that is missed by far when it is left out makes the standard error of
    elpd as large as the difference, and never refutes by that.
    """
    sizes = np.array([float(each.form.size) for each in fits])
    if fits[0].data.told:
        squares, rows = np.array([np.sum(each.residuals**2) for each in fits]), len(fits[0].predictions)
        left = [total / (rows - size) for total, size in zip(squares, sizes, strict=True) if rows > size]
        misfits = squares / max(1.0, min(left, default=1.0))
    else:
        misfits = np.array([-2.0 * each.log_likelihood for each in fits])
    criteria = misfits + 2.0 * sizes
    return [bool(lost) for lost in criteria - np.min(criteria) > _NO_SUPPORT]


def weighted_quantiles(values: Array, shares: Array, levels: Sequence[float]) -> list[float]:
    """Return quantiles of values that count by their shares."""
    order = np.argsort(values)
    summed = np.cumsum(shares[order])
    places = np.searchsorted(summed, np.array(levels) * summed[-1])
    return [float(values[order[min(place, len(order) - 1)]]) for place in places]


def _expanded(rules: RuleLike | Run | Iterable[RuleLike], table: object) -> tuple[list[RuleLike], object]:
    """Return the rules, those of the front of a run in place of its folder, and the table."""
    found: list[RuleLike] = []
    for each in several(rules, (str, Rule, RuleSet, KnownRule, Path, Run), "what predicts"):
        run = each if isinstance(each, Run) else None
        if isinstance(each, (str, Path)) and (Path(each) / STORE).is_file():
            run = Run.open(each)
        if run is None:
            if isinstance(each, str) and Path(each).suffix.lower() in SUFFIXES and os.path.isfile(each):
                raise RulesearchError(f"{shown(each)} is a table: rules are fitted to it with --table {each}")
            found.append(each)
            continue
        task = load_task(run.experiment.task)
        if not isinstance(task, StdpProtocols):
            raise RulesearchError(f"the run {run.folder} is not on measurements under protocols, but on {task.name}")
        table = task if table is None else table
        members = [member.rules.only() for member in run.members]
        # The learning rate that the search fitted is a number like others.
        found += [RuleSet.single(Rule(each.slots, None, each.states, each.constants)) for each in members]
    if table is None:
        raise RulesearchError(
            f"{shown(str(found[0]))} is no folder of a run: say which table the rule is fitted to, with --table"
        )
    return found, table


def _without_numbers(rules: RuleSet) -> str:
    """Return the slots of a rule as text."""
    return "; ".join(f"{slot}: {to_text(part)}" for slot, part in rules.only().slots.items())
