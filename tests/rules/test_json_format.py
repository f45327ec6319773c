"""Rule JSON: written and read without loss, and refused with the place of what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import rule_sets

from rulesearch.errors import RulesearchError
from rulesearch.rules import RuleSet, parse_rules, rules_from_json, rules_to_json


@settings(max_examples=20)
@given(rule_sets())
def test_json_reads_back_as_the_same_set(found: RuleSet) -> None:
    text = json.dumps(rules_to_json(found), allow_nan=False)
    assert rules_from_json(text) == found
    assert rules_from_json(json.loads(text)) == found


def test_the_document_has_the_agreed_form() -> None:
    found = parse_rules(
        "on_pre: y - alpha; on_post: x*step(v - theta) + z; eta = 0.001; alpha = 0.25; theta = -60 mV; "
        "tau_x = 20 ms; z = lowpass(x, 100); bounds = [0, inf]"
    )
    assert rules_to_json(RuleSet(found.rules, "mine")) == {
        "name": "mine",
        "rules": {
            "w": {
                "eta": 0.001,
                "on_pre": "y - alpha",
                "on_post": "x*step(v - theta) + z",
                "drift": None,
                "on_step": None,
                "states": {
                    "x": {"kind": "trace", "side": "pre", "tau": 0.02, "nearest": False},
                    "z": {"kind": "lowpass", "expression": "x", "tau_steps": 100.0},
                },
                "constants": {"alpha": 0.25, "theta": {"value": -60.0, "unit": "mV"}},
                "bounds": [0.0, "inf"],
            }
        },
    }


def test_a_trace_says_how_spikes_are_paired() -> None:
    found = parse_rules("on_post: x + y; x = trace(pre, 20 ms, next); y = trace(post, 20 ms, immediate)")
    states = rules_to_json(found)["rules"]["w"]["states"]
    assert states["x"] == {"kind": "trace", "side": "pre", "tau": 0.02, "nearest": False, "resets": True}
    assert states["y"] == {"kind": "trace", "side": "post", "tau": 0.02, "nearest": True, "resets": True}
    assert rules_from_json(rules_to_json(found)) == found == parse_rules(str(found))


def test_missing_fields_have_defaults() -> None:
    assert rules_from_json({"rules": {"w": {"on_step": "x*y"}}}) == parse_rules("x*y")


def with_rule(**fields: Any) -> dict[str, Any]:
    return {"rules": {"w": {"on_step": "x", **fields}}}


def with_state(**fields: Any) -> dict[str, Any]:
    return with_rule(states={"z": fields})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object, found list"),
        ('{"rules": {"w": {"on_step": "x", "eta": 1, "eta": 2}}}', "the field 'eta' is given twice"),
        ({}, "rules: expected an object, found NoneType"),
        ({"rules": []}, "rules: expected an object, found list"),
        ({"rules": {}}, '"rules" is empty'),
        ({"rules": {"w": "x*y"}}, "rules.w: expected an object, found str"),
        ({"rules": {"w": {}}}, "rules.w: no slot is filled"),
        ({"rules": {"w": {"on_step": None}}}, "rules.w: no slot is filled"),
        (with_rule(on_steep="y"), "unknown field 'on_steep'"),
        (with_rule(on_pre=3), "rules.w.on_pre: expected an expression as text, found 3"),
        (with_rule(on_pre="y*("), "rules.w.on_pre: column 4"),
        (with_rule(on_pre="__import__('os')"), "rules.w.on_pre: column 12"),
        (with_rule(eta="fast"), "rules.w.eta: expected a number, found 'fast'"),
        (with_rule(eta=True), "rules.w.eta: expected a number, found True"),
        ('{"rules": {"w": {"on_step": "x", "eta": NaN}}}', "rules.w.eta: expected a number, found nan"),
        ('{"rules": {"w": {"on_step": "x", "eta": Infinity}}}', "expected a number, found inf"),
        (with_rule(constants=[1]), "rules.w.constants: expected an object, found list"),
        (with_rule(constants={"a": "1"}), "rules.w.constants.a: expected a number, found '1'"),
        (with_rule(constants={"a": {"unit": "mV"}}), "rules.w.constants.a: expected a number, found None"),
        (with_rule(constants={"a": {"value": 1, "unit": "parsec"}}), "unknown unit 'parsec'"),
        (with_rule(inhibitory="yes"), "rules.w: inhibitory is true or false, found 'yes'"),
        (with_rule(bounds=[1]), "rules.w.bounds: expected [low, high] or null, found [1]"),
        (with_rule(bounds="0 to 1"), "rules.w.bounds: expected [low, high] or null"),
        (with_rule(bounds=[0, "high"]), "rules.w.bounds: expected a number, found 'high'"),
        (with_rule(states=[1]), "rules.w.states: expected an object, found list"),
        (with_state(), "states.z: expected kind trace"),
        (with_state(kind="memory"), "found 'memory'"),
        (with_state(kind="trace", side="both", tau=1), "expected kind trace (with side pre or post)"),
        (with_state(kind="trace", side="pre"), "states.z.tau: expected a number, found None"),
        (with_state(kind="lowpass", expression="x"), "states.z.tau: expected a number, found None"),
        (with_state(kind="lowpass", tau=1), "states.z.expression: expected an expression as text"),
        (with_state(kind="synaptic", on_pre="y", tau="1 s"), "states.z.tau: expected a number, found '1 s'"),
        ({"rules": {"w": {"on_step": "x"}}, "bound": [0, 1]}, "unknown field 'bound'"),
        ({"rules": {"w": {"on_step": "x"}}, "name": "a\nb"}, "name: expected at most 200 letters in one line"),
        ({"rules": {"w": {"on_step": "x"}}, "name": "a" * 201}, "name: expected at most 200 letters in one line"),
        ({"rules": {"w": {"on_step": "x"}}, "name": 3}, "name: expected text, found 3"),
        (with_rule(name="mine"), "unknown field 'name'"),
        (with_rule(constants={"alpha": 1}), "rules.w: nothing reads alpha"),
        (with_rule(constants={"w_max": 1}), "nothing reads w_max; did you mean bounds = [0, 1]?"),
        (with_rule(constants={"a": {"value": 1, "units": "mV"}}), "unknown field 'units'; did you mean 'unit'?"),
        (with_rule(constants={"a": {"value": 1, "unit": {}}}), "unknown unit {}"),
        (with_state(kind="trace", side="pre", tau=1), "rules.w: nothing reads z"),
        (with_state(kind="trace", side="pre", tau=1, tau_steps=3), "unknown field 'tau_steps'"),
        (with_state(kind="trace", side="pre", tau=1, nearest="no"), "states.z: nearest and resets are true or false"),
        (with_state(kind="lowpass", expression="x", tau=1, tau_steps=3), "unknown field 'tau'"),
        (with_state(kind="synaptic", on_pre="y", expression="x"), "unknown field 'expression'"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(RulesearchError) as caught:
        rules_from_json(document, "rule.json")
    assert said in str(caught.value)
    assert str(caught.value).startswith("rule.json: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (with_rule(eta="inf"), "only bounds may be infinite"),
        (with_rule(constants={"a": "inf"}), "only bounds may be infinite"),
        (with_state(kind="trace", side="pre", tau="inf"), "only bounds may be infinite"),
        (with_rule(eta=10**400), "no float is so large"),
        ('{"rules": {"w": {"on_step": "x", "eta": ' + "1" * 5000 + "}}}", "Python reads no such number"),
        (with_rule(constants={"a": {"value": 1, "unit": ["s"]}}), "a unit is text"),
        (with_rule(constants={"a b": 1}), "not a name"),
        (with_rule(constants={"w": 1}), "w is the weight"),
        (with_rule(bounds=[1, 0]), "upside down"),
        (with_state(kind="trace", side="pre", tau=-1), "time runs forwards"),
        (with_state(kind="lowpass", expression="x", tau_steps=0.5), "less than a step"),
        (with_state(kind="synaptic", tau=1), "no slot"),
        ({"rules": {"a; b": {"on_step": "x"}}}, "not a name"),
        ({"rules": {"é": {"on_step": "x"}}}, "not a name of ASCII letters"),
        ({"rules": {"w": {"on_step": "x*eta", "constants": {"eta": 1}}}}, "eta is the learning rate"),
        ({"rules": {"w": {"on_step": "x*tau_x", "constants": {"tau_x": 1}}}}, "tau_x is the time constant of x"),
        (with_rule(on_pre=0), "a slot is text"),
        (with_rule(states=0), "states are an object"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_what_rule_text_refuses_is_refused_in_json_too(document: Any, why: str) -> None:
    with pytest.raises(RulesearchError):
        rules_from_json(document)


def test_whatever_a_program_calls_its_rules_they_read_back() -> None:
    odd = RuleSet(parse_rules("x*y").rules, "Hebb (mine), \n" + "long " * 100)
    assert rules_from_json(rules_to_json(odd)).rules == odd.rules
    assert rules_from_json(rules_to_json(odd)).name.startswith("Hebb (mine), long")
