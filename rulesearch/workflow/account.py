"""What became of the rules that a search found: the clean-up in numbers, and where its best rule went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rulesearch.rules.text import short_rule
from rulesearch.search.candidate import Candidate
from rulesearch.symbolic import canonical_key, canonical_size
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.task import Task
from rulesearch.wording import counted
from rulesearch.workflow.clean_up import CleanUp


@dataclass(frozen=True, slots=True)
class Account:
    """What a clean-up did.

    **Fields:** `cleaned`: rules of the search that were cleaned up; of these, `shortened` became shorter, `merged`
    became the same as another, and `died` did not run to the end on what rules are chosen by; `front`: rules that are
    left; `best`: what became of the best rule of the search, in words; `simplified`: how many of `cleaned` there was
    time to simplify only.
    """

    cleaned: int
    shortened: int
    merged: int
    died: int
    front: int
    best: str
    simplified: int = 0

    def sentence(self) -> str:
        """Return the numbers in words."""
        parts = [f"{self.shortened} became shorter", f"{self.merged} the same as another"]
        parts += [f"{self.died} died"] * bool(self.died)
        rules = f"{counted(self.cleaned, 'rule')} of the search cleaned up"
        if self.simplified:
            done = self.cleaned - self.simplified
            which = f"{done} cleaned up, the others only simplified" if done else "only simplified"
            rules = f"{counted(self.cleaned, 'rule')} of the search, {which}"
        return f"{rules}: {', '.join(parts)}; {self.front} stand{'s' * (self.front == 1)} on the front"

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and the words."""
        return asdict(self)


def account(
    cleaned: Mapping[str, CleanUp],
    ranked: Sequence[CleanUp],
    best: Candidate,
    task: Task,
    settings: Settings,
    simplified: int = 0,
) -> Account:
    """Say what the clean-up of a search came to.

    **Arguments:** `cleaned`: by fingerprint of the candidate; `ranked`: the front by rank; `best`: the rule of least
    loss that the search found; `simplified`: how many of `cleaned` there was time to simplify only.
    """
    ran = [item for item in cleaned.values() if item.outcome.ok]
    return Account(
        len(cleaned),
        sum(canonical_size(item.rules) < item.size_before for item in cleaned.values()),
        len(ran) - len({canonical_key(item.rules) for item in ran}),
        len(cleaned) - len(ran),
        len(ranked),
        _fate(best, cleaned.get(best.key), ranked, task, settings),
        simplified,
    )


def _fate(best: Candidate, item: CleanUp | None, ranked: Sequence[CleanUp], task: Task, settings: Settings) -> str:
    text, searched_on, chosen_on = short_rule(best.rules), task.searched_on(settings), task.chosen_on(settings)
    begin = f"{text} (size {best.size}) had loss {best.full.ranked_loss:.3g} on {searched_on}"
    there = "" if searched_on == chosen_on else f" on {chosen_on}"
    if item is None:
        own = canonical_key(best.rules)
        rank = next((k for k, each in enumerate(ranked, 1) if canonical_key(each.rules) == own), None)
        instead = "another of its size that did as well was cleaned up in its place"
        return f"{begin}; {instead if rank is None else f'it is rank {rank}'}"
    if not item.outcome.ok:
        return f"{begin}; cleaned up it ends as {item.outcome.status}{there}"
    size, key, after = canonical_size(item.rules), canonical_key(item.rules), f"{item.outcome.ranked_loss:.3g}"
    short = short_rule(item.rules)
    became = "" if short == text else f"cleaned up it is {short} (size {size}): "
    rank = next((k for k, each in enumerate(ranked, 1) if canonical_key(each.rules) == key), None)
    if rank is not None:
        return f"{begin}; {became}rank {rank}, loss {after}{there}"
    least = item.outcome.rank_key(task.requirements)
    better = [
        k
        for k, each in enumerate(ranked, 1)
        if canonical_size(each.rules) <= size and each.outcome.rank_key(task.requirements) <= least
    ]
    beside = f", where rank {better[0]} is no longer and does as well" if better else ""
    return f"{begin}; {became}loss {after}{there}{beside}"
