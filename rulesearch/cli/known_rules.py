"""The command that shows known rules and simulates what they are known to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rulesearch.cli.arguments import JsonOption, NameArgument
from rulesearch.cli.output import number, print_json, show_facts, show_table

if TYPE_CHECKING:
    from rulesearch.rules import KnownRule


def rules(
    name: NameArgument = None,
    check: Annotated[bool, typer.Option("--check", help="Simulate what the rule is known to do.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the known rules, or show one: equation, paper, constants, and what it does.

    With --check, simulate what a rule is known to do (without NAME: every rule, which takes minutes).
    """
    from rulesearch.rules import known_rule, known_rules

    if check:
        chosen = [known_rule(name)] if name is not None else list(known_rules().values())
        _show_checks([each for known in chosen for each in known.family()], as_json)
        return
    if name is None:
        found = list(known_rules().values())
        if as_json:
            print_json({"rules": [rule_document(known) for known in found]})
        else:
            show_table(["name", "title", "rule"], [[each.name, each.title, str(each.rules)] for each in found])
        return
    known = known_rule(name)
    if as_json:
        print_json(rule_document(known))
    else:
        show_facts(_rule_facts(known))


def rule_document(known: KnownRule) -> dict[str, Any]:
    """Return the JSON document of a known rule."""
    from rulesearch.rules import rules_to_json

    return {
        "name": known.name,
        "title": known.title,
        "aliases": list(known.aliases),
        "rule": str(known.rules),
        "latex": known.rules.latex(),
        "size": known.rules.size,
        "does": known.does,
        "reference": known.reference,
        "doi": known.doi,
        "rules": rules_to_json(known.rules)["rules"],
        "checks": [
            {"claim": each.claim, "expected": each.expected, "tolerance": each.tolerance, "source": each.source}
            for each in known.checks
        ],
        "variants": [rule_document(variant) for variant in known.variants],
    }


def _show_checks(chosen: list[KnownRule], as_json: bool) -> None:
    from rulesearch.checks import check_known

    rows: list[dict[str, Any]] = []
    for known in chosen:
        for done in check_known(known):
            row = {
                "rule": known.name,
                "claim": done.check.claim,
                "expected": done.check.expected,
                "tolerance": done.check.tolerance,
                "found": done.found,
                "control": done.control,
                "passed": done.passed,
                "source": done.check.source,
            }
            rows.append(row)
            if not as_json:
                show_facts(
                    [
                        ("rule", known.title),
                        ("claim", done.check.claim),
                        ("expected", f"{number(done.check.expected)} within {number(done.check.tolerance)}"),
                        ("found", f"{number(done.found)}: {'as expected' if done.passed else 'NOT as expected'}"),
                        ("control", f"{done.check.control}: {number(done.control)}"),
                        ("source", done.check.source),
                    ]
                )
                print(flush=True)
    if as_json:
        print_json({"checks": rows})
        return
    failed = sum(not row["passed"] for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} checks passed")


def _rule_facts(known: KnownRule) -> list[tuple[str, str]]:
    from rulesearch.expression.units import from_base
    from rulesearch.rules.written import state_text

    facts = [("name", known.name), ("title", known.title), ("rule", str(known.rules)), ("LaTeX", known.rules.latex())]
    for member, rule in known.rules.rules.items():
        label = "" if len(known.rules.rules) == 1 else f"{member}, "
        facts += [(f"{label}{slot}", _drawn(slot, expression)) for slot, expression in rule.slots.items()]
        constants = [
            f"{key} = {from_base(each.value, each.unit)} {each.unit}".strip() for key, each in rule.constants.items()
        ]
        if constants:
            facts.append((f"{label}constants", "\n".join(constants)))
        states = [state_text(key, state) for key, state in rule.states.items()]
        if states:
            facts.append((f"{label}states", "\n".join(states)))
        if rule.bounds is not None:
            facts.append((f"{label}bounds of w", f"{number(rule.bounds[0])} to {number(rule.bounds[1])}"))
        if member in known.inhibitory:
            facts.append((f"{label}synapses", "inhibitory"))
    aliases = [("also called", ", ".join(known.aliases))] * bool(known.aliases)
    checks = [
        (
            "checked by",
            "\n".join(f"{each.claim} ({number(each.expected)}; {each.source})" for each in known.checks),
        )
    ] * bool(known.checks)
    variants = [("variants", "\n".join(f"{each.name}: {each.title}" for each in known.variants))] * bool(known.variants)
    paper = [("paper", known.reference), ("doi", known.doi)]
    return [*facts, ("does", known.does), *checks, *paper, *variants, *aliases]


def _drawn(slot: str, expression: Any) -> str:
    import sympy

    from rulesearch.expression import to_sympy

    change = sympy.Symbol("dw/dt" if slot == "drift" else "Δw")
    product = sympy.Mul(sympy.Symbol("eta"), to_sympy(expression), evaluate=False)
    return str(sympy.pretty(sympy.Eq(change, product, evaluate=False), use_unicode=True, wrap_line=False))
