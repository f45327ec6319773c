"""Citations: BibTeX for what a rule is, and for what found it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rulesearch.rules import KnownRule, RuleSet, known_rules
from rulesearch.symbolic import Verdict, compare

if TYPE_CHECKING:
    from rulesearch.workflow.run import Run

_RESEMBLES = ("identical", "equal", "equal-up-to-scale", "same-terms")
_OWN = """@software{rulesearch,
  author = {{rulesearch contributors}},
  title = {rulesearch: symbolic discovery of synaptic plasticity rules},
  year = {2026}
}"""
_TOOLS = {
    "DEAP, which evolved the rules": """@article{fortin2012,
  author = {Fortin, F{\\'e}lix-Antoine and De Rainville, Fran{\\c{c}}ois-Michel and Gardner, Marc-Andr{\\'e}
    and Parizeau, Marc and Gagn{\\'e}, Christian},
  title = {{DEAP}: Evolutionary algorithms made easy},
  journal = {Journal of Machine Learning Research},
  volume = {13},
  pages = {2171--2175},
  year = {2012}
}""",
    "CMA-ES, which fitted the constants": """@article{hansen2001,
  author = {Hansen, Nikolaus and Ostermeier, Andreas},
  title = {Completely derandomized self-adaptation in evolution strategies},
  journal = {Evolutionary Computation},
  volume = {9},
  pages = {159--195},
  year = {2001},
  doi = {10.1162/106365601750190398}
}""",
    "SymPy, which drew the equations": """@article{meurer2017,
  author = {Meurer, Aaron and others},
  title = {{SymPy}: symbolic computing in {P}ython},
  journal = {PeerJ Computer Science},
  volume = {3},
  pages = {e103},
  year = {2017},
  doi = {10.7717/peerj-cs.103}
}""",
    "Numba, which ran the simulations": """@inproceedings{lam2015,
  author = {Lam, Siu Kwan and Pitrou, Antoine and Seibert, Stanley},
  title = {Numba: a {LLVM}-based {P}ython {JIT} compiler},
  booktitle = {Proceedings of the Second Workshop on the LLVM Compiler Infrastructure in HPC},
  year = {2015},
  doi = {10.1145/2833157.2833162}
}""",
}


@dataclass(frozen=True, slots=True)
class Citation:
    """One BibTeX entry.

    **Fields:** `key`; `why` it is cited; `bibtex`.
    """

    key: str
    why: str
    bibtex: str


def cite(what: RuleSet | KnownRule | Run) -> list[Citation]:
    """Return what to cite for rules, or for a run: known rules that they are, the task, the tools, this program.

    A rule is cited where ours is identical or equal to it, a multiple of it, or has the same terms, none with the
    opposite sign; each entry once.
    """
    if isinstance(what, KnownRule):
        return _distinct([_entry(what.title, what.bibtex), _entry("this program", _OWN)])
    if isinstance(what, RuleSet):
        return _distinct([*_of_rules(what), _entry("this program", _OWN)])
    found = [each for member in what.members for each in _of_rules(member.rules, f"rank {member.rank}")]
    task = what.task
    found.append(_entry(f"task {task.name}", task.bibtex))
    for why, bibtex in _TOOLS.items():
        # Only the evolving engine fits constants by CMA-ES.
        if why.split(",")[0] not in ("DEAP", "CMA-ES") or what.experiment.engine == "deap":
            found.append(_entry(why, bibtex))
    return _distinct([*found, _entry("this program", _OWN)])


def _of_rules(rules: RuleSet, called: str = "") -> list[Citation]:
    known = {each.name: each for first in known_rules().values() for each in first.family()}
    close = [verdict for verdict in compare(rules) if verdict.verdict in _RESEMBLES and not verdict.turned_terms]
    return [_entry(_why(verdict, called), known[verdict.rule].bibtex) for verdict in close]


def _why(verdict: Verdict, called: str) -> str:
    """Return `lateral of rank 1 is identical to Oja 1982`; without what the rules are called, the relation alone."""
    if not called:
        return f"{verdict.name}: {verdict.summary}" if verdict.name else verdict.summary
    return f"{f'{verdict.name} of ' * bool(verdict.name)}{called} is {verdict.summary}"


def _entry(why: str, bibtex: str) -> Citation:
    match = re.match(r"@\w+\{([^,\s]+),", bibtex.strip())
    return Citation(match.group(1) if match else "", why, bibtex.strip())


def _distinct(citations: list[Citation]) -> list[Citation]:
    found: dict[str, Citation] = {}
    for citation in citations:
        found.setdefault(citation.key, citation)
    return list(found.values())
