"""Commands about grammars: check, sample, count, accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rulesearch.cli.arguments import RULE_HELP, JsonOption, whole
from rulesearch.cli.output import print_json, show_facts, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from rulesearch.expression import Expression
    from rulesearch.grammar import Grammar, RuleSlot

GrammarArgument = Annotated[str, typer.Argument(metavar="GRAMMAR", help="A shipped grammar's name, or a TOML file.")]


def register(app: typer.Typer) -> None:
    """Add the group `grammar` to the application."""
    group = typer.Typer(
        rich_markup_mode=None,
        help="Check, sample and count grammars, and ask what they accept.",
        epilog="Example: rulesearch grammar check my_grammar.toml",
    )
    group.command(
        "check", short_help="Check a grammar file.", epilog="Example: rulesearch grammar check my_grammar.toml"
    )(check)
    group.command(
        "sample",
        short_help="Draw rules from a grammar.",
        epilog="Example: rulesearch grammar sample rate -n 10 --seed 1",
    )(sample)
    group.command(
        "count", short_help="Count the rules of a grammar.", epilog="Example: rulesearch grammar count rate --size 9"
    )(count)
    group.command(
        "accepts",
        short_help="Say whether a grammar holds a rule.",
        epilog='Example: rulesearch grammar accepts rate "y*(x - w*y)"',
    )(accepts)
    app.add_typer(group, name="grammar")


def check(grammar: GrammarArgument, as_json: JsonOption = False) -> None:
    """Check a grammar file; what is wrong is told with its line, what is right is summed up."""
    from rulesearch.grammar import grammar_facts, load_grammar

    facts = grammar_facts(load_grammar(grammar))
    if as_json:
        print_json({"grammar": grammar, "ok": True, "facts": dict(facts)})
    else:
        show_facts([*facts, ("check", "passed")])


def sample(
    grammar: GrammarArgument,
    number: Annotated[int, typer.Option("-n", "--number", parser=whole(1), metavar="N", help="Number of rules.")] = 10,
    size: Annotated[
        int | None, typer.Option(parser=whole(1), metavar="NODES", help="Exactly so many nodes; else up to the limit.")
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Seed of the random numbers.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw rules from a grammar: a size that exists, then each derivation of that size with the same chance."""
    import numpy as np

    from rulesearch.grammar import load_grammar, sample_up_to
    from rulesearch.grammar import sample as draw

    found = load_grammar(grammar)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = [
        draw(found, rng, size) if size is not None else sample_up_to(found, rng, found.limits.size)
        for _ in range(number)
    ]
    rows = [(sum(part.size for part in slots.values()), rule_text_of(found, slots, rng)) for slots in drawn]
    if as_json:
        print_json(
            {"grammar": found.name, "seed": seed, "rules": [{"rule": text, "size": nodes} for nodes, text in rows]}
        )
    else:
        show_table(["size", "rule"], [[str(nodes), text] for nodes, text in rows])


def rule_text_of(grammar: Grammar, slots: Mapping[RuleSlot, Expression], rng: np.random.Generator) -> str:
    """Return the text of a candidate with the states that it reads, constants and time constants at random."""
    from rulesearch.expression import Number
    from rulesearch.grammar import RuleName

    def drawn(kind: str) -> float:
        return float(f"{grammar.constants[kind].sample(rng):.4g}")

    named, kinds = grammar.name_constants(slots)
    constants = {key: Number(drawn(kind), grammar.constants[kind].unit) for key, kind in kinds.items()}
    read = grammar.rule_set(named, {}, {}).rules
    times = {
        RuleName(rule, symbol): drawn(kind)
        for rule, found in read.items()
        for symbol, kind in grammar.time_constants.items()
        if symbol in found.states
    }
    return str(grammar.rule_set(named, constants, times))


def count(
    grammar: GrammarArgument,
    size: Annotated[int, typer.Option(parser=whole(1, 63), metavar="NODES", help="Nodes of a whole candidate.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Count the derivations and the distinct functions of a grammar, of a size and up to it.

    Derivations are exact; a number of functions is exact unless it is marked as a lower bound. The limits of the
    grammar play no part.
    """
    from rulesearch.grammar import count as count_rules
    from rulesearch.grammar import load_grammar

    found = load_grammar(grammar)
    counts = count_rules(found, size)
    if as_json:
        print_json(
            {
                "grammar": found.name,
                "size": size,
                "derivations": {"exactly": counts.derivations_exactly, "up_to": counts.derivations_up_to},
                "functions": {"exactly": counts.functions_exactly, "up_to": counts.functions_up_to},
                "complete": counts.complete,
            }
        )
        return
    least = "" if counts.complete else "at least "
    rows = [
        ["derivations", f"{counts.derivations_exactly:,}", f"{counts.derivations_up_to:,}"],
        ["distinct functions", f"{least}{counts.functions_exactly:,}", f"{least}{counts.functions_up_to:,}"],
    ]
    show_table([found.name, f"of {size} nodes", f"up to {size} nodes"], rows)


def accepts(
    grammar: GrammarArgument,
    rule: Annotated[str, typer.Argument(metavar="RULE", help=RULE_HELP)],
    as_json: JsonOption = False,
) -> None:
    """Say whether a rule can be derived from a grammar, as it stands or as an algebraic equal, and how.

    The limits of the grammar play no part: a rule may be larger than they allow.
    """
    from rulesearch.cli.arguments import read_rule
    from rulesearch.grammar import load_grammar
    from rulesearch.workflow.membership import accepts as accepts_rule

    found = load_grammar(grammar)
    rules = read_rule(rule)
    answer = accepts_rule(found, rules)
    if as_json:
        print_json({"grammar": found.name, "rule": str(rules), **answer})
        return
    facts = [("rule", str(rules)), ("accepted", "yes" if answer["accepted"] else "no"), ("how", str(answer["how"]))]
    if answer.get("derivation"):
        facts.append(("derivation", str(answer["derivation"])))
    show_facts(facts)
