"""Tables of weight changes as tasks, and the rules distilled from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.expression import to_text
from rulesearch.grammar import parse_grammar
from rulesearch.rules import RuleSet
from rulesearch.tasks import load_task
from rulesearch.tasks.table import Table
from rulesearch.workflow.clean_up import simplify_on_task


def written(folder: Path, noise: float = 0.0, rows: int = 200) -> Path:
    """Write a table of Oja's weight changes at a learning rate of 0.02."""
    generator = np.random.default_rng(4)
    x, y, w = generator.normal(size=(3, rows))
    dw = 0.02 * y * (x - w * y)
    dw += noise * dw.std() * generator.normal(size=rows)
    path = folder / "changes.csv"
    lines = [",".join(map(repr, map(float, row))) for row in np.column_stack([x, y, w, dw])]
    path.write_text("\n".join(["x,y,w,dw", *lines]) + "\n", "utf-8")
    return path


def test_a_rule_of_the_table_has_no_error_and_the_learning_rate_is_fitted(tmp_path: Path) -> None:
    task = load_task(f"{written(tmp_path)}:dw")
    outcome = rs.evaluate("y*(x - w*y)", task=task)
    assert outcome.loss == pytest.approx(0.0, abs=1e-20)
    assert outcome.metrics["held_out_error"] == pytest.approx(0.0, abs=1e-20)
    bound = task.bind(task.parse("3*y*(x - w*y)"), task.resolve({}))
    assert bound.only().eta == pytest.approx(0.02 / 3.0)
    assert task.bind(task.parse("x; eta = 5"), task.resolve({})).only().eta == 5.0


def test_the_error_is_the_share_of_the_variance_that_is_left(tmp_path: Path) -> None:
    task = load_task(f"{written(tmp_path, noise=0.5)}:dw")
    outcome = rs.evaluate("y*(x - w*y)", task=task)
    assert outcome.loss == pytest.approx(0.2, abs=0.06)  # 0.25/1.25
    assert outcome.metrics["held_out_error"] == pytest.approx(0.2, abs=0.1)
    mean = task.trial(task.bind(task.control(task.resolve({})), task.resolve({})), 0, task.resolve({}), "full")
    assert mean.loss == pytest.approx(1.0)
    linear = task.trial(task.bind(task.baseline(task.resolve({})), task.resolve({})), 0, task.resolve({}), "full")
    assert linear.loss is not None
    assert outcome.loss < linear.loss < 1.0


def test_a_rule_and_its_negative_are_not_the_same(tmp_path: Path) -> None:
    name = f"{written(tmp_path)}:dw"
    outcome = rs.evaluate("y*(w*y - x)", task=name)
    assert outcome.loss is not None and outcome.loss > 1.0


def test_held_out_rows_do_not_touch_the_loss(tmp_path: Path) -> None:
    path = written(tmp_path)
    task = Table(path, "dw")
    kept = task._kept({"held_out": 0.2})
    assert int((~kept).sum()) == 40
    task.wanted[~kept] += 5.0
    settings = task.resolve({})
    trial = task.trial(task.bind(task.parse("y*(x - w*y)"), settings), 0, settings, "full")
    assert trial.loss == pytest.approx(0.0, abs=1e-20)
    assert trial.metrics["held_out_error"] > 1.0


@pytest.mark.slow
def test_distil_finds_the_rule_and_resumes_to_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, noise=0.05)
    run = rs.distil(path, "dw", budget=10_000, seed=2, permutations=0, out=tmp_path / "run", report=False)
    best = run.member(1)
    assert best.verdicts[0].rule == "oja"
    assert best.verdicts[0].verdict in ("identical", "equal")
    assert best.rules.only().eta == pytest.approx(0.02, rel=0.02)
    assert "explains at least 99 % of the variance of dw" in run.conclusion
    front = (tmp_path / "run" / "front.csv").read_bytes()
    rs.resume(tmp_path / "run", report=False)
    assert (tmp_path / "run" / "front.csv").read_bytes() == front


def test_the_grammar_is_over_the_columns(tmp_path: Path) -> None:
    grammar = parse_grammar(Table(written(tmp_path), "dw").own_grammar())
    assert set(grammar.symbols) == {"x", "y", "w"}
    path = tmp_path / "odd.csv"
    rows = "\n".join(f"{k},{k * k % 7},{k}" for k in range(20))
    path.write_text(f"c,rate,dw\n{rows}\n")
    grammar = parse_grammar(Table(path, "dw").own_grammar())
    assert (set(grammar.symbols), set(grammar.constants)) == ({"c", "rate"}, {"k"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("x,dw\n" + "1,2\n" * 3, "has 3 rows; a rule needs at least 10"),
        ("x,x,dw\n" + "1,2,3\n" * 12, "names a column twice"),
        ("x,dw\n" + "1,2\n" * 11 + "1\n", "row 12: expected 2 values, found 1"),
        ("x,dw\n1,2\nfive,2\n" + "1,2\n" * 11, "row 2, column x: expected a number, found 'five'"),
        ("x,dw\n1,2\n1,nan\n" + "1,2\n" * 11, "row 2, column dw: expected a number, found 'nan'"),
        ("dw\n" + "1\n2\n" * 6, "no column besides dw"),
        ("x,dw\n" + "1,2\n2,2\n" * 6, "all values in column dw are the same"),
        ("x,y\n1,2\n" + "a,2\n2,3\n" * 6, "has no column 'dw'"),
        (
            "x,cell,dw\n" + "1,a,2\n2,b,3\n" * 6,
            "row 1, column cell: expected a number, found 'a'; no symbol\\? leave it",
        ),
        ("x,dw\n" + "1,2\n2,\n" * 6, "row 2, column dw: expected a number, found ''; leave out rows with gaps: --gaps"),
        ("x,dw\n" + "1,20 %\n2,30 %\n" * 6, "found '20 %'; write a share, 0.29 for 29 %"),
        ("1,2\n2,3\n" * 6, "the first row is '1,2'; expected the names of the columns"),
        ("x,π,dw\n" + "1,2,3\n2,3,4\n" * 6 + "1,2\n", "row 13: expected 3 values, found 2"),
        ("2x,dw\n" + "1,2\n2,3\n" * 6, "the column '2x' cannot be a symbol"),
        ("x,sem,dw\n" + "1,2,3\n2,0,4\n" * 6, "row 2, column sem: expected a standard error above 0, found 0"),
        ("exp,dw\n" + "1,2\n2,3\n" * 6, "the column 'exp' cannot be a symbol"),
        *(
            (f"{name},dw\n" + "1,2\n2,3\n" * 6, f"'{name}' cannot be a symbol of a rule, where that is {what};")
            for name, what in (("abs", "a function"), ("eta", "an option"), ("ms", "a unit"), ("on_pre", "a slot"))
        ),
        ("x,d\n" + "1,2\n2,3\n" * 6, "has no column 'dw'"),
        ("x,dw\n" + "1;2\n2;3\n" * 6, "row 1: expected 2 values, found 1; this row is separated by semicolons"),
        ("x,dw\n" + "1,0,2,5\n" * 12, "expected 2 values, found 4; decimal commas"),
        ("x,dw\n" + '"1,5",2\n' * 12, "found '1,5'; write a point in place of the decimal comma"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesearchError, match=reason):
        Table(path, "dw")


def test_rules_and_grammars_with_states_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(RulesearchError, match="keeps no states of a rule; found z"):
        load_task(f"{path}:dw").parse("x*z; z = lowpass(y, 10)")
    with pytest.raises(RulesearchError, match=r"grammar rate reads x_bar, which task .* does not offer"):
        rs.distil(path, "dw", grammar="rate", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match="cannot be read: No such file"):
        load_task(f"{tmp_path}/none.csv:dw")


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> rs.Run:
    """A search on a table of noise, in which no rule predicts anything."""
    folder = tmp_path_factory.mktemp("noise")
    rows = np.random.default_rng(11).normal(size=(40, 4))
    np.savetxt(folder / "noise.csv", rows, delimiter=",", header="x,y,w,dw", comments="")
    return rs.distil(folder / "noise.csv", "dw", budget=300, permutations=0, out=folder / "run", report=False)


def test_what_is_called_held_out_is_the_error_on_the_rows_left_out(noise: rs.Run) -> None:
    task = load_task(noise.experiment.task)
    assert isinstance(task, Table)
    settings = task.resolve({})
    kept = task._kept(settings)
    columns = {**task.columns, "eta": 1.0}
    for member in noise.members:
        rule = member.rules.only()
        found = rule.slots["on_step"].evaluate({**columns, **rule.constant_values()}) * rule.eta
        squares = (np.broadcast_to(found, kept.shape) - task.wanted) ** 2
        assert member.held_out_loss == pytest.approx(squares[~kept].mean() / task.wanted[~kept].var())
        assert member.loss == pytest.approx(squares[kept].mean() / task.wanted[kept].var())
    assert noise.chosen_on == "the 32 rows of the search"
    assert noise.held_out_on == "8 held-out rows"


def test_noise_is_not_said_to_be_explained(noise: rs.Run) -> None:
    assert not noise.solved and not noise.recommended
    assert noise.conclusion.startswith("not solved: ")
    assert "on 8 held-out rows it does no better than the mean of dw" in noise.conclusion
    best = noise.member(1)
    assert best.held_out_loss is not None and best.held_out_loss > 1.0 > best.loss


def test_noise_on_which_a_rule_happens_to_beat_the_mean_has_no_recommended_rule(tmp_path: Path) -> None:
    rng = np.random.default_rng(103)
    rows = np.column_stack([rng.uniform(-1, 1, (30, 2)), rng.normal(size=30)])
    np.savetxt(tmp_path / "noise.csv", rows, delimiter=",", header="x,y,dw", comments="")
    run = rs.distil(tmp_path / "noise.csv", "dw", budget=30, permutations=0, out=tmp_path / "run", report=False)
    best, control = run.member(1), next(each for each in run.references if each.label == "control")
    assert best.held_out_loss is not None and control.held_out_loss is not None
    assert 1.0 < best.held_out_loss < control.held_out_loss
    assert not run.recommended
    assert f"that of the mean of dw {control.held_out_loss:.3g}, that of their own mean 1" in run.conclusion


@pytest.mark.parametrize("rows", [10, 12])
def test_an_exact_rule_is_recommended_however_few_rows_there_are(tmp_path: Path, rows: int) -> None:
    x, y = np.random.default_rng(rows).uniform(-1, 1, (2, rows))
    table = np.column_stack([x, y, 0.5 * x * y])
    np.savetxt(tmp_path / "exact.csv", table, delimiter=",", header="x,y,dw", comments="")
    run = rs.distil(tmp_path / "exact.csv", "dw", budget=60, permutations=0, out=tmp_path / "run", report=False)
    assert run.solved and run.recommended
    assert "on 2 held-out rows its loss is " in run.conclusion and ", that of the mean of dw " in run.conclusion


def test_where_no_row_is_held_out_nothing_is_called_so(noise: rs.Run, tmp_path: Path) -> None:
    path = Path(noise.experiment.task.rpartition(":")[0])
    run = rs.distil(
        path, "dw", budget=100, permutations=0, settings={"held_out": 0}, out=tmp_path / "run", report=False
    )
    assert all(member.held_out_loss is None for member in run.members)
    assert run.held_out_on == "" and "nothing was held out, so that it may be chance" in run.conclusion
    assert not run.recommended
    assert set(run.front["held_out_loss"]) == {None}


def test_a_rule_that_fails_on_the_rows_left_out_explains_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, rows=60)
    task = Table(path, "dw")
    kept = task._kept(task.resolve({}))
    rows = np.column_stack([task.columns["x"], np.where(kept, 2.0 * task.columns["x"], task.columns["y"])])
    np.savetxt(path, rows, delimiter=",", header="x,dw", comments="")
    run = rs.distil(path, "dw", budget=50, permutations=0, out=tmp_path / "run", report=False)
    best = run.member(1)
    assert best.rules.only().symbols == ("x",) and best.loss == pytest.approx(0.0, abs=1e-20)
    assert best.held_out_loss is not None and best.held_out_loss > 1.0
    assert not run.solved and run.conclusion.startswith("not solved: ")


@pytest.mark.parametrize("seed", [1, 3, 4, 5])
def test_a_rule_that_is_not_defined_at_zero_does_not_stand_for_one_that_is(tmp_path: Path, seed: int) -> None:
    rows = [f"{row % 2},{0.1 * row:.1f},{0.05 * row:.2f}" for row in range(1, 21)]
    table = tmp_path / "spikes.csv"
    table.write_text("\n".join(["x,y,dw", *rows]) + "\n")
    grammar = tmp_path / "quotients.toml"
    grammar.write_text(
        """
        name = "quotients"
        description = "y, and y where x is not 0."
        productions = { change = ["x", "y", "y*one"], one = ["x/x"] }
        [symbols]
        x = { meaning = "spike", unit = "" }
        y = { meaning = "trace", unit = "" }
        [slots]
        on_step = "change"
        [limits]
        size = 7
        depth = 5
        """
    )
    options = {"grammar": str(grammar), "engine": "random", "budget": 3, "permutations": 0, "report": False}
    run = rs.distil(table, "dw", seed=seed, out=tmp_path / "run", **options)
    assert (str(run.members[0].rules), run.members[0].loss) == ("y; eta = 0.5", pytest.approx(0.0, abs=1e-12))


@pytest.fixture
def quotients(tmp_path: Path) -> Path:
    """A table of dw = x/y, without a row where y is 0."""
    rng = np.random.default_rng(5)
    return quotient_table(tmp_path, [(x, y, x / y) for x, y in rng.uniform(0.2, 1.0, (20, 2)).tolist()])


def quotient_table(folder: Path, rows: list[tuple[float, float, float]]) -> Path:
    path = folder / "quotients.csv"
    path.write_text("x,y,dw\n" + "".join(f"{x!r},{y!r},{change!r}\n" for x, y, change in rows), "utf-8")
    return path


def test_every_form_that_a_clean_up_tries_has_the_learning_rate_that_fits_it_best(quotients: Path) -> None:
    task = load_task(f"{quotients}:dw")
    found = simplify_on_task(task.parse("(x + 0*y)/y*0.5"), task, task.resolve())
    assert to_text(found.rules.only().slots["on_step"]) == "x/y"
    assert found.loss_after is not None and found.loss_after < 1e-20


def test_a_search_fits_the_learning_rate_to_what_is_left_after_the_clean_up(quotients: Path, tmp_path: Path) -> None:
    task = load_task(f"{quotients}:dw")
    run = rs.distil(quotients, "dw", report=False, budget=200, seed=77, permutations=0, out=tmp_path / "run")
    assert run.solved
    for member in run.members:
        free = replace(member.rules.only(), eta=None)
        best = task.spelled_out(RuleSet.single(free), task.resolve()).only().eta
        assert member.rules.only().eta == pytest.approx(best, rel=1e-9)


def test_a_row_that_is_held_out_does_not_kill_a_rule(quotients: Path) -> None:
    rows = [tuple(map(float, line.split(","))) for line in quotients.read_text("utf-8").split()[1:]]
    task = load_task(f"{quotients}:dw")
    assert isinstance(task, Table)
    settings = task.resolve()
    place = int(np.flatnonzero(~task._kept(settings))[0])
    rows[place] = (rows[place][0], 0.0, 0.0)
    quotient_table(quotients.parent, rows)  # type: ignore[arg-type]
    task = Table(quotients, "dw")
    trial = task.trial(task.bind(task.parse("x/y"), settings), 0, settings, "full")
    assert trial.status == "ok" and trial.loss is not None and trial.loss < 1e-20
    assert "held_out_error" not in trial.metrics
    assert task.held_out_losses(task.bind(task.parse("x/y"), settings), [trial], settings) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.3] * 12, "are the same"),
        ([3.7] * 10, "are the same"),
        ([1e-170 * k for k in range(12)], "leave double precision"),
        ([1e200 * k for k in range(12)], "leave double precision"),
    ],
)
def test_a_target_that_nothing_can_be_said_of_is_refused(tmp_path: Path, values: list[float], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        load_task(f"{quotient_table(tmp_path, [(k, 1.0, value) for k, value in enumerate(values)])}:dw")


def test_a_search_must_see_more_than_one_value(quotients: Path) -> None:
    with pytest.raises(RulesearchError, match="is the same in all of them"):
        load_task(f"{quotient_table(quotients.parent, [(k, 1.0, float(k == 3)) for k in range(12)])}:dw").resolve(
            {"held_out": 0.9}
        )


def sparse_table(folder: Path, rows: int, changed: int) -> Path:
    """Write a table of dw = x: 1, 2, 3 and so on in the first rows, 0 in all others."""
    path = folder / "sparse.csv"
    x = np.where(np.arange(rows) < changed, np.arange(1, rows + 1), 0)
    y = np.random.default_rng(2).uniform(-1, 1, rows)
    np.savetxt(path, np.column_stack([x, y, x]), delimiter=",", header="x,y,dw", comments="")
    return path


@pytest.mark.parametrize(("rows", "changed"), [(60, 2), (60, 3), (11, 2), (200, 2), (10, 2), (10, 9)])
def test_held_out_rows_vary_where_the_table_lets_them(tmp_path: Path, rows: int, changed: int) -> None:
    task = Table(sparse_table(tmp_path, rows, changed), "dw")
    settings = task.resolve({})
    kept = task._kept(settings)
    assert int((~kept).sum()) == rows // 5
    assert np.ptp(task.wanted[kept]) > 0.0 and np.ptp(task.wanted[~kept]) > 0.0
    assert task.held_out_flaw(settings) == ""
    assert (kept == Table(task.path, "dw")._kept(settings)).all()


def test_rows_that_vary_at_once_are_held_out_as_they_were_drawn_first(tmp_path: Path) -> None:
    task = Table(written(tmp_path, rows=50), "dw")
    left_out = np.random.default_rng(20).permutation(50)[:10]
    assert set(np.flatnonzero(~task._kept(task.resolve({})))) == set(left_out)


@pytest.mark.parametrize(("held_out", "said"), [(0.2, "dw is the same in all of them"), (0.02, "that is one value")])
def test_rows_that_are_all_the_same_confirm_no_rule(tmp_path: Path, held_out: float, said: str) -> None:
    """One row alone has a change: wherever it is, the other side does not vary. The rule x is exact."""
    path = sparse_table(tmp_path, 60, 1)
    run = rs.distil(
        path,
        "dw",
        budget=40,
        permutations=0,
        settings={"held_out": held_out},
        start="x",
        out=tmp_path / "run",
        report=False,
    )
    best = run.member(1)
    assert best.loss == best.held_out_loss == 0.0
    assert f"; {said}, which any constant may meet, and its loss is over the variance of all rows" in run.conclusion
    assert "so that it may be chance" in run.conclusion and "their own mean" not in run.conclusion
    assert not run.recommended


def test_losses_on_rows_that_are_all_the_same_are_over_the_variance_of_all_rows(tmp_path: Path) -> None:
    """Of 60 rows one is 1, and its variance 1/60 - 1/3600; a rule that gives 0.5 misses each held-out row by 0.5."""
    task = Table(sparse_table(tmp_path, 60, 1), "dw")
    settings = task.resolve({})
    rule = task.bind(task.parse("0.5 + 0*x; eta = 1"), settings)
    losses = task.held_out_losses(rule, [], settings)
    assert losses == pytest.approx([0.25 / (1 / 60 - 1 / 3600)] * 12)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A table of 0.5*x*y whose rows have errors of 0.01 and 3 in turn, labels, and gaps."""
    generator = np.random.default_rng(8)
    x, y = generator.normal(size=(2, 60))
    sem = np.where(np.arange(60) % 2 == 0, 0.01, 3.0)
    dw = 0.5 * x * y + sem * generator.normal(size=60)
    path = tmp_path / "measured.csv"
    rows = [
        f"{a!r};{b!r};cell {k};{c!r};{s!r}" for k, (a, b, c, s) in enumerate(np.column_stack([x, y, dw, sem]).tolist())
    ]
    rows[7] = rows[7].replace("cell 7", "").replace(rows[7].split(";")[0], "NA")
    path.write_text("\n".join(["x;y;cell;dw;sem", *rows]) + "\n", "utf-8")
    return path


def test_rows_weigh_by_their_standard_errors(measured: Path) -> None:
    task = load_task(f"{measured}:dw; ignore = cell; gaps = skip")
    assert set(task.symbols) == {"x", "y"}
    settings = task.resolve({"held_out": 0.0})
    assert isinstance(task, Table) and len(task.wanted) == 59
    assert "rows weighed by 1/sem^2" in task.goal
    eta = task.bind(task.parse("x*y"), settings).only().eta
    assert eta == pytest.approx(0.5, abs=0.005)
    x, y, weights = task.columns["x"], task.columns["y"], task.weights
    assert eta == pytest.approx(np.sum(weights * x * y * task.wanted) / np.sum(weights * (x * y) ** 2))
    alike = load_task(f"{measured}:dw; ignore = cell, sem; gaps = skip")
    assert abs(alike.bind(alike.parse("x*y"), settings).only().eta - 0.5) > 0.02
    # The mean leaves the whole of the weighted variance open.
    mean = task.bind(task.control(settings), settings)
    assert task.trial(mean, 0, settings, "full").loss == pytest.approx(1.0)
    found = task.trial(task.bind(task.parse("x*y"), settings), 0, settings, "full")
    assert found.loss is not None and found.loss < 0.01
    assert found.loss == pytest.approx(np.mean(found.cases), rel=0.02)


def test_weights_and_errors_are_given_by_name(measured: Path, tmp_path: Path) -> None:
    by_weight = load_task(f"{measured}:dw; weight = sem; ignore = cell; gaps = skip")
    assert isinstance(by_weight, Table)
    assert by_weight.weights.max() / by_weight.weights.min() == pytest.approx(300.0)
    run = rs.distil(
        measured,
        "dw",
        error="sem",
        ignore=["cell"],
        gaps="skip",
        budget=30,
        permutations=0,
        seed=3,
        out=tmp_path / "run",
        report=False,
    )
    assert "error = sem; ignore = cell; gaps = skip" in (tmp_path / "run" / "experiment.toml").read_text("utf-8")
    measured.unlink()
    assert rs.resume(tmp_path / "run", report=False).members == run.members


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"error": "sem", "weight": "sem"}, "give one of them"),
        ({"error": "x", "ignore": "x"}, "column x is given as two things at once"),
        ({"error": "sen"}, "has no column 'sen'.*sem"),
        ({"gaps": "fill"}, "gaps can be skipped .--gaps skip.; found --gaps 'fill'"),
        ({"ignore": "cel"}, "has no column 'cel'"),
        ({"errors": "sem"}, "unknown argument 'errors'"),
        (
            {"gaps": "skip"},
            "row 1, column cell: expected a number, found 'cell 0'; no symbol. leave it out: --ignore cell",
        ),
        ({"ignore": "cell"}, "row 8, column x: expected a number, found 'NA'; leave out rows with gaps: --gaps skip"),
    ],
)
def test_what_is_wrong_with_columns_is_said(measured: Path, given: dict[str, str], reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        rs.distil(measured, "dw", **given)


def test_a_frame_is_distilled_and_kept_with_the_run(tmp_path: Path) -> None:
    x, y = np.random.default_rng(5).normal(size=(2, 30))
    frame = {"x": x, "y (Hz)": y, "\u0394w": 2.0 * x * y}
    run = rs.distil(frame, "\u0394w", budget=60, permutations=0, seed=1, out=tmp_path / "run", report=False)
    assert run.members[0].loss < 1.0
    assert (tmp_path / "run" / "task" / "frame.csv").read_text("utf-8").startswith("x,y (Hz),\u0394w\n")
    assert rs.resume(tmp_path / "run", report=False).members == run.members
