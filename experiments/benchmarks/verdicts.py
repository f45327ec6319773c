"""Whether the search, `compare` and `simplify` agree on which rules are the same, on pairs made by construction.

    python experiments/benchmarks/verdicts.py --pairs 2000 --seed 0

Each pair is a rule with constants from 1e-12 to 1e12 and thresholds at random places, and another one that is made
equal (rewritten, kinks written in another way, states scaled, split and doubled), scaled, equal on a set of values
only, or different (a threshold, coefficient or time constant moved, a kink of another kind, a hole at zero, at a tie
or at a number, a saturation, a threshold far away, a term that is 0 but in a small region of two or three symbols). An
oracle decides which it became: both are computed with 50 digits, in the infinities of IEEE arithmetic, at random
points, at 0, 1, -1 and ties, beside and on all thresholds, and far away; rules with states along random spike trains.
Pairs that differ by 1e-14 to 1e-7 of what is added up are drawn again, and those made different that it cannot tell
apart; nothing is compared so near to a threshold that the digits of a constant decide on the side.

Then `compare` is asked for its verdict, the fingerprint whether both are one function (rules with the same states), and
`simplify` whether the shortest forms have one key (rules that differ by algebra alone). Printed are pairs that one of
them called equal and are not, the share of the equal ones that were seen, and pairs on which the notions disagree.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

import numpy as np
from exact_oracle import decided
from rule_pairs import MAKERS, NOTIONS, Maker, Pair, Randomness

from rulesearch.rules import RuleSet
from rulesearch.symbolic import canonical_key, compare, simplify


def seen(pair: Pair) -> dict[str, float]:
    """Return the factor that each notion that is asked gives, 0 where it calls them different."""
    first, second = RuleSet.single(pair.first), RuleSet.single(pair.second)
    found: dict[str, float] = {}
    if "compare" in pair.asked:
        verdict = compare(first, [second], pair.reachable)[0]
        equal = verdict.verdict in ("identical", "equal", "equal-up-to-scale")
        found["compare"] = verdict.scale or 1.0 if equal else 0.0
    if "fingerprint" in pair.asked:
        found["fingerprint"] = float(pair.first.fingerprint() == pair.second.fingerprint())
    if "simplify" in pair.asked:
        keys = [canonical_key(simplify(each, pair.reachable).simplified) for each in (first, second)]
        found["simplify"] = float(keys[0] == keys[1])
    return found


def judged(notion: str, says: float, truth: float) -> str:
    """Return `right`, `false` (called equal, and is not) or `missed`; all but `compare` know no factor but 1."""
    expected = truth if notion == "compare" or truth == 1.0 else 0.0
    if says and not (expected and abs(says / expected - 1.0) < 1e-6):
        return "false"
    return "missed" if expected and not says else "right"


def run(count: int, generator: Randomness) -> dict[str, Any]:
    """Make pairs, ask, and count."""
    kinds: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {f"{what} by {notion}": [] for notion in NOTIONS for what in ("false", "missed")}
    disagreements: list[str] = []
    redrawn = changed = 0
    while sum(kinds.values()) < count:
        pair = MAKERS[int(generator.integers(len(MAKERS)))](Maker(generator))
        truth = decided(pair, generator)
        if truth is None or (truth and pair.same is False) or (truth == 1.0 and pair.same is None):
            redrawn += 1
            continue
        kinds[f"{pair.kind}: {'different' if not truth else 'equal' if truth == 1.0 else 'scaled'}"] += 1
        text = f"{pair.first}  |  {pair.second}  |  {pair.on}  |  {pair.kind}  |  oracle {truth:.6g}"
        answers = seen(pair)
        for notion, says in answers.items():
            verdict = judged(notion, says, truth)
            if truth == 1.0 or (truth and notion == "compare"):
                equal[notion] += 1
                caught[notion] += verdict == "right"
            if verdict != "right":
                wrong[f"{verdict} by {notion}"].append(f"{text}, {notion} {says:.6g}")
        if len({says == 1.0 for says in answers.values()}) > 1:
            disagreements.append(f"{text}, {answers}")
        if "simplify" in pair.asked:
            after = simplify(RuleSet.single(pair.first), pair.reachable).simplified.only()
            if decided(Pair(pair.kind, pair.first, after, True, on=pair.on), generator) == 0.0:
                changed += 1
                wrong["false by simplify"].append(f"{pair.first}  ->  {after}")
    return {
        "pairs": count,
        "drawn_again": redrawn,
        "kinds": dict(sorted(kinds.items())),
        "false_equals": {notion: len(wrong[f"false by {notion}"]) for notion in NOTIONS},
        "share_of_equal_seen": {notion: caught[notion] / max(equal[notion], 1) for notion in NOTIONS},
        "disagreements": len(disagreements),
        "changed_by_simplify": changed,
        "examples": {key: texts[:9] for key, texts in wrong.items() if texts} | {"disagreements": disagreements[:9]},
    }


def main() -> None:
    """Run what was asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(run(options.pairs, np.random.default_rng(np.random.SeedSequence([options.seed, 77]))), indent=2))


if __name__ == "__main__":
    main()
