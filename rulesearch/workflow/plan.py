"""Planning a search: an experiment with everything that it names loaded and checked, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.expression import Expression
from rulesearch.files import read_text
from rulesearch.fitting.form import ETA, TAU
from rulesearch.given import named, several
from rulesearch.grammar import Grammar, load_grammar, parse_grammar
from rulesearch.grammar.variants import grammar_toml, with_template
from rulesearch.grammar.words import check_words, with_words, without
from rulesearch.rules import Rule, RuleSet
from rulesearch.search.engine import load_engine
from rulesearch.shipped import shipped_folder, shipped_names
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.stdp_protocols import StdpProtocols
from rulesearch.tasks.task import Task
from rulesearch.workflow.experiment import Experiment, load_experiment
from rulesearch.workflow.permuted import check_permutations
from rulesearch.workflow.problems import fitted_grammar, given_rules, start_rules, telling_what_is_given


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment with everything it names loaded and checked; `reference` is where its task was loaded from."""

    experiment: Experiment
    reference: str
    task: Task
    settings: Mapping[str, float]
    grammar: Grammar
    grammar_text: str


def planned(experiment: str | Path | Experiment, changes: Mapping[str, Any]) -> Plan:
    """Load and check everything.

    **Arguments:** `changes` of fields of the experiment, None where they stay as they are.
    **Raises:** `RulesearchError` for whatever is wrong.
    """
    chosen = experiment if isinstance(experiment, Experiment) else load_experiment(experiment)
    for name in ("settings", "options"):
        named(changes.get(name) or {}, name, "{'eta': 0.1}")
    words = {name: several(changes.get(name) or (), str, name) for name in ("forbid", "require")}
    chosen = chosen.with_changes(**{**changes, **words})
    task = load_task(chosen.task)
    chosen = chosen.with_changes(permutations=task.protocol.permutations if chosen.permutations is None else None)
    check_permutations(task, chosen.permutations or 0)
    loaded_engine = load_engine(chosen.engine, chosen.options)
    resolved = task.resolve(chosen.settings)
    text = task.own_grammar() if chosen.grammar == task.grammar else None
    if text is None:
        path = _grammar_path(chosen.grammar)
        loaded, text = load_grammar(path), read_text(path)
    else:
        loaded = parse_grammar(text)
    tables = len(loaded.slots)
    loaded = fitted_grammar(loaded, chosen, task)
    check_words(chosen.forbid, chosen.require)
    if chosen.forbid:
        loaded = without(loaded, chosen.forbid)
    if chosen.template is not None:
        with telling_what_is_given(chosen, task):
            loaded = with_template(loaded, chosen.template)
    if chosen.require:
        loaded = with_words(loaded, chosen.require)
    if chosen.forbid or chosen.require or chosen.template is not None or len(loaded.slots) < tables:
        text = grammar_toml(loaded)
    _check_fit(loaded, task)
    if isinstance(task, StdpProtocols):
        _check_own(loaded, task.own)
    loaded_engine.check(task, loaded)
    given, start = given_rules(chosen, task), start_rules(chosen, task)
    from rulesearch.search.primitives import GrammarPrimitives

    primitives = GrammarPrimitives(loaded)
    loaded_engine.check_start(primitives, None if start is None else primitives.genome_of(start))
    texts = {name: str(rules) for name, rules in (("given", given), ("start", start)) if rules is not None}
    chosen = chosen.with_changes(**texts)
    numbers = {name: resolved[name] for name in chosen.settings}
    steering = {name: getattr(loaded_engine.settings, name) for name in chosen.options}
    return Plan(chosen.with_changes(settings=numbers, options=steering), chosen.task, task, resolved, loaded, text)


def _grammar_path(reference: str) -> Path:
    if reference in shipped_names("grammars"):
        return shipped_folder("grammars") / f"{reference}.toml"
    if not os.path.isfile(reference):
        load_grammar(reference)
    return Path(reference)


def _check_own(grammar: Grammar, own: Sequence[str]) -> None:
    """Refuse names of preparations' own numbers that no rule of a grammar has; raises `RulesearchError`."""
    kinds = [ETA, *grammar.constants]
    times = [f"{TAU}{name}" for name in grammar.time_constants]
    for name in own:
        if name not in (*kinds, *times, TAU.rstrip("_")) and name.rstrip("0123456789") not in grammar.constants:
            raise RulesearchError(
                f"own: rules of grammar {grammar.name} have no number {name!r}{did_you_mean(name, kinds)}"
            )


def _check_fit(grammar: Grammar, task: Task) -> None:
    for place in grammar.slots:
        if place.slot not in task.slots:
            raise RulesearchError(
                f"grammar {grammar.name} fills the slot {place.slot}, task {task.name} has {', '.join(task.slots)}; "
                f"its own grammar is {task.grammar}"
            )
    defined = {} if task.stateless else grammar.states()
    for symbol in grammar.symbols:
        if symbol not in task.symbols and symbol not in defined:
            raise RulesearchError(
                f"grammar {grammar.name} reads {symbol}, which task {task.name} does not offer; "
                f"it offers {', '.join(task.symbols)}"
            )
    for name in defined:
        alone = {place.slot: Expression.symbol(name) for place in list(grammar.slots)[:1]}
        rule = Rule(alone, states=grammar.states_read(alone))
        try:
            task.fitted(RuleSet(dict.fromkeys(grammar.rules, rule)), grammar.rules)
        except RulesearchError as error:
            raise RulesearchError(f"grammar {grammar.name}, symbol {name}: {error}") from None
