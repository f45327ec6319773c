"""Whether a grammar holds a rule, modulo algebra; and whatever stands for a rule."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, Number
from rulesearch.expression.operators import Operator
from rulesearch.grammar import Grammar, load_grammar, member, parse_grammar, sample_up_to
from rulesearch.rules import Rule, RuleSet, known_rule, parse_rules, rules_to_json
from rulesearch.symbolic.agreement import agrees
from rulesearch.tasks import load_task
from rulesearch.workflow.membership import accepts
from rulesearch.workflow.resolve import read_rules, task_of

RATE = load_grammar("rate")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("y*(x - w*y)", True),
        ("x*y - w*y**2", True),
        ("y*(x - 0.5*w*y)", True),
        ("y*(x - alpha*w*y); alpha = 0.5", True),
        ("min(x, y)", True),
        ("(x - x_bar)*y; x_bar = lowpass(x, 100)", True),
        ("(x - x_bar)*y; x_bar = lowpass(x, 50)", False),
        ("drift: x*y", False),
    ],
)
def test_membership_is_modulo_algebra(text: str, accepted: bool) -> None:
    found = accepts(RATE, parse_rules(text))
    assert found["accepted"] == accepted, found
    assert (found["derivation"] is not None) == accepted
    assert found["how"]


@pytest.mark.parametrize(
    ("text", "how", "derivation"),
    [
        ("on_pre: -0.007*y", "as written, signs moved", "on_pre: -(y*0.007)"),
        ("on_pre: -(0.007*y)", "as written", "on_pre: -(y*0.007)"),
        ("on_pre: -a*y; on_post: a*x; a = 0.007", "as written", "on_pre: -(y*0.007); on_post: x*0.007"),
        ("on_pre: y - 0.007*y", "as written", "on_pre: y - y*0.007"),
    ],
)
def test_a_sign_goes_into_a_constant_or_out_of_it(text: str, how: str, derivation: str) -> None:
    found = accepts(load_grammar("stdp"), parse_rules(text))
    assert found == {"accepted": True, "how": how, "derivation": derivation}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("y*y/y", False), ("exp(log(y))", False), ("y + 0/w", False), ("x*y - w*y + w*y", True), ("1e-9*tanh(x)", False)],
)
def test_a_grammar_holds_no_rule_that_is_defined_at_other_points(tmp_path: Path, text: str, accepted: bool) -> None:
    path = tmp_path / "sums.toml"
    path.write_text(
        """
        name = "sums"
        description = "Sums and products."
        slots = { on_step = "change" }
        productions = { change = ["x", "y", "w", "change + change", "change - change", "change*change"] }
        limits = { size = 9, depth = 6 }
        [symbols]
        x = { meaning = "presynaptic activity", unit = "" }
        y = { meaning = "postsynaptic activity", unit = "" }
        w = { meaning = "weight", unit = "" }
        """
    )
    assert accepts(load_grammar(str(path)), parse_rules(text))["accepted"] == accepted


_SLOTS = """
name = "slots"
description = "Two or three slots."
slots = {slots}
limits = {{ size = 20, depth = 6 }}
[symbols]
x = {{ meaning = "presynaptic trace", unit = "", definition = "trace(pre, tau)" }}
y = {{ meaning = "postsynaptic trace", unit = "", definition = "trace(post, 20 ms)" }}
[constants]
a = {{ range = [-0.02, 0.02], prior = "uniform", unit = "" }}
n = {{ values = [2, 3] }}
tau = {{ range = [5, 150], prior = "log-uniform", unit = "ms" }}
[productions]
pre = [{pre}, "n*y"]
post = ["x*g"]
g = [{g}]
q = ["y", "y + x"]
"""


def _of_slots(pre: str = "a*y", *g: str, slots: str = 'on_pre = "pre", on_post = "post"') -> Grammar:
    texts = ", ".join(map(repr, g or ("0.01*q",)))
    return parse_grammar(_SLOTS.format(pre=repr(pre), g=texts, slots=f"{{ {slots} }}"))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("on_pre: 0.01*y; on_post: x*(0.01*y)", True),
        ("on_pre: 0.01*y; on_post: 0.01*x*y", True),
        ("on_pre: 0.005*y*2; on_post: x*(0.01*y)", True),
        ("on_pre: -0.01*y; on_post: 0.01*x**2 + 0.01*x*y", True),
        ("on_pre: b*y; on_post: b*x*y; b = 0.01", True),
        ("on_pre: y + y + y; on_post: 0.01*x*y", True),
        ("on_pre: 0.01*y; on_post: 0.01*x*y; x = trace(pre, 80 ms)", True),
        ("on_pre: 0.01*y; on_post: 0.01*x*y; x = trace(pre, 200 ms)", False),
        ("on_pre: y*4; on_post: 0.01*x*y", False),
        ("on_pre: 0.03*y; on_post: 0.01*x*y", False),
        ("on_pre: 0.01*y; on_post: 0.02*x*y", False),
        ("on_pre: 0.01*x*y; on_post: 0.01*y", False),
        ("on_post: 0.01*x*y", False),
    ],
)
def test_each_slot_is_derived_in_a_form_of_its_own(text: str, accepted: bool) -> None:
    found = accepts(_of_slots(), parse_rules(text))
    assert found["accepted"] == accepted, found


@pytest.mark.parametrize(
    ("pre", "g", "text", "accepted"),
    [
        ("0.5*y", "a*q", "on_pre: y*0.5; on_post: 0.01*x*y", True),
        ("0.5*y", "a*q", "on_pre: y*0.5; on_post: -x*0.01*y", True),
        ("0.5*y", "a*q", "on_pre: y*0.5; on_post: 0.03*x*y", False),
        ("a*y", "a*q", "on_pre: 0.01*y; on_post: 0.02*x*y", True),
        ("a*y", "a*q", "on_pre: 0.01*y; on_post: 0.02*x*y + 0.01*x**2", False),
        ("a*y", "n*q", "on_pre: 0.01*y; on_post: 3*x*y + x*x*3", True),
        ("a*y", "n*q", "on_pre: 0.01*y; on_post: 4*x*y", False),
    ],
)
def test_constants_have_the_numbers_of_the_rule(pre: str, g: str, text: str, accepted: bool) -> None:
    assert accepts(_of_slots(pre, g), parse_rules(text))["accepted"] == accepted


def test_a_number_may_be_made_of_a_fixed_number_and_a_constant() -> None:
    grammar = _of_slots("a*y", "0.5*pre", "q")
    found = accepts(grammar, parse_rules("on_pre: 0.01*y; on_post: 0.009*x*y"))
    assert found["derivation"] == "on_pre: 0.01*y; on_post: x*(0.5*(0.018*y))"
    assert not accepts(grammar, parse_rules("on_pre: 0.01*y; on_post: 0.011*x*y"))["accepted"]


def test_three_slots_are_derived_each_in_a_form_of_its_own() -> None:
    grammar = _of_slots(slots='on_pre = "pre", on_post = "post", drift = "g"')
    found = accepts(grammar, parse_rules("on_pre: 0.005*y*2; on_post: 0.01*x*y; drift: 0.01*y"))
    assert found["accepted"]
    assert found["derivation"] == "on_pre: 0.01*y; on_post: x*(0.01*y); drift: 0.01*y"
    assert found["how"] == (
        "on_pre: in its shortest form; on_post: a derivation computes the same function; drift: as written"
    )


def test_the_slot_that_is_not_derived_is_named_with_what_was_tried() -> None:
    how = accepts(_of_slots(), parse_rules("on_pre: 0.01*y; on_post: 0.02*x*y"))["how"]
    tried = "no derivation of at most 9 nodes with its numbers computes it"
    assert how == f"on_post: not as written, not in shorter forms, and {tried}"
    how = accepts(_of_slots(), parse_rules("on_post: 0.01*x*y"))["how"]
    assert how == "the rule leaves the slot on_pre empty, which the grammar fills"
    assert accepts(_of_slots(), parse_rules("on_pre: R; on_post: x"))["how"] == "the grammar has no symbol R"


_RANDOM = """
name = "random"
description = "Two slots of random productions."
slots = {{ on_pre = "p0", on_post = "p1" }}
limits = {{ size = 20, depth = 6 }}
[symbols]
x = {{ meaning = "any", unit = "" }}
y = {{ meaning = "any", unit = "" }}
[constants]
c = {{ range = [-2, 2], prior = "uniform", unit = "" }}
k = {{ range = [0.01, 0.1], prior = "log-uniform", unit = "" }}
n = {{ values = [2, 3] }}
[productions]
{productions}
"""


def _random_grammar(rng: np.random.Generator) -> Grammar:
    lines = []
    for slot in "01":
        top, middle, low = (
            rng.choice(options, 2, replace=False)
            for options in (
                ["x*g", "g - y", "x + g", "-g", "g*q"],
                ["c*q", "k*q", "0.5*q", "n*q", "q - c"],
                ["x", "y", "x + y", "x*y", "x**2"],
            )
        )
        for name, texts in (("p", top), ("g", middle), ("q", low)):
            made = [str(text).replace("g", f"g{slot}").replace("q", f"q{slot}") for text in texts]
            lines.append(f"{name}{slot} = {made}")
    # Every constant has to be used somewhere.
    lines += ['z = ["c*x", "k*x", "n*x", "y"]', ""]
    lines[2] = lines[2].replace("]", ', "z"]')
    return parse_grammar(_RANDOM.format(productions="\n".join(lines)))


def _rewritten(expression: Expression, rng: np.random.Generator) -> Expression:
    """Return an expression of the same function: other order, other grouping, expanded, numbers split, null terms."""
    head, parts = expression.head, [_rewritten(part, rng) for part in expression.arguments]
    if isinstance(head, Number):
        half = Expression.number(head.value / 2.0)
        return Expression.apply("add", half, half) if rng.random() < 0.3 else expression
    if not isinstance(head, Operator):
        return expression
    if head.commutes and rng.random() < 0.5:
        parts.reverse()
    found = Expression.apply(head.name, *parts)
    inner = parts[-1].head
    if head.name == "mul" and isinstance(inner, Operator) and inner.name in ("add", "sub", "mul"):
        first, second = parts[-1].arguments
        grouped = Expression.apply("mul", parts[0], first)
        if inner.name == "mul":
            found = Expression.apply("mul", grouped, second)
        elif rng.random() < 0.5:
            found = Expression.apply(inner.name, grouped, Expression.apply("mul", parts[0], second))
    if rng.random() < 0.2:
        return Expression.apply("sub", Expression.apply("add", found, Expression.symbol("x")), Expression.symbol("x"))
    return Expression.apply("neg", Expression.apply("neg", found)) if rng.random() < 0.2 else found


def _written(grammar: Grammar, rng: np.random.Generator) -> dict[str, Expression]:
    """Return a candidate of a grammar with a value for each of its constants."""
    slots, kinds = grammar.name_constants(sample_up_to(grammar, rng, 14))
    values = {
        key.name: Expression.number(float(f"{grammar.constants[kind].sample(rng):.2g}")) for key, kind in kinds.items()
    }
    return {place.slot: part.substitute(values) for place, part in slots.items()}


@pytest.mark.parametrize("seed", [*range(30), 103, 125, 240])
def test_derivations_are_accepted_however_each_slot_is_written(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grammar = _random_grammar(rng)
    slots = _written(grammar, rng)
    found = accepts(grammar, RuleSet({"w": Rule({slot: _rewritten(part, rng) for slot, part in slots.items()})}))
    assert found["accepted"], (found["how"], slots)
    # What is said to be the derivation is one, and computes what the rule does, slot by slot.
    made = parse_rules(str(found["derivation"])).only()
    assert member(grammar, made.slots)
    for slot, part in slots.items():
        assert agrees(part, made.slots[slot], {})


@pytest.mark.slow
@pytest.mark.parametrize("text", ["sin(x)", "y*(x - alpha*w*y); alpha = 5"])
def test_a_function_that_no_derivation_computes_is_not_accepted(text: str) -> None:
    found = accepts(RATE, parse_rules(text))
    assert not found["accepted"]
    # What the bounds cut off is not said to have been tried.
    assert "no derivation of at most 7 nodes with its numbers computes it" in str(found["how"])


def test_known_rules_of_the_tasks_are_accepted() -> None:
    assert accepts(RATE, known_rule("oja").rules)["accepted"]
    assert accepts(load_grammar("spiking"), load_task("inhibitory-rate").baseline({"target": 5.0}))["accepted"]


def test_rules_are_read_from_text_name_and_file(tmp_path: Path) -> None:
    oja = parse_rules("y*(x - w*y)")
    assert read_rules("y*(x - w*y)") == oja
    assert read_rules(" Oja ").rules == oja.rules
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(rules_to_json(oja)))
    assert read_rules(str(path)) == oja
    assert read_rules(str(path), load_task("oja")) == oja


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff", "it is not UTF-8 text"),
        (b" " * 300_000, "is larger than"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_that_are_no_rule_are_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "rule.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RulesearchError, match=said):
        read_rules(str(path))


def test_a_folder_that_holds_no_run_or_cannot_be_read_is_not_taken_for_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for read in (read_rules, task_of):
        with pytest.raises(RulesearchError, match="is not a run folder"):
            read(f"{tmp_path}:1")
    found = os.stat

    def stat(path: Any, **options: Any) -> os.stat_result:
        if os.fspath(path).startswith(f"{tmp_path}{os.sep}"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return found(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    for read in (read_rules, task_of):
        with pytest.raises(RulesearchError, match=rf"^the folder {tmp_path} cannot be read: Permission denied$"):
            read(f"{tmp_path}:1")


def test_a_slot_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "on_pre").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_rules("on_pre: 1") == parse_rules("on_pre: 1")


def test_a_rule_that_does_not_fit_the_task_is_refused_whatever_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(rules_to_json(parse_rules("on_pre: x"))))
    for argument in ("on_pre: x", "vogels", str(path)):
        with pytest.raises(RulesearchError, match="task oja has the slots on_step"):
            read_rules(argument, load_task("oja"))
