"""The library of known rules: one TOML file each in `known/`, found by name or alias."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule of the literature.

    **Fields:** `name`; `title` for people (`Oja 1982`); `aliases`; `rules` with the paper's constants; `does`:
    what it is known to do; `reference` and `doi` of the paper; `bibtex`.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    rules: RuleSet
    does: str
    reference: str
    doi: str
    bibtex: str


@cache
def known_rules() -> dict[str, KnownRule]:
    """Return every known rule by name, in alphabetical order."""
    folder = resources.files("rulesearch.rules") / "known"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    return {known.name: known for known in (_read(item.read_text("utf-8")) for item in files)}


def _read(text: str) -> KnownRule:
    fields = tomllib.loads(text)
    rules = parse_rules(fields["rule"])
    return KnownRule(
        fields["name"],
        fields["title"],
        tuple(fields.get("aliases", ())),
        RuleSet(rules.rules, fields["name"]),
        fields["does"],
        fields["reference"],
        fields["doi"],
        fields["bibtex"].strip(),
    )


def find_known(name: str) -> KnownRule | None:
    """Return the known rule of that name or alias, None where there is none."""
    wanted = name.strip().lower()
    for known in known_rules().values():
        if wanted == known.name or wanted in known.aliases:
            return known
    return None


def known_rule(name: str) -> KnownRule:
    """Return the known rule of that name or alias.

    **Raises:** `RulesearchError` where there is none.
    """
    found = find_known(name)
    if found is None:
        raise RulesearchError(f"unknown rule {name!r}{did_you_mean(name, known_rules())}")
    return found
