"""The library of known rules: one TOML file each in `known/`, found by name or alias."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules

_NEARLY = 0.7


@dataclass(frozen=True, slots=True)
class Check:
    """What a rule is known to do, as a number that a simulation must give.

    **Fields:** `claim` in words; `simulation`: one of `rulesearch.checks.SIMULATIONS`, with its `settings`; `measure`:
    which of its numbers; `expected` within `tolerance` (absolute); `source`: figure, table or closed form that the
    number comes from; `control`: text of a rule that must fail the same check.
    """

    claim: str
    simulation: str
    measure: str
    expected: float
    tolerance: float
    source: str
    control: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def meets(self, value: float | None) -> bool:
        """Return whether a number (None: the simulation gave none) is the expected one within the tolerance."""
        return value is not None and abs(value - self.expected) <= self.tolerance


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule of the literature.

    **Fields:** `name`; `title` for people (`Oja 1982`); `aliases`; `rules` with the paper's constants; `does`:
    what it is known to do; `reference` and `doi` of the paper (empty where it has none); `bibtex`; `checks` that
    simulate what it does; `inhibitory`: names of those of its rules whose synapses inhibit; `variants`: the same
    equations with other published constants or interaction schemes, or close relatives of the same paper;
    `equal_mutants`: changes of one constant or term, by the name that `experiments/benchmarks/mutations.py` gives
    them, which no check can see, and why.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    rules: RuleSet
    does: str
    reference: str
    doi: str
    bibtex: str
    checks: tuple[Check, ...] = ()
    inhibitory: tuple[str, ...] = ()
    variants: tuple[KnownRule, ...] = ()
    equal_mutants: Mapping[str, str] = field(default_factory=dict)

    def family(self) -> Iterator[KnownRule]:
        """Iterate over the rule and its variants."""
        yield self
        yield from self.variants


@cache
def known_rules() -> dict[str, KnownRule]:
    """Return every known rule by name, in alphabetical order; their variants are inside them."""
    folder = resources.files("rulesearch.rules") / "known"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    return {known.name: known for known in (_read(item.read_text("utf-8")) for item in files)}


def _read(text: str) -> KnownRule:
    fields = tomllib.loads(text)
    variants = fields.pop("variants", ())
    known = _known(fields)
    inherited = {key: value for key, value in fields.items() if key not in ("aliases", "checks", "equal_mutants")}
    return replace(known, variants=tuple(_known({**inherited, **variant}) for variant in variants))


def _known(fields: Mapping[str, Any]) -> KnownRule:
    return KnownRule(
        fields["name"],
        fields["title"],
        tuple(fields.get("aliases", ())),
        RuleSet(parse_rules(fields["rule"]).rules, fields["name"]),
        fields["does"],
        fields["reference"],
        fields["doi"],
        fields["bibtex"].strip(),
        tuple(Check(**check) for check in fields.get("checks", ())),
        tuple(fields.get("inhibitory", ())),
        equal_mutants=fields.get("equal_mutants", {}),
    )


def find_known(name: str) -> KnownRule | None:
    """Return the known rule, or variant of one, of that name or alias; None where there is none."""
    wanted = name.strip().lower()
    for known in known_rules().values():
        for each in known.family():
            if wanted == each.name or wanted in each.aliases:
                return each
    return None


def known_rule(name: str) -> KnownRule:
    """Return the known rule, or variant of one, of that name or alias.

    **Raises:** `RulesearchError` where there is none.
    """
    found = find_known(name)
    if found is None:
        names = [each.name for known in known_rules().values() for each in known.family()]
        raise RulesearchError(f"unknown rule {name!r}{did_you_mean(name, names)}")
    return found


def near_name(name: str) -> str | None:
    """Return the name, or alias, of a known rule that is spelt nearly like a name; None where there is none."""
    every = [each for known in known_rules().values() for each in known.family()]
    names = [spelt for each in every for spelt in (each.name, *each.aliases)]
    return next(iter(get_close_matches(name.strip().lower(), names, 1, _NEARLY)), None)
