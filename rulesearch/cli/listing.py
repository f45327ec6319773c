"""Commands that show what there is: tasks, grammars, engines, experiments, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from rulesearch.cli.arguments import JsonOption, NameArgument
from rulesearch.cli.known_rules import rules
from rulesearch.cli.output import number, print_json, show_facts, show_table
from rulesearch.cli.runs import runs

if TYPE_CHECKING:
    from rulesearch.search.options import Option
    from rulesearch.tasks.declaration import Setting
    from rulesearch.tasks.task import Task

_OPTION_KEYS = ("default", "low", "high", "whole", "meaning")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        "rules", short_help="Known rules: equations, papers, constants.", epilog="Example: rulesearch rules oja"
    )(rules)
    app.command(
        "tasks",
        short_help="Tasks: symbols, settings, baselines, papers.",
        epilog="Example: rulesearch tasks inhibitory-rate",
    )(tasks)
    app.command("grammars", short_help="Shipped grammars.", epilog="Example: rulesearch grammars rate")(grammars)
    app.command("engines", short_help="Search engines, their options.", epilog="Example: rulesearch engines deap")(
        engines
    )
    app.command("experiments", short_help="Shipped experiments.", epilog="Example: rulesearch experiments")(experiments)
    app.command("runs", short_help="Runs in a folder.", epilog="Example: rulesearch runs results")(runs)


def tasks(name: NameArgument = None, as_json: JsonOption = False) -> None:
    """List the tasks, or show one: symbols, slots, settings, fidelities, baseline, control, paper."""
    from rulesearch.tasks.registry import load_task, task_names

    if name is None:
        found = [load_task(each) for each in task_names()]
        if as_json:
            print_json({"tasks": [task_document(task) for task in found]})
        else:
            rows = [[task.name, task.title, task.known_rule, task.reached or "not counted"] for task in found]
            show_table(["name", "title", "known rule", "searches that solved it"], rows)
        return
    task = load_task(name)
    if as_json:
        print_json(task_document(task))
    else:
        _show_task(task)


def task_document(task: Task) -> dict[str, Any]:
    """Return the JSON document of a task."""
    from rulesearch.tasks.conditions import conditions

    values = task.resolve()
    return {
        "name": task.name,
        "title": task.title,
        "summary": task.summary,
        "slots": list(task.slots),
        "rules": list(task.rule_names),
        "symbols": {key: {"meaning": each.meaning, "unit": each.unit} for key, each in task.symbols.items()},
        "settings": {
            key: {
                "default": each.default,
                "low": each.low,
                "high": each.high,
                "whole": each.whole,
                "unit": each.unit,
                "meaning": each.meaning,
            }
            for key, each in task.settings.items()
        },
        "fidelities": [
            {"name": each.name, "trials": each.trials, "description": each.description} for each in task.fidelities
        ],
        "stress": [
            {
                "condition": each.kind,
                "changes": {key: {"before": pair[0], "after": pair[1]} for key, pair in each.changes.items()},
                "reason": each.reason or None,
            }
            for each in conditions(task.stress, task.settings, values)
        ],
        "requirements": {each.metric: {"least": each.least, "most": each.most} for each in task.requirements},
        "bounds": list(task.bounds),
        "grammar": task.grammar,
        "known_rule": task.known_rule,
        "reached": task.reached or None,
        "network": task.network(values) or None,
        "paper_took": task.paper_took or None,
        "baseline": str(task.baseline(values)),
        "control": str(task.control(values)),
        "reference": task.reference,
        "doi": task.doi,
    }


def _show_task(task: Task) -> None:
    from rulesearch.rules import Rule, RuleSet
    from rulesearch.tasks.conditions import conditions

    values = task.resolve()
    facts = [("name", task.name), ("title", task.title), ("summary", task.summary), ("slots", ", ".join(task.slots))]
    facts += [("rules", ", ".join(task.rule_names))] * (len(task.rule_names) > 1)
    sizes = [("network", task.network(values)), ("the paper's search", task.paper_took), ("searches", task.reached)]
    facts += [
        *(fact for fact in sizes if fact[1]),
        ("fidelities", "\n".join(f"{each.name}: {each.description}" for each in task.fidelities)),
        ("must reach", ", ".join(map(str, task.requirements)) or "-"),
        ("bounds of w", f"{number(task.bounds[0])} to {number(task.bounds[1])}"),
        ("grammar", task.grammar or "-"),
        ("baseline", f"{task.baseline(values)} ({task.known_rule})"),
        ("control", f"{task.control(values)} (must fail)"),
        ("paper", task.reference),
        ("doi", task.doi),
    ]
    show_facts(facts)
    symbols = []
    for key, symbol in task.symbols.items():
        default = ""
        if symbol.state is not None:
            first = next(iter(task.baseline(values).rules.values()))
            declared = str(RuleSet.single(Rule(first.slots, states={key: symbol.state})))
            default = declared.rpartition("; ")[2]
        symbols.append([key, symbol.unit or "1", symbol.meaning, default])
    print()
    show_table(["symbol", "unit", "meaning", "default"], symbols)
    rows = [[key, number(each.default), _range(each), each.unit, each.meaning] for key, each in task.settings.items()]
    print()
    show_table(["setting", "default", "range", "unit", "meaning"], rows)
    stress = conditions(task.stress, task.settings, values)
    print()
    show_table(["stress", "changed"], [[each.kind, each.reason or each.text(task.settings)] for each in stress])


def _range(setting: Setting | Option) -> str:
    return f"{setting.low:g} to {setting.high:g}{', whole' * setting.whole}"


def grammars(name: NameArgument = None, as_json: JsonOption = False) -> None:
    """List the shipped grammars, or show one (also from a file)."""
    from rulesearch.grammar import grammar_facts, load_grammar
    from rulesearch.shipped import shipped_names

    if name is None:
        found = [load_grammar(each) for each in shipped_names("grammars")]
        if as_json:
            print_json({"grammars": [{"name": each.name, "description": each.description} for each in found]})
        else:
            show_table(["name", "description"], [[each.name, each.description] for each in found])
        return
    grammar = load_grammar(name)
    facts = grammar_facts(grammar)
    if as_json:
        described = {"name": grammar.name, "description": grammar.description}
        print_json({**described, "facts": dict(facts), "text": grammar.text()})
        return
    show_facts([("description", grammar.description), *facts, ("grammar", grammar.text())])


def engines(name: NameArgument = None, as_json: JsonOption = False) -> None:
    """List the search engines, or show one: its options, their defaults and ranges."""
    from rulesearch.search.engine import ENGINES, load_engine

    if name is not None:
        _show_engine(name, as_json)
        return
    found = [(name, load_engine(name).summary) for name in ENGINES]
    if as_json:
        print_json({"engines": [{"name": name, "summary": summary} for name, summary in found]})
    else:
        show_table(["name", "summary"], [list(row) for row in found])


def _show_engine(name: str, as_json: bool) -> None:
    from rulesearch.search.engine import load_engine
    from rulesearch.search.options import options_of

    engine = load_engine(name)
    options = options_of(engine.settings_type)
    if as_json:
        listed = {key: {each: getattr(option, each) for each in _OPTION_KEYS} for key, option in options.items()}
        print_json({"name": name, "summary": engine.summary, "options": listed})
        return
    show_facts([("name", name), ("summary", engine.summary)])
    if options:
        print()
        rows = [[key, number(each.default), _range(each), each.meaning] for key, each in options.items()]
        show_table(["option", "default", "range", "meaning"], rows)


def experiments(as_json: JsonOption = False) -> None:
    """List the shipped experiments."""
    from rulesearch.workflow.experiment import experiment_names, load_experiment

    found = [(name, load_experiment(name)) for name in experiment_names()]
    if as_json:
        keys = ("description", "task", "grammar", "engine", "seed", "budget")
        listed = [{"name": name, **{key: getattr(each, key) for key in keys}} for name, each in found]
        print_json({"experiments": listed})
        return
    rows = [[name, each.task, each.grammar, each.engine, str(each.budget), each.description] for name, each in found]
    show_table(["name", "task", "grammar", "engine", "budget", "description"], rows)
