"""Do familiarity layers know stimuli again after intervals beyond the one that they are made for?

    python experiments/benchmarks/familiarity_generalisation.py --out results/familiarity-generalisation
    python experiments/benchmarks/familiarity_generalisation.py --idealised 50x32x6 --trained "" --seeds 1

Each panel is a network, as components x units x interval. Its readout is fitted, or all its numbers are trained, at
that interval alone; then it answers to fresh stimuli that are repeated after others. Constants of the anti-Hebbian and
the Hebbian form are chosen alike: with idealised weights as in `familiarity_capacity.py`, on a seed of their own; in
training with all other numbers (what is printed is what it begins with). The rule of `--found` stands, with its own
constants, where the network is the one that it was found on. Prints the mean shares of right answers over the seeds,
beside that of always answering "novel"; with `--out` they are written to `intervals.csv`, and drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from familiarity_capacity import FORMS, SEED, with_constants

from rulesearch.report.style import COLOURS, GREY, new_figure, panel
from rulesearch.tasks import load_task
from rulesearch.tasks.declaration import Settings
from rulesearch.workflow.run import Run

NOVEL = 2.0 / 3.0
"""Share of right answers of who calls every stimulus novel."""
NAMES = {"hebbff": "anti-Hebbian", "hebbian": "Hebbian"}


@dataclass(frozen=True, slots=True)
class Curve:
    """Shares of right answers `(intervals,)` of one rule on one network."""

    network: str
    training: int
    label: str
    rule: str
    intervals: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]


def curves(network: str, training: int, found: Run | None, seeds: int) -> list[Curve]:
    """Return the curves of one network, with `training` steps of gradient descent, idealised where that is 0."""
    task = load_task("familiarity")
    components, units, interval = (int(part) for part in network.split("x"))
    sizes = {"components": components, "units": units, "interval": interval}
    values = task.resolve({**sizes, "training": training})
    forms = {NAMES[form]: with_constants(FORMS[form], task, values, SEED - 1) for form in NAMES}
    if found is not None and not training and is_of(found, values):
        forms["found"] = task.bind(found.members[0].rules, values)
    made = []
    for label, rules in forms.items():
        tried = [task.courses(rules, SEED + k, values)[0] for k in range(seeds)]
        shares = np.mean([each.values for each in tried], axis=0)
        text = str(rules.only().unbound(bounds=None))
        made.append(Curve(network, training, label, text, tried[0].times, shares))
    return made


def is_of(found: Run, values: Settings) -> bool:
    """Return whether a run searched on the network of these settings, at whatever interval."""
    own = load_task("familiarity").resolve(found.experiment.settings)
    return all(own[name] == values[name] for name in ("components", "units"))


def figure(made: Sequence[Curve], path: Path) -> None:
    """Draw a panel for each network."""
    panels = list(dict.fromkeys((each.network, each.training) for each in made))
    drawing = new_figure(3.4 * len(panels), 3.2)
    labels = list(dict.fromkeys(each.label for each in made))
    for axes, place in zip(drawing.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        components, units, interval = place[0].split("x")
        how = f"trained at {interval}" if place[1] else f"idealised, readout for {interval}"
        panel(axes, "interval [stimuli]", "", f"d = {components}, N = {units}, {how}")
        axes.axvline(float(interval), color=GREY, linewidth=0.8, linestyle=":")
        axes.axhline(NOVEL, color=GREY, linewidth=1.0, linestyle="--", label='always "novel"')
        for each in made:
            if (each.network, each.training) == place:
                style = {"color": COLOURS[labels.index(each.label)], "markersize": 3, "linewidth": 1.4}
                axes.plot(each.intervals, each.shares, "o-", label=each.label, **style)
        axes.set_xscale("log")
        ticks = [tick for tick in (1, 2, 3, 5, 10, 20, 50, 100) if tick <= float(interval) * 8]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    drawing.axes[0].set_ylabel("right answers", fontsize=9)
    handles = {
        name: line for axes in drawing.axes for line, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    drawing.legend(
        handles.values(), handles.keys(), frameon=False, fontsize=8, loc="outside lower center", ncols=len(handles)
    )
    drawing.savefig(path)


def write(made: Sequence[Curve], folder: Path) -> None:
    """Write all numbers and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["network,training,rule,label,interval,right"]
    for each in made:
        for interval, share in zip(each.intervals, each.shares, strict=True):
            lines.append(f'{each.network},{each.training},"{each.rule}",{each.label},{interval:g},{share:.4f}')
    (folder / "intervals.csv").write_text("\n".join(lines) + "\n", "utf-8")
    figure(made, folder / "intervals.png")


def main() -> None:
    """Print the curves, and write them where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idealised", default="25x8x3,50x32x6", help="components x units x interval of the readout")
    parser.add_argument("--trained", default="50x8x3", help="the same, all numbers trained at the interval")
    parser.add_argument("--training", type=int, default=1500, help="steps of gradient descent")
    parser.add_argument("--found", default="results/familiarity", help="folder of a run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder of the numbers and the figure")
    asked = parser.parse_args()
    found = Run.open(asked.found) if asked.found else None
    wanted = [(network, 0) for network in asked.idealised.split(",") if network]
    wanted += [(network, asked.training) for network in asked.trained.split(",") if network]
    made = []
    for network, training in wanted:
        print(f"{network}, {f'{training} steps of training' if training else 'idealised'}; always novel: {NOVEL:.3f}")
        for each in curves(network, training, found, asked.seeds):
            made.append(each)
            told = " ".join(f"{at:g}: {share:.3f}" for at, share in zip(each.intervals, each.shares, strict=True))
            print(f"  {each.label:12s} {each.rule}\n    {told}", flush=True)
    if asked.out:
        write(made, asked.out)


if __name__ == "__main__":
    main()
