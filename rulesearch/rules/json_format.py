"""Rule JSON: the exchange format, read by our own checks and written without loss."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.parser import parse_expression
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import UNITS
from rulesearch.rules.names import taken_by
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import CUSTOMARY_TRACES, SLOTS, Lowpass, State, Synaptic, Trace
from rulesearch.rules.unread import unread_reason

_LONGEST_TITLE = 200


def rules_to_json(rules: RuleSet, inhibitory: Collection[str] = ()) -> dict[str, Any]:
    """Return a set of rules as a JSON document.

    **Arguments:** `inhibitory`: names of those whose synapses inhibit; only theirs have a field that says so. Reading
    passes over it: it is for other programs, and the task says it to this one.
    """
    name = "".join(mark for mark in rules.name if mark.isprintable())[:_LONGEST_TITLE]
    members = {name: _rule_to_json(rule, name in inhibitory) for name, rule in rules.rules.items()}
    return {"name": name, "rules": members}


def _rule_to_json(rule: Rule, inhibitory: bool) -> dict[str, Any]:
    return {
        "eta": rule.eta,
        **{slot: to_text(rule.slots[slot]) if slot in rule.slots else None for slot in SLOTS},
        "states": {name: state_to_json(state) for name, state in rule.states.items()},
        "constants": {
            name: {"value": number.value, "unit": number.unit} if number.unit else number.value
            for name, number in rule.constants.items()
        },
        "bounds": None if rule.bounds is None else [_finite(bound) for bound in rule.bounds],
        **({"inhibitory": True} if inhibitory else {}),
    }


def _finite(bound: float) -> float | str:
    return bound if math.isfinite(bound) else ("inf" if bound > 0 else "-inf")


def state_to_json(state: State) -> dict[str, Any]:
    if isinstance(state, Trace):
        resets = {"resets": True} if state.resets else {}
        return {"kind": "trace", "side": state.side, "tau": state.tau, "nearest": state.nearest, **resets}
    if isinstance(state, Lowpass):
        key = "tau_steps" if state.in_steps else "tau"
        return {"kind": "lowpass", "expression": to_text(state.expression), key: state.tau}
    return {"kind": "synaptic", **{slot: to_text(e) for slot, e in state.slots.items()}, "tau": state.tau}


def rules_from_json(document: Any, where: str = "rule JSON") -> RuleSet:
    """Read a JSON document (already decoded, or its text) into a `RuleSet`.

    **Raises:** `RulesearchError` with the place of what is wrong.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document, object_pairs_hook=lambda pairs: _once(pairs, where))
        except (ValueError, RecursionError) as error:
            raise RulesearchError(f"{where}: not JSON: {error}") from None
    _check_keys(_mapping(document, where), ("name", "rules"), where)
    members = _mapping(document.get("rules"), f"{where}: rules")
    if not members:
        raise RulesearchError(f'{where}: "rules" is empty; expected at least one rule, as in {{"rules": {{"w": ...}}}}')
    rules = {
        _name(name, f"{where}: rules"): _rule_from_json(member, f"{where}: rules.{name}")
        for name, member in members.items()
    }
    return RuleSet(rules, _title(document.get("name"), f"{where}: name"))


def _once(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in fields if names.count(name) > 1)
        raise RulesearchError(f"{where}: the field {shown(twice)} is given twice; give it once")
    return fields


def _title(value: Any, where: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise RulesearchError(f"{where}: expected text, found {shown(value)}")
    if not value.isprintable() or len(value) > _LONGEST_TITLE:
        raise RulesearchError(f"{where}: expected at most {_LONGEST_TITLE} letters in one line, found {shown(value)}")
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RulesearchError(f"{where}: expected an object, found {type(value).__name__}")
    return value


def _optional(fields: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    return {} if fields.get(key) is None else _mapping(fields[key], f"{where}.{key}")


def _slots(fields: Mapping[str, Any], where: str) -> dict[str, Expression]:
    filled = [slot for slot in SLOTS if fields.get(slot) not in (None, "")]
    return {slot: _expression(fields[slot], f"{where}.{slot}") for slot in filled}


def _check_keys(fields: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in fields:
        if key not in known:
            raise RulesearchError(f"{where}: unknown field {shown(key)}{did_you_mean(key, known)}")


def _number(value: Any, where: str) -> float:
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:
        raise RulesearchError(f"{where}: the number is too large") from None
    raise RulesearchError(f"{where}: expected a number, found {shown(value)}")


def _bound(value: Any, where: str) -> float:
    return float(value) if value in ("inf", "-inf") else _number(value, where)


def _tau(value: Any, where: str, least: float = 0.0) -> float:
    tau = _number(value, where)
    if tau <= 0.0 or tau < least:
        raise RulesearchError(f"{where}: expected a time of at least {least:g} and above 0, found {tau:g}")
    return tau


def _name(name: str, where: str) -> str:
    taken = taken_by(name)
    if taken is not None:
        raise RulesearchError(f"{where}: {name!r} is {taken}; choose another name")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", name):
        raise RulesearchError(f"{where}: {name!r} cannot be a name; expected letters, digits and _")
    return name


def _declared(name: str, where: str) -> str:
    if name == "w":
        raise RulesearchError(f"{where}: 'w' is the weight and cannot be declared; choose another name")
    if name in ("eta", "bounds") or (name.startswith("tau_") and name[4:] in CUSTOMARY_TRACES):
        raise RulesearchError(f"{where}: {name!r} is an option in rule text; choose another name")
    return _name(name, where)


def _expression(value: Any, where: str) -> Expression:
    if not isinstance(value, str):
        raise RulesearchError(f"{where}: expected an expression as text, found {shown(value)}")
    try:
        return parse_expression(value)
    except RulesearchError as error:
        raise RulesearchError(f"{where}: {error}") from None


def _rule_from_json(member: Any, where: str) -> Rule:
    fields = _mapping(member, where)
    _check_keys(fields, (*SLOTS, "eta", "states", "constants", "bounds", "inhibitory"), where)
    if not isinstance(fields.get("inhibitory", False), bool):
        raise RulesearchError(f"{where}: inhibitory is true or false, found {shown(fields['inhibitory'])}")
    slots = _slots(fields, where)
    if not slots:
        raise RulesearchError(f"{where}: no slot is filled; expected one of {', '.join(SLOTS)}")
    states = {
        _declared(name, f"{where}.states"): state_from_json(state, f"{where}.states.{name}")
        for name, state in _optional(fields, "states", where).items()
    }
    constants = {
        _declared(name, f"{where}.constants"): _constant(value, f"{where}.constants.{name}")
        for name, value in _optional(fields, "constants", where).items()
    }
    bounds = fields.get("bounds")
    if bounds is not None and (not isinstance(bounds, list) or len(bounds) != 2):
        raise RulesearchError(f"{where}.bounds: expected [low, high] or null, found {shown(bounds)}")
    limits = None if bounds is None else (_bound(bounds[0], f"{where}.bounds"), _bound(bounds[1], f"{where}.bounds"))
    if limits is not None and not limits[0] < limits[1]:
        raise RulesearchError(f"{where}.bounds: the lower bound must be below the upper one, found {bounds}")
    eta = None if fields.get("eta") is None else _number(fields["eta"], f"{where}.eta")
    rule = Rule(slots, eta, states, constants, limits)
    for name in rule.unread:
        raise RulesearchError(f"{where}: {unread_reason(rule, name)}")
    return rule


def _constant(value: Any, where: str) -> Number:
    if isinstance(value, dict):
        _check_keys(value, ("value", "unit"), where)
        unit = value.get("unit", "")
        if unit != "" and (not isinstance(unit, str) or unit not in UNITS):
            raise RulesearchError(f"{where}: unknown unit {shown(unit)}; there is: {', '.join(UNITS)}")
        return Number(_number(value.get("value"), where), unit)
    return Number(_number(value, where))


def state_from_json(value: Any, where: str) -> State:
    fields = _mapping(value, where)
    kind = fields.get("kind")
    if kind == "trace" and fields.get("side") in ("pre", "post"):
        _check_keys(fields, ("kind", "side", "tau", "nearest", "resets"), where)
        scheme = [fields.get(name, False) for name in ("nearest", "resets")]
        for each in scheme:
            if not isinstance(each, bool):
                raise RulesearchError(f"{where}: nearest and resets are true or false, found {shown(each)}")
        return Trace(fields["side"], _tau(fields.get("tau"), f"{where}.tau"), *scheme)
    if kind == "lowpass":
        _check_keys(fields, ("kind", "expression", "tau_steps" if "tau_steps" in fields else "tau"), where)
        in_steps = "tau_steps" in fields
        tau = _tau(fields.get("tau_steps" if in_steps else "tau"), f"{where}.tau", 1.0 if in_steps else 0.0)
        return Lowpass(_expression(fields.get("expression"), f"{where}.expression"), tau, in_steps)
    if kind == "synaptic":
        _check_keys(fields, ("kind", *SLOTS, "tau"), where)
        slots = _slots(fields, where)
        if not slots:
            raise RulesearchError(f"{where}: a synaptic state needs at least one slot of {', '.join(SLOTS)}")
        decay = fields.get("tau")
        return Synaptic(slots, None if decay is None else _tau(decay, f"{where}.tau"))
    raise RulesearchError(
        f"{where}: expected kind trace (with side pre or post), lowpass or synaptic, found {shown(kind)}"
    )
