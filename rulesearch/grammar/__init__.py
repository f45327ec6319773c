"""Floor 2: grammars: reading and checking them, drawing from them, counting, enumeration and membership."""

from rulesearch.grammar.checking import grammar_facts, smallest_rules, smallest_sizes
from rulesearch.grammar.counting import Counts, count
from rulesearch.grammar.derivation import Chosen, Derived, derive
from rulesearch.grammar.derivations import candidate_sizes, sample, sample_subtree, sample_up_to, sizes
from rulesearch.grammar.functions import FunctionTable
from rulesearch.grammar.grammar import Grammar
from rulesearch.grammar.membership import derived_slots, derives, find_function, find_functions, member, states_agree
from rulesearch.grammar.parts import ConstantPrior, GrammarSymbol, Limits, Production, reachable
from rulesearch.grammar.reading import check_grammar, load_grammar, parse_grammar
from rulesearch.grammar.slots import ONE, RuleName, RuleSlot, names_of, slots_by_rule
from rulesearch.grammar.source import GrammarError

__all__ = [
    "ONE",
    "Chosen",
    "ConstantPrior",
    "Counts",
    "Derived",
    "FunctionTable",
    "Grammar",
    "GrammarError",
    "GrammarSymbol",
    "Limits",
    "Production",
    "RuleName",
    "RuleSlot",
    "candidate_sizes",
    "check_grammar",
    "count",
    "derive",
    "derived_slots",
    "derives",
    "find_function",
    "find_functions",
    "grammar_facts",
    "load_grammar",
    "member",
    "names_of",
    "parse_grammar",
    "reachable",
    "sample",
    "sample_subtree",
    "sample_up_to",
    "sizes",
    "slots_by_rule",
    "smallest_rules",
    "smallest_sizes",
    "states_agree",
]
