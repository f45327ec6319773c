"""The parser of expressions: precedence climbing over our own tokens; text is never evaluated."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from rulesearch.errors import ParseError, RulesearchError, did_you_mean, shown
from rulesearch.expression.hints import character_hint, function_hint
from rulesearch.expression.operators import BINARY_INFIX, FUNCTIONS, OPERATORS, POWER
from rulesearch.expression.tree import MAX_DEPTH, Expression, Number
from rulesearch.expression.units import UNITS, to_base

MAX_LENGTH = 4096

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<mark>\*\*|[-+*/(),]))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def check_length(text: str) -> None:
    """Refuse a text that is too long or empty, with a `ParseError`."""
    if len(text) > MAX_LENGTH:
        raise ParseError(f"the text has {len(text)} characters; at most {MAX_LENGTH} are read", text, MAX_LENGTH + 1)
    if not text.strip():
        raise ParseError("the text is empty; type an expression such as y*(x - w*y)", text, 1)


def parse_expression(text: str, offset: int = 0, whole: str | None = None) -> Expression:
    """Parse infix text into an `Expression`.

    **Arguments:** `offset` and `whole` place the text inside a longer one, so that errors show its column.
    **Raises:** `ParseError`; `RulesearchError` where it is no text.
    """
    if not isinstance(text, str):
        raise RulesearchError(f"an expression is read from text, such as 'x*y', found {shown(text)}")
    return _Parser(text, offset, text if whole is None else whole).parse()


class _Parser:
    def __init__(self, text: str, offset: int, whole: str) -> None:
        check_length(whole)
        self.text = text
        self.offset = offset
        self.whole = whole
        self.tokens = self._tokenize()
        self.position = 0
        self.nesting = 0

    def _error(self, reason: str, column: int) -> ParseError:
        return ParseError(reason, self.whole, self.offset + column)

    def _tokenize(self) -> list[_Token]:
        tokens, position = [], 0
        while self.text[position:].strip():
            match = _TOKEN.match(self.text, position)
            if match is None:
                position += len(self.text[position:]) - len(self.text[position:].lstrip())
                expected = "expected a symbol, a number, an operator (+ - * / **) or a bracket"
                hint = character_hint(self.text[position]) or expected
                raise self._error(f"unexpected character {self.text[position]!r}; {hint}", position + 1)
            kind = match.lastgroup or ""
            tokens.append(_Token(kind, match.group(kind), match.start(kind) + 1))
            position = match.end()
        tokens.append(_Token("end", "", len(self.text.rstrip()) + 1))
        return tokens

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def _advance(self) -> _Token:
        token = self.token
        self.position += 1
        return token

    def parse(self) -> Expression:
        if self.token.kind == "end":
            raise self._error("an expression is missing; type one such as y*(x - w*y)", self.token.column)
        result = self._binary(1)
        if self.token.kind != "end":
            token = self.token
            hint = "expected an operator (+ - * / **) or the end"
            if token.text == ")":
                hint = "there is no opening bracket for it"
            elif token.text == ",":
                hint = "write decimals with a point, as in 0.5"
            raise self._error(f"unexpected {token.text!r}: {hint}", token.column)
        if result.depth > MAX_DEPTH:
            raise self._error(f"the expression is {result.depth} levels deep; at most {MAX_DEPTH} are read", 1)
        return result

    def _enter(self) -> None:
        self.nesting += 1
        if self.nesting > 4 * MAX_DEPTH:
            raise self._error(
                f"the expression is nested too deeply; at most {MAX_DEPTH} levels are read", self.token.column
            )

    def _binary(self, lowest: int) -> Expression:
        self._enter()
        left = self._unary()
        while self.token.kind == "mark" and self.token.text in BINARY_INFIX:
            row = BINARY_INFIX[self.token.text]
            if row.precedence < lowest:
                break
            self._advance()
            right = self._unary() if row.precedence == POWER else self._binary(row.precedence + 1)
            left = Expression.apply(row.name, left, right)
        self.nesting -= 1
        return left

    def _unary(self) -> Expression:
        self._enter()
        if self.token.text == "-" and self.token.kind == "mark":
            self._advance()
            literal = self.token.kind == "number"
            operand = self._unary()
            if literal and operand.size == 1 and isinstance(operand.head, Number):
                result = Expression.number(-operand.head.value, operand.head.unit)
            else:
                result = Expression.apply("neg", operand)
        elif self.token.text == "+" and self.token.kind == "mark":
            self._advance()
            result = self._unary()
        else:
            result = self._power()
        self.nesting -= 1
        return result

    def _power(self) -> Expression:
        base = self._atom()
        if self.token.text == "**":
            self._advance()
            return Expression.apply("pow", base, self._unary())
        return base

    def _atom(self) -> Expression:
        token = self._advance()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._call(token) if self.token.text == "(" else self._symbol(token)
        if token.text == "(":
            inner = self._binary(1)
            self._close(token)
            return inner
        found = "the end of the text" if token.kind == "end" else repr(token.text)
        before = self.tokens[self.position - 2].text if self.position > 1 else ""
        hint = "; write ** for a power, without a space" if token.text == before == "*" else ""
        raise self._error(
            f"found {found} where a symbol, a number or an opening bracket was expected{hint}", token.column
        )

    def _close(self, opening: _Token) -> None:
        if self.token.text != ")":
            found = "the end of the text" if self.token.kind == "end" else repr(self.token.text)
            raise self._error(
                f"found {found} where ')' was expected, to close the bracket of column {self.offset + opening.column}",
                self.token.column,
            )
        self._advance()

    def _number(self, token: _Token) -> Expression:
        unit = ""
        if self.token.kind == "name":
            unit_token = self._advance()
            unit = unit_token.text
            if unit not in UNITS:
                raise self._error(
                    f"unknown unit {unit!r} after the number {token.text}{did_you_mean(unit, UNITS)}; "
                    f"for a product write {token.text}*{unit}"
                    if unit not in FUNCTIONS
                    else f"an operator is missing between {token.text} and {unit}",
                    unit_token.column,
                )
        value = to_base(token.text, unit)
        if not math.isfinite(value):
            raise self._error(f"the number {token.text} is too large", token.column)
        return Expression.number(value, unit)

    def _symbol(self, token: _Token) -> Expression:
        if token.text in FUNCTIONS:
            raise self._error(
                f"the function {token.text} needs its argument in brackets: {token.text}(...)", token.column
            )
        return Expression.symbol(token.text)

    def _call(self, token: _Token) -> Expression:
        opening = self._advance()
        if token.text not in FUNCTIONS:
            hint = function_hint(token.text)
            near = did_you_mean(token.text, FUNCTIONS)
            if hint is not None:
                near = f"; write {hint}"
            elif "did you mean" not in near:
                near += f"; for a product write {token.text}*(...)"
            raise self._error(f"unknown function {token.text!r}{near}", token.column)
        row = OPERATORS[token.text]
        arguments = [self._binary(1)]
        while self.token.text == ",":
            self._advance()
            arguments.append(self._binary(1))
        self._close(opening)
        if len(arguments) != row.arity:
            nested = len(arguments) > 2 == row.arity
            hint = f"; write {row.name}(a, {row.name}(b, c)) for three" if nested else ""
            raise self._error(f"{row.name} takes {row.arity} argument(s), found {len(arguments)}{hint}", token.column)
        return Expression.apply(row.name, *arguments)
