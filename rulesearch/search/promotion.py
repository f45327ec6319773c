"""Which of the candidates that genetic programming holds are tried at full fidelity."""

from __future__ import annotations

from collections.abc import Iterable

from rulesearch.search.candidate import UNSCREENED, Candidate
from rulesearch.search.problem import Problem


def worth_a_full_trial(problem: Problem, members: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates to be tried next, of the members of all islands, smallest first: the best of each size.

    Where screening is luck to a part, a larger rule that is behind a smaller one waits until that one's luck is known,
    and other constants of a structure that was tried wait until they are fitted.
    """
    if problem.dear:
        return _ahead_in_screening(problem, members)
    best = best_of_sizes(members)
    if not problem.screen.by_luck:
        return best
    return [
        item
        for place, item in enumerate(best)
        if item.known is item.screen and all(item.rank < other.rank for other in best[:place])
    ]


def _ahead_in_screening(problem: Problem, members: Iterable[Candidate]) -> list[Candidate]:
    """Return the best untried candidates that are ahead of every one as small, tried or not.

    One that was tried counts by the worse of its outcomes. Small networks may have larger losses than large ones: by
    its full loss alone a rule would keep all from being tried that screen better than it.
    """
    members = list(members)
    tried = [item for item in members if item.full is not UNSCREENED]
    chosen: list[Candidate] = []
    for item in best_of_sizes(item for item in members if item.full is UNSCREENED and item.known is item.screen):
        bars = [
            max(outcome.rank_key(problem.requirements) for outcome in (other.screen, other.full))
            for other in tried
            if other.size <= item.size
        ]
        if all(item.rank < bar for bar in (*bars, *(other.rank for other in chosen))):
            chosen.append(item)
    return chosen


def best_of_sizes(members: Iterable[Candidate]) -> list[Candidate]:
    """Return the best candidate of each size, smallest first."""
    best: dict[int, Candidate] = {}
    for item in members:
        if item.size not in best or item.rank < best[item.size].rank:
            best[item.size] = item
    return [best[size] for size in sorted(best)]
