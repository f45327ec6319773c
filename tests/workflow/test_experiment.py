"""Experiment files: read, refused, and written so that they read back."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.grammar import load_grammar
from rulesearch.shipped import shipped_folder, shipped_names
from rulesearch.tasks import load_task
from rulesearch.workflow.discover import discover
from rulesearch.workflow.experiment import (
    Experiment,
    experiment_names,
    experiment_text,
    load_experiment,
    read_experiment,
)


@pytest.mark.parametrize("name", experiment_names())
def test_every_shipped_experiment_can_be_run(name: str) -> None:
    found = load_experiment(name)
    assert found.name == name
    assert found.description
    load_task(found.task).resolve(found.settings)
    load_grammar(found.grammar)
    assert load_experiment(shipped_folder("experiments") / f"{name}.toml") == found


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_file_needs_no_more_than_task_and_grammar(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path, 'task = "oja"\ngrammar = "rate"\n'))
    assert found == Experiment("mine", "oja", "rate")
    assert (found.engine, found.backend, found.time_limit) == ("deap", "vm", None)


COMPLETE = 'task = "oja"\ngrammar = "rate"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task = ", "not TOML"),
        ("\x00", "not TOML"),
        (COMPLETE + f"seed = {'9' * 5000}", "not TOML"),
        (COMPLETE + f"seed = 0x{'F' * 5000}", "seed must lie in 0 to 2147483647"),
        (COMPLETE + f"settings = {'{a=' * 3000}1{'}' * 3000}", "nested too deeply"),
        (COMPLETE + f"seed.{'a.' * 3000}a = 1", "seed must be of type int"),
        ('grammar = "rate"', "the key 'task' is missing"),
        ('task = "oja"', "the key 'grammar' is missing"),
        (COMPLETE + "budgt = 3", "unknown key 'budgt'; did you mean 'budget'"),
        (COMPLETE + 'budget = "many"', "budget must be of type int, found 'many'"),
        (COMPLETE + "budget = 2.5", "budget must be of type int, found 2.5"),
        (COMPLETE + "budget = true", "budget must be of type int, found True"),
        (COMPLETE + "budget = 0", "budget must lie in 1 to 1000000000000, found 0"),
        (COMPLETE + "seed = -1", "seed must lie in 0 to 2147483647, found -1"),
        (COMPLETE + "seed = 2147483648", "seed must lie in 0 to 2147483647"),
        (COMPLETE + "time_limit = 0", "time_limit must be above 0 s, found 0"),
        (COMPLETE + "time_limit = nan", "time_limit must be above 0 s, found nan"),
        (COMPLETE + 'time_limit = "1 h"', "time_limit must be of type int or float"),
        (COMPLETE + 'stop_loss = "low"', "stop_loss must be of type int or float"),
        (COMPLETE + 'backend = "gpu"', "backend must be vm or jit, found 'gpu'"),
        (COMPLETE + 'backend = "auto"', "backend must be vm or jit, found 'auto'"),
        (COMPLETE + "engine = 3", "engine must be of type str, found 3"),
        (COMPLETE + "settings = 3", "settings must be of type dict, found 3"),
        (COMPLETE + "start = 3", "start must be of type str"),
        (COMPLETE + "name = 3", "name must be of type str"),
        (COMPLETE + 'name = "a/../../../x"', "a name has letters"),
        (COMPLETE + "seeds = 3", "unknown key 'seeds'; did you mean 'seed'"),
        (COMPLETE + 'name = ""', "a name has letters"),
        (COMPLETE + "stop_loss = nan", "stop_loss must be a number of at least 0"),
        (COMPLETE + "stop_loss = inf", "stop_loss must be a number of at least 0, as losses are, found inf"),
        (COMPLETE + "stop_loss = -1", "stop_loss must be a number of at least 0, as losses are, found -1"),
        (COMPLETE + f"budget = 1{'0' * 400}", "budget must lie in 1 to 1000000000000"),
        (COMPLETE + f"time_limit = -1{'0' * 400}", "time_limit must be above 0 s"),
    ],
)
def test_what_is_wrong_is_refused_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RulesearchError) as caught:
        load_experiment(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("value", ["[1]", "{a = 1}", "true", '"many"', "nan"])
def test_settings_that_are_no_numbers_are_refused(tmp_path: Path, value: str) -> None:
    path = write(tmp_path, f"{COMPLETE}budget = 1\nengine = 'random'\n[settings]\neta = {value}\n")
    with pytest.raises(RulesearchError, match="setting eta of task oja must"):
        discover(path, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match=r"there is no file nowhere\.toml"):
        load_experiment("nowhere.toml")
    with pytest.raises(RulesearchError, match="there is no file some/where"):
        load_experiment("some/where")
    with pytest.raises(RulesearchError, match="unknown experiment 'ojaa'; did you mean 'oja'"):
        load_experiment("ojaa")
    (tmp_path / "latin.toml").write_bytes(b'task = "\xe9"')
    with pytest.raises(RulesearchError, match="cannot be read: it is not UTF-8 text"):
        load_experiment(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_text("# " + "x" * 300_000)
    with pytest.raises(RulesearchError, match="is larger than"):
        load_experiment(tmp_path / "large.toml")


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False) | st.integers(-(10**9), 10**9)
EXPERIMENTS = st.builds(
    Experiment,
    name=st.from_regex(r"\w[\w .+-]{0,30}", fullmatch=True),
    task=TEXT,
    grammar=TEXT,
    description=TEXT,
    engine=TEXT,
    seed=st.integers(0, 2**31 - 1),
    budget=st.integers(1, 10**12),
    settings=st.dictionaries(st.sampled_from(("dims", "eta", "data_sets")), NUMBER),
    time_limit=st.none() | st.floats(1e-3, 1e6),
    stop_loss=st.none() | st.floats(0.0, 1e300),
    backend=st.sampled_from(("vm", "jit")),
    start=st.none() | TEXT,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EXPERIMENTS)
def test_an_experiment_is_read_back_as_it_was_written(tmp_path: Path, experiment: Experiment) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(experiment_text(experiment, {"python": "3.11", "num py": "1"}), "utf-8")
    assert read_experiment(path) == experiment


def test_settings_are_added_to_those_of_the_file_and_an_empty_list_changes_nothing() -> None:
    experiment = Experiment("mine", "oja", "rate", settings={"dims": 3}, forbid=["tanh"])
    changed = experiment.with_changes(settings={"points": 100}, forbid=[], require=["w"], seed=None)
    assert changed == replace(experiment, settings={"dims": 3, "points": 100}, require=["w"])


def test_options_of_a_file_are_those_of_its_engine() -> None:
    experiment = load_experiment("plastic-network-ee")
    assert experiment.engine == "enumerate" and experiment.options["largest"] == 3
    assert experiment.with_changes(engine="random").options == {}
    assert experiment.with_changes(engine="deap", options={"islands": 2}).options == {"islands": 2}
    same = experiment.with_changes(engine="enumerate", options={"rounds": 1})
    assert same.options == {**experiment.options, "rounds": 1}


def test_versions_are_written_beside_the_experiment() -> None:
    fields = tomllib.loads(experiment_text(load_experiment("oja"), {"numpy": "2.0"}))
    assert fields["versions"] == {"numpy": "2.0"}


def test_numbers_may_be_written_as_people_and_scripts_write_them(tmp_path: Path) -> None:
    assert read_experiment(write(tmp_path, COMPLETE + "budget = 1e5")).budget == 100_000
    changed = load_experiment("oja").with_changes(
        seed=np.int64(3), budget=2e3, time_limit=np.float32(2.0), grammar=Path("a.toml")
    )
    assert (changed.seed, changed.budget, changed.time_limit, changed.grammar) == (3, 2000, 2.0, "a.toml")
    assert "seed = 3\nbudget = 2000\n" in experiment_text(changed, {})
    for wrong in ({"budget": 2.5}, {"seed": "3"}, {"seed": True}, {"forbid": "tanh"}, {"settings": [1]}):
        with pytest.raises(RulesearchError, match="must be of type"):
            load_experiment("oja").with_changes(**wrong)


def test_changes_are_checked_and_none_changes_nothing() -> None:
    experiment = load_experiment("oja")
    assert experiment.with_changes(seed=None, engine=None) == experiment
    assert experiment.with_changes(seed=7) == replace(experiment, seed=7)
    with pytest.raises(RulesearchError, match="budget must lie in 1"):
        experiment.with_changes(budget=0)


def test_shipped_kinds_are_known() -> None:
    assert {"oja", "inhibitory-rate"} <= set(shipped_names("experiments"))
    assert {"rate", "spiking"} <= set(shipped_names("grammars"))
    with pytest.raises(ValueError, match="kind must be one of"):
        shipped_folder("results")
