"""How many measurements does it take to know which rule it is, chosen by `decide` and chosen at random?

    python experiments/benchmarks/labs.py --labs 50 --out results/labs

In each simulated lab one of four forms is true, with numbers drawn at random. The lab begins with pairs at 1 Hz, which
tell little, fits all forms to them and draws from their posteriors. Then it measures one protocol after the other, of
the usual ones, until a form has a probability of 0.95; draws are weighed by each measurement. The protocol is the one
that `decide` would put first, or a random one that was not measured yet. A lab that does not decide within `--most`
measurements counts as so many, and as not right. Writes `labs.csv` and `README.md`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from scipy.stats import wilcoxon
from tables import write_results

from rulesearch.evaluation.seeds import generator
from rulesearch.fitting.data import protocol_data
from rulesearch.fitting.form import ProtocolForm
from rulesearch.inference.deciding import SURE, told
from rulesearch.inference.fitting import fit
from rulesearch.inference.sampling import sample
from rulesearch.measurements.protocols import Measured
from rulesearch.measurements.usual import usual_protocols
from rulesearch.rules import parse_rules

Array = npt.NDArray[np.float64]

FORMS = {
    "pairs": "on_pre: -c*y; on_post: x; c = 1; tau_x = 20 ms; tau_y = 20 ms",
    "minimal triplet": "on_pre: -c*y; on_post: x*y2; c = 1; tau_x = 20 ms; tau_y = 20 ms; tau_y2 = 80 ms",
    "presynaptic triplet": "on_pre: -c*y*x2; on_post: x; c = 1; tau_x = 20 ms; tau_y = 20 ms; tau_x2 = 80 ms",
    "postsynaptic alone": "on_pre: -c*y; on_post: x - d*y2; c = 1; d = 0.2; tau_x = 20 ms; tau_y = 20 ms; "
    "tau_y2 = 50 ms",
}
_PAIRS, _SEM, _LARGEST = 60, 0.06, 0.6
_DELAYS_MS = (-50, -25, -10, -5, 5, 10, 25, 50)
_DRAWS = 2000
POLICIES = ("decide", "random")
FIELDS = ("lab", "true", *(f"{what} {policy}" for policy in POLICIES for what in ("measurements", "right")))


def truth(text: str, rng: np.random.Generator, protocols: Sequence[Measured]) -> Array:
    """Return the changes under protocols of a form with numbers drawn at random, the largest at 1 Hz is 0.6."""
    form = ProtocolForm(parse_rules(text).only(), protocols)
    numbers = np.array(
        [
            each.start * math.exp(rng.normal(0.0, 0.3)) if each.is_time or each.name != "eta" else 1e-9
            for each in form.each
        ]
    )
    small = form.predictions(numbers)
    slow = [place for place, row in enumerate(protocols) if row.label.endswith(" 1 Hz") and "pairs" in row.label]
    numbers[[each.name for each in form.each].index("eta")] *= _LARGEST / np.max(np.abs(small[slow]))
    return np.maximum(form.predictions(numbers), -1.0)


def lab(number: int, seed: int, most: int) -> dict[str, object]:
    """Return how many measurements each policy takes, and whether it comes to the true form."""
    rng = generator(seed, number)
    protocols = usual_protocols(_PAIRS)
    names = list(FORMS)
    true = number % len(names)
    changes = truth(FORMS[names[true]], rng, protocols)
    known = [
        place for place, row in enumerate(protocols) if row.label in {f"pairs, {dt:+d} ms, 1 Hz" for dt in _DELAYS_MS}
    ]
    table = [replace(protocols[place], change=float(changes[place] + _SEM * rng.normal()), sem=_SEM) for place in known]
    parts = []
    for text in FORMS.values():
        form = ProtocolForm(parse_rules(text).only(), table)
        found = fit(form, protocol_data(table, True), rng)
        draws = sample(found, rng, _DRAWS).flat
        parts.append(np.maximum(form.elsewhere(protocols, draws), -1.0))
    # The same measurements whichever policy asks for them.
    measured = changes + _SEM * rng.normal(size=len(protocols))
    result: dict[str, object] = {"lab": number, "true": names[true]}
    for policy in POLICIES:
        count, chosen = decided(policy, parts, measured, known, generator(seed, number, 1), most)
        result[f"measurements {policy}"], result[f"right {policy}"] = count, int(chosen == true)
    return result


def decided(
    policy: str, parts: Sequence[Array], measured: Array, known: Sequence[int], rng: np.random.Generator, most: int
) -> tuple[int, int | None]:
    """Return how many measurements were made until a form was probable enough, and which; None where none was."""
    logs = [np.zeros(len(part)) for part in parts]
    left = [place for place in range(len(measured)) if place not in known]
    for count in range(most + 1):
        evidence = np.array([logsumexp(log) - math.log(len(log)) for log in logs])
        chances = np.exp(evidence - logsumexp(evidence))
        if chances.max() >= SURE:
            return count, int(np.argmax(chances))
        if count == most or not left:
            break
        if policy == "random":
            place = left[int(rng.integers(len(left)))]
        else:
            drawn = [
                part[rng.choice(len(part), size=1000, p=np.exp(log - logsumexp(log)))]
                for part, log in zip(parts, logs, strict=True)
            ]
            bits = [told([part[:, each] for part in drawn], chances, _SEM)[0] for each in left]
            place = left[int(np.argmax(bits))]
        left.remove(place)
        logs = [
            log - 0.5 * ((measured[place] - part[:, place]) / _SEM) ** 2 for part, log in zip(parts, logs, strict=True)
        ]
    return most, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labs", type=int, default=50)
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--seed", type=int, default=9911)
    parser.add_argument("--out", type=Path, default=Path("results/labs"))
    given = parser.parse_args()
    rows = []
    for number in range(given.labs):
        rows.append(lab(number, given.seed, given.most))
        print(rows[-1], flush=True)
    page = [
        "# How many measurements it takes to know the rule",
        "",
        f"`python experiments/benchmarks/labs.py --labs {given.labs} --most {given.most} --seed {given.seed}`",
        "",
        "| protocols chosen by | labs that came to the true form | mean of measurements | median |",
        "|---|---|---|---|",
    ]
    counts = {policy: np.array([float(str(row[f"measurements {policy}"])) for row in rows]) for policy in POLICIES}
    for policy, own in counts.items():
        right = sum(int(str(row[f"right {policy}"])) for row in rows)
        page.append(f"| {policy} | {right} of {len(rows)} | {own.mean():.2f} | {np.median(own):g} |")
    p_value = float(wilcoxon(counts["decide"], counts["random"]).pvalue)
    page += ["", f"Ratio of means {counts['decide'].mean() / counts['random'].mean():.2f}; Wilcoxon p = {p_value:.2g}."]
    write_results(given.out, "labs.csv", rows, FIELDS, page)


if __name__ == "__main__":
    main()
