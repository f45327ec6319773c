"""Rule text: pieces separated by `;` (slots, states, constants, options), read; `written` is the way back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rulesearch.errors import ParseError, did_you_mean, shown
from rulesearch.expression.hints import left_side_hint
from rulesearch.expression.operators import FUNCTIONS, Operator
from rulesearch.expression.parser import check_length, parse_expression
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import UNITS
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import CUSTOMARY_TRACES, PAIRINGS, SLOTS, VOCABULARY, Lowpass, State, Synaptic, Trace
from rulesearch.rules.unread import unread_reason

_SLOT = re.compile(r"\s*([A-Za-z_]\w*)\s*:", re.ASCII)
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)", re.ASCII)
_MEMBER = re.compile(r"\s*([A-Za-z_]\w*)\s*\[(.*)\]\s*$", re.DOTALL | re.ASCII)
_OPENED = re.compile(r"\s*([A-Za-z_]\w*)\s*\[", re.ASCII)
_CALL = re.compile(r"\s*(trace|lowpass|synaptic)\s*\((.*)\)\s*$", re.DOTALL)
_NUMBER = re.compile(r"\s*[-+.\deE]+\s*([a-zA-Z]+\s*)?")
_TIME = UNITS["s"][1]


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a text that knows where it stands."""

    text: str
    start: int
    whole: str

    def part(self, start: int, end: int | None = None) -> _Span:
        return _Span(self.text[start:end], self.start + start, self.whole)

    def error(self, reason: str) -> ParseError:
        lead = len(self.text) - len(self.text.lstrip())
        return ParseError(reason, self.whole, self.start + lead + 1)

    def check_left_side(self) -> None:
        hint = left_side_hint(self.text)
        if hint is not None:
            raise self.error(hint)

    def expression(self) -> Expression:
        self.check_left_side()
        return parse_expression(self.text, self.start, self.whole)

    def number(self, what: str) -> Number:
        found = self.expression() if self.text.strip() else None
        if found is None or found.size != 1 or not isinstance(found.head, Number):
            raise self.error(f"{what} must be a number, found {self.text.strip()!r}; type for example 0.25 or 20 ms")
        return found.head

    def time(self, what: str) -> float:
        number = self.number(what)
        if not number.unit or UNITS[number.unit][1] != _TIME:
            found = f"one in {number.unit}" if number.unit else "a number without a unit"
            raise self.error(f"{what} must be a time, found {found}; type for example 20 ms")
        if number.value <= 0:
            raise self.error(f"{what} must be above 0, found {self.text.strip()}")
        return number.value

    def split(self, separator: str) -> list[_Span]:
        parts, level, begin = [], 0, 0
        for index, character in enumerate(self.text):
            level += (character in "([") - (character in ")]")
            if character == separator and level <= 0:
                parts.append(self.part(begin, index))
                begin = index + 1
        return [*parts, self.part(begin)]


def parse_rules(
    text: str,
    bare_slot: str = "on_step",
    symbols: Collection[str] | None = None,
    bare_slots: Mapping[str, str] | None = None,
) -> RuleSet:
    """Read rule text into a `RuleSet`.

    **Arguments:** `bare_slot`: the slot of an expression that names none; `symbols`: the names that may be read
    without being declared (by default the common vocabulary); `bare_slots`: that slot by rule, where rules of a set
    differ in it.
    **Raises:** `ParseError`, which shows the column.
    """
    check_length(text)
    span = _Span(text, 0, text)
    known = VOCABULARY.keys() if symbols is None else symbols
    pieces = [piece for piece in span.split(";") if piece.text.strip()]
    for piece in pieces:
        _check_closed(piece)
    members = [_MEMBER.match(piece.text) for piece in pieces]
    if not any(members):
        return RuleSet.single(_parse_rule(span, bare_slot, known))
    rules: dict[str, Rule] = {}
    for piece, member in zip(pieces, members, strict=True):
        if member is None:
            raise piece.error("a set of rules holds only pieces of the form name[...]")
        if member.group(1) in rules:
            raise piece.error(f"the rule {member.group(1)!r} is given twice")
        bare = (bare_slots or {}).get(member.group(1), bare_slot)
        rules[member.group(1)] = _parse_rule(piece.part(member.start(2), member.end(2)), bare, known)
    return RuleSet(rules)


def _check_closed(piece: _Span) -> None:
    """Refuse a rule of a set whose bracket is not closed, or closed before its end."""
    opened = _OPENED.match(piece.text)
    if opened is None:
        return
    name, level = opened.group(1), 0
    if name in FUNCTIONS:
        raise piece.error(f"{name} is a function, and no rule can be called so; write {name}(...)")
    for place in range(opened.end() - 1, len(piece.text)):
        level += (piece.text[place] == "[") - (piece.text[place] == "]")
        if level == 0:
            if piece.text[place + 1 :].strip():
                raise piece.part(place + 1).error(f"expected ; behind {name}[...], or nothing")
            return
    raise piece.part(opened.end() - 1).error(f"the bracket of {name} is not closed; type {name}[...]")


def _parse_rule(span: _Span, bare_slot: str, symbols: Collection[str]) -> Rule:
    slots: dict[str, Expression] = {}
    states: dict[str, State] = {}
    constants: dict[str, Number] = {}
    eta: float | None = None
    bounds: tuple[float, float] | None = None
    seen: dict[str, _Span] = {}
    for piece in span.split(";"):
        if not piece.text.strip():
            continue
        slot = _SLOT.match(piece.text)
        assignment = _ASSIGNMENT.match(piece.text)
        if slot is None and (assignment is None or not _NUMBER.fullmatch(piece.text, assignment.end())):
            piece.check_left_side()
        name = slot.group(1) if slot else assignment.group(1) if assignment else bare_slot
        meant = name[4:] if assignment and name.startswith("tau_") and name[4:] in CUSTOMARY_TRACES else name
        if meant in seen:
            raise piece.error(f"{name} is given twice; give it once")
        seen[meant] = piece
        if assignment:
            value = piece.part(assignment.end())
            if name == "eta":
                eta = _eta(value)
            elif name == "bounds":
                bounds = _bounds(value)
            elif name.startswith("tau_") and name[4:] in CUSTOMARY_TRACES:
                states[name[4:]] = Trace(CUSTOMARY_TRACES[name[4:]], value.time(name))
            else:
                _check_name(piece, name)
                if value.text.lstrip().startswith("["):
                    raise piece.error(f"{name} cannot be two numbers, only bounds can; did you mean bounds = [0, 1]?")
                call = _CALL.match(value.text)
                if call:
                    states[name] = _state(call.group(1), value.part(call.start(2), call.end(2)))
                else:
                    constants[name] = value.number(f"the constant {name}")
            continue
        if slot and name not in SLOTS:
            raise piece.error(f"unknown slot {name!r}{did_you_mean(name, SLOTS)}")
        slots[name] = piece.part(slot.end() if slot else 0).expression()
    if not slots:
        raise span.error("the rule has no slot; type an expression such as y*(x - w*y)")
    slots = _absorb_eta(slots, span)
    rule = Rule(slots, eta, states, constants, bounds)
    _check_symbols(rule, span, symbols)
    for name in rule.unread:
        declared = _ASSIGNMENT.match(seen[name].text)
        raise seen[name].error(unread_reason(rule, declared.group(1) if declared else name))
    rule.check_units(where=f"rule {shown(span.text.strip())}")
    return rule


def _eta(value: _Span) -> float:
    number = value.number("eta")
    if number.unit:
        raise value.error(f"eta takes no unit, found {number.unit}")
    return number.value


def _check_name(piece: _Span, name: str) -> None:
    if name in SLOTS:
        raise piece.error(f"{name!r} has a meaning of its own: a slot is written {name}: y*(x - w*y)")
    if name in FUNCTIONS or name in UNITS or name == "w":
        raise piece.error(f"{name!r} has a meaning of its own and cannot be declared; choose another name")


def _bounds(value: _Span) -> tuple[float, float]:
    text = value.text.strip()
    parts = (
        value.part(value.text.index("[") + 1, value.text.rindex("]")).split(",") if re.match(r"\[.*\]$", text) else []
    )
    if len(parts) != 2:
        raise value.error(f"bounds must be two numbers, found {text!r}; type for example bounds = [0, 1]")
    low, high = (_bound(part) for part in parts)
    if not low < high:
        raise value.error(f"the lower bound must be below the upper one, found {text}")
    return low, high


def _bound(part: _Span) -> float:
    word = part.text.strip()
    if word in ("inf", "-inf"):
        return float(word)
    number = part.number("a bound")
    return number.value


def parse_state(text: str) -> State:
    """Read the text of one state, such as `lowpass(x, 100)` or `trace(pre, 20 ms)`; raises `ParseError`."""
    check_length(text)
    call = _CALL.match(text)
    if call is None:
        raise ParseError("expected trace(...), lowpass(...) or synaptic(...), such as trace(pre, 20 ms)", text, 1)
    return _state(call.group(1), _Span(text, 0, text).part(call.start(2), call.end(2)))


def _state(kind: str, inside: _Span) -> State:
    if kind == "synaptic":
        return _synaptic(inside)
    parts = inside.split(",")
    if kind == "trace":
        words = [part.text.strip() for part in parts]
        if len(parts) not in (2, 3) or words[0] not in ("pre", "post"):
            raise inside.error(
                "a trace is written trace(pre, 20 ms), trace(post, 20 ms) or trace(post, 20 ms, nearest); "
                "other pairings are next and immediate"
            )
        pairing = words[2] if len(parts) == 3 else "all"
        if pairing not in PAIRINGS:
            there = ", ".join(PAIRINGS)
            raise parts[2].error(
                f"unknown interaction scheme {pairing!r}{did_you_mean(pairing, PAIRINGS)}; there are {there}"
            )
        return Trace(words[0], parts[1].time("the time constant of a trace"), *PAIRINGS[pairing])
    if len(parts) < 2:
        raise inside.error(
            "a low-pass is written lowpass(expression, 10 s), in tasks with steps lowpass(expression, 100)"
        )
    expression_span = inside.part(0, parts[-1].start - inside.start - 1)
    number = parts[-1].number("the time constant of a low-pass")
    if not number.unit:
        if number.value < 1:
            raise parts[-1].error("a time constant in steps must be at least 1")
        return Lowpass(expression_span.expression(), number.value, in_steps=True)
    return Lowpass(expression_span.expression(), parts[-1].time("the time constant of a low-pass"))


def _synaptic(inside: _Span) -> Synaptic:
    slots: dict[str, Expression] = {}
    tau: float | None = None
    for piece in inside.split(";"):
        if not piece.text.strip():
            continue
        slot, assignment = _SLOT.match(piece.text), _ASSIGNMENT.match(piece.text)
        if assignment and assignment.group(1) == "tau":
            if tau is not None:
                raise piece.error("tau is given twice; give it once")
            tau = piece.part(assignment.end()).time("tau")
        elif slot and slot.group(1) in SLOTS:
            if slot.group(1) in slots:
                raise piece.error(f"{slot.group(1)} is given twice; give it once")
            slots[slot.group(1)] = piece.part(slot.end()).expression()
        else:
            raise piece.error("a synaptic state holds slots and tau: synaptic(on_pre: y; on_post: x; tau = 1 s)")
    if not slots:
        raise inside.error("a synaptic state needs at least one slot")
    return Synaptic(slots, tau)


def _absorb_eta(slots: dict[str, Expression], span: _Span) -> dict[str, Expression]:
    if not any("eta" in expression.symbols for expression in slots.values()):
        return slots
    absorbed = {slot: _without_eta(expression) for slot, expression in slots.items()}
    if any(expression is None or "eta" in expression.symbols for expression in absorbed.values()):
        raise span.error("eta must be one common factor of every slot, as in eta*y*(x - w*y); or leave it out")
    return {slot: expression for slot, expression in absorbed.items() if expression is not None}


def _without_eta(expression: Expression) -> Expression | None:
    head, arguments = expression.head, expression.arguments
    if head == "eta":
        return Expression.number(1)
    if not isinstance(head, Operator):
        return None
    if head.name in ("add", "sub"):
        parts = [_without_eta(argument) for argument in arguments]
        found = [part for part in parts if part is not None]
        return Expression.apply(head.name, *found) if len(found) == 2 else None
    if head.name == "neg":
        inner = _without_eta(arguments[0])
        return None if inner is None else Expression.apply("neg", inner)
    if head.name == "div":
        inner = _without_eta(arguments[0])
        return None if inner is None else Expression.apply("div", inner, arguments[1])
    if head.name == "mul":
        for index, argument in enumerate(arguments):
            inner = _without_eta(argument)
            if inner is not None:
                other = arguments[1 - index]
                if inner == Expression.number(1):
                    return other
                if inner == Expression.apply("neg", Expression.number(1)):
                    return Expression.apply("neg", other)
                return Expression.apply("mul", *((inner, other) if index == 0 else (other, inner)))
    return None


def _check_symbols(rule: Rule, span: _Span, symbols: Collection[str]) -> None:
    allowed = {*symbols, *rule.states, *rule.constants}
    for name in rule.symbols:
        if name not in allowed:
            match = re.search(rf"\b{re.escape(name)}\b", span.text)
            place = span.part(match.start() if match else 0)
            raise place.error(
                f"unknown symbol {name!r}{did_you_mean(name, allowed)}; a constant is given by {name} = 0.25"
            )


def short_rule(rules: RuleSet) -> str:
    """Return the slots of rules with their constants as short numbers, for a table."""
    parts = []
    for name, rule in rules.rules.items():
        values = {key: Number(float(f"{each.value:.3g}"), each.unit) for key, each in rule.constants.items()}
        for slot, expression in rule.slots.items():
            text = to_text(expression.substitute({key: Expression((each,)) for key, each in values.items()}))
            text = text.replace("+ -", "- ").replace("- -", "+ ")
            label = ", ".join([name] * (len(rules.rules) > 1) + [slot] * (slot != "on_step"))
            parts.append(f"{label}: {text}" if label else text)
    return "; ".join(parts)
