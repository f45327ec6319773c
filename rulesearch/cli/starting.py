"""Commands that write a file to start from: new task, new objective, new grammar, new experiment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from rulesearch.cli.arguments import JsonOption
from rulesearch.cli.output import print_json
from rulesearch.errors import RulesearchError

_STARTERS = Path(__file__).parent / "starters"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")

NewName = Annotated[str, typer.Argument(metavar="NAME", help="Its name; the file is named after it.")]


def register(app: typer.Typer) -> None:
    """Add the group `new` to the application."""
    group = typer.Typer(
        rich_markup_mode=None,
        help="Write a file to start from: a task, a grammar, an experiment.",
        epilog="Example: rulesearch new task my-task",
    )
    group.command("task", short_help="A task in Python.", epilog="Example: rulesearch new task my-task --spiking")(task)
    group.command(
        "objective",
        short_help="A Python function that scores rules.",
        epilog="Example: rulesearch new objective my-score",
    )(objective)
    group.command("grammar", short_help="A grammar in TOML.", epilog="Example: rulesearch new grammar my-grammar")(
        grammar
    )
    group.command(
        "experiment",
        short_help="An experiment in TOML.",
        epilog="Example: rulesearch new experiment my-search --task my_task.py:MyTask",
    )(experiment)
    app.add_typer(group, name="new")


def task(
    name: NewName,
    spiking: Annotated[bool, typer.Option("--spiking", help="A spiking network instead of rate neurons.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a Python file with a task that runs as it is: change its network, input and loss."""
    words = _words(name)
    spellings = _spellings(words)
    file = f"{spellings['new_task']}.py"
    made = "".join(word[:1].upper() + word[1:] for word in words)
    starter = "spiking_task" if spiking else "rate_task"
    _write(starter, file, {**spellings, "NewTask": made}, f"{file}:{made}", as_json)


def objective(name: NewName, as_json: JsonOption = False) -> None:
    """Write a Python file with a function of a rule and a seed, for a simulator of your own."""
    spellings = _spellings(_words(name))
    function = spellings["new_task"]
    _write("objective", f"{function}.py", spellings, f"{function}.py:{function}", as_json)


def grammar(name: NewName, as_json: JsonOption = False) -> None:
    """Write a grammar file that says what each part is for."""
    plain = "-".join(_words(name)).lower()
    _write("grammar", f"{plain}.toml", {"new-name": plain}, f"{plain}.toml", as_json)


def experiment(
    name: NewName,
    task: Annotated[str, typer.Option("--task", metavar="T", help="A task's name, or my_task.py:Name.")] = "oja",
    grammar: Annotated[
        str | None, typer.Option("--grammar", metavar="G", help="A grammar's name or file; else the task's own.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write an experiment file: task, grammar, engine, seed and budget of a search."""
    from rulesearch.tasks.registry import load_task

    plain = "-".join(_words(name)).lower()
    chosen = load_task(task).grammar if grammar is None else grammar
    if not chosen:
        raise RulesearchError(f"task {task} has no grammar of its own yet; name one, for example --grammar rate")
    fields = {"new-name": plain, "NEW_TASK": task, "NEW_GRAMMAR": chosen}
    _write("experiment", f"{plain}.toml", fields, f"{plain}.toml", as_json)


def _words(name: str) -> list[str]:
    if not _NAME.fullmatch(name):
        raise RulesearchError(f"a name has letters, digits and single hyphens, such as my-task; found {name!r}")
    return re.split("[-_]", name)


def _spellings(words: list[str]) -> dict[str, str]:
    return {"new_task": "_".join(words).lower(), "new-task": "-".join(words).lower()}


def _write(starter: str, file: str, fields: dict[str, str], reference: str, as_json: bool) -> None:
    path = Path(file)
    if os.path.exists(path):
        raise RulesearchError(f"{file} is there already; choose another name")
    text = (_STARTERS / f"{starter}.txt").read_text("utf-8")
    for word, chosen in fields.items():
        text = text.replace(word, chosen)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise RulesearchError(f"{file} cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"file": file, "reference": reference})
    else:
        print(f"wrote {file}; it is {reference}")
