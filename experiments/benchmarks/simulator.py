"""How fast is the spiking simulator? The network of Vogels et al. 2011 beside Brian2, NEST and C++ by hand.

    python experiments/benchmarks/simulator.py --environments peers
    python experiments/benchmarks/simulator.py --environments peers --json

8,000 excitatory and 2,000 inhibitory neurons, connection probability 0.02, plastic inhibition, 5 s of biological time
in steps of 0.1 ms, one thread; every program draws its own connections. They take turns, and medians are compared:

- brian2_with_build, nest: everything from the description (for ours: the rule's text, with compiled kernels in the
  cache and a rule never seen before) to the result, JIT tier;
- brian2_run, cpp_jit, cpp_vm: the simulation alone. The C++ program has the same algorithm and layout as ours.

A ratio above 1 says that rulesearch is faster. `--scaling` measures instead the cost per synaptic event from 1,000 to
50,000 neurons at the same in-degree, and the memory per plastic synapse; `--small` the simulated seconds per second of
the net that a search simulates most, that of task inhibitory-rate. Environments of the peers are made where they are
missing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "peers"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def environment(folder: Path, *requirements: str) -> Path:
    """Return the Python of a virtual environment with the requirements, made where it is missing."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {' '.join(requirements)} in {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True, stdout=sys.stderr)
        (folder / "complete").touch()
    return python


def compiled(folder: Path, name: str = "vogels") -> Path:
    """Return a C++ program, compiled for this machine."""
    program = folder / name
    words = ["c++", "-O3", "-march=native", "-std=c++17", "-o", str(program), str(HERE / f"{name}.cpp")]
    subprocess.run(words, check=True)
    return program


def measure(words: list[str]) -> dict[str, float]:
    """Run a program in a folder of its own and return what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=folder, env={**os.environ, **ONE_THREAD}, check=False
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("RESULT ", "{"))]
    if done.returncode or not lines:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1].removeprefix("RESULT "))
    found.setdefault("total", found.get("build", 0.0) + found["run"])
    return found


def contest(options: argparse.Namespace) -> dict[str, Any]:
    """Let all programs take turns; return ratios of medians and all figures."""
    folder = Path(options.environments or tempfile.mkdtemp(prefix="peers-"))
    folder.mkdir(parents=True, exist_ok=True)
    run = [str(options.seconds)]
    programs: dict[str, list[str]] = {
        "jit": [sys.executable, str(HERE / "vogels_rulesearch.py"), *run],
        "vm": [sys.executable, str(HERE / "vogels_rulesearch.py"), *run],
        "cpp": [str(compiled(folder)), *run],
    }
    if "brian2" not in options.without:
        python = environment(folder / "brian2", "brian2==2.9.0", "numpy<2", "setuptools")
        programs["brian2"] = [str(python), str(HERE / "vogels_brian2.py"), *run]
    if "nest" not in options.without:
        python = environment(folder / "nest", "nest-simulator==3.10.0", "numpy")
        programs["nest"] = [str(python), str(HERE / "vogels_nest.py"), *run]
    measure([*programs["jit"], "0", "jit"])
    measure([*programs["vm"], "0", "vm"])
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for repeat in range(options.repeats):
        for name, words in programs.items():
            extra = [name] if name in ("jit", "vm") else []
            figures[name].append(measure([*words, str(repeat + 1), *extra]))
            print(f"repeat {repeat + 1}, {name}: {json.dumps(figures[name][-1])}", file=sys.stderr, flush=True)

    def median(name: str, what: str) -> float:
        return statistics.median(found[what] for found in figures[name])

    ratios = {}
    if "brian2" in figures:
        ratios["brian2_with_build"] = median("brian2", "total") / median("jit", "total")
        ratios["brian2_run"] = median("brian2", "run") / median("jit", "run")
        ratios["cpp_over_brian2_run"] = median("brian2", "run") / median("cpp", "run")
    if "nest" in figures:
        ratios["nest"] = median("nest", "total") / median("jit", "total")
    ratios["cpp_jit"] = median("cpp", "run") / median("jit", "run")
    ratios["cpp_vm"] = median("cpp", "run") / median("vm", "run")
    medians = {name: {what: median(name, what) for what in found[0]} for name, found in figures.items()}
    return {"ratios": ratios, "figures": {"medians": medians, "repeats": figures}}


def scaling(options: argparse.Namespace) -> dict[str, Any]:
    """Return the cost per synaptic event and the memory per plastic synapse at growing size, in-degrees the same.

    Beside it stands what bare loops over such networks cost, so that the share of the machine's memory is seen.
    """
    sys.path.insert(0, str(HERE))
    from vogels_rulesearch import OTHER, RULE, network, timed

    from rulesearch.simulate.network.simulation import Simulation

    timed(0.1, 0, "jit", OTHER, excitatory=80, inhibitory=20)
    sizes = [1000, 5000, 10_000, 50_000]
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    for repeat in range(options.repeats):
        for size in sizes:
            costs[size].append(event_cost(size, repeat))
            print(
                f"repeat {repeat + 1}, {size} neurons: {costs[size][-1]:.3f} ns per event", file=sys.stderr, flush=True
            )
    memory = Simulation(network(RULE)).bytes_per_synapse("IE")
    with tempfile.TemporaryDirectory() as folder:
        words = [str(compiled(Path(folder), "memory")), *map(str, sizes)]
        bare = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    medians = {str(size): statistics.median(found) for size, found in costs.items()}
    return {
        "ratios": {"largest_over_smallest_cost": max(medians.values()) / min(medians.values())},
        "figures": {
            "nanoseconds_per_event": medians,
            "nanoseconds_per_event_of_bare_loops": bare,
            "bytes_per_plastic_synapse": memory,
        },
    }


def small(options: argparse.Namespace) -> dict[str, Any]:
    """Return simulated seconds per second of the inhibitory-rate net: with its input drawn before, and with drawing."""
    import time

    from rulesearch.tasks import load_task
    from rulesearch.tasks.tuned_input import draw_input

    task = load_task("inhibitory-rate")
    settings = task.resolve()
    rules = task.bind(task.baseline(settings), settings)
    simulated = settings["learning"] + settings["scoring"]
    speeds: dict[str, list[float]] = {"vm": [], "jit": [], "drawing": []}
    for backend in ("vm", "jit"):
        task.trial(rules, 0, settings, "full", backend)
    for repeat in range(options.repeats):
        begin = time.perf_counter()
        draw_input(repeat, settings["ou_sd"], settings["background"], simulated, settings["dt"] * 1e-3)
        speeds["drawing"].append(simulated / (time.perf_counter() - begin))
        for backend in ("vm", "jit"):
            begin = time.perf_counter()
            task.trial(rules, 0, settings, "full", backend)
            speeds[backend].append(simulated / (time.perf_counter() - begin))
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    return {
        "ratios": {"jit_over_vm": medians["jit"] / medians["vm"]},
        "figures": {"simulated_seconds_per_second": medians},
    }


def event_cost(size: int, seed: int) -> float:
    """Return nanoseconds per synaptic event (arrival or evaluation of the rule), without the cost of the membranes.

    Every neuron is a source of spikes at 10 Hz, so that networks of every size do the same; the same network without
    spikes is subtracted.
    """
    import time

    import numpy as np

    from rulesearch.rules import parse_rules
    from rulesearch.simulate.network.network import Network, Projection
    from rulesearch.simulate.network.neurons import Neuron, Population, Receptor
    from rulesearch.simulate.network.simulation import Simulation
    from rulesearch.simulate.network.sources import Poisson
    from rulesearch.simulate.network.wiring import FixedInDegree

    rule = parse_rules("on_pre: y - c; on_post: x; c = 0.1; eta = 1e-3; bounds = [0, 1]").only()
    cell = Neuron({"drive": Receptor(0.0), "g": Receptor(0.005, share=0.0)}, refractory=0.0)

    def spent(rate: float) -> tuple[float, int]:
        simulation = Simulation(
            Network(
                [Population("n", size, cell)],
                [
                    # Each neuron fires when its own source does.
                    Projection("force", "clock", "n", "drive", pairs(size), 1000.0),
                    Projection("w", "n", "n", "g", FixedInDegree(100), (0.2, 0.8), 1e-3, rule),
                ],
                [Poisson("clock", size, rate)],
                1e-3,
            ),
            seed,
            "jit",
        )
        simulation.run(0.2)
        begin = time.perf_counter()
        recording = simulation.run(max(1.0, 20_000 / size))
        return time.perf_counter() - begin, recording.events + recording.updates

    def pairs(number: int) -> Any:
        from rulesearch.simulate.network.wiring import Pairs

        return Pairs(np.arange(number), np.arange(number))

    busy, events = spent(10.0)
    idle, _ = spent(0.0)
    return 1e9 * (busy - idle) / events


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", default="", metavar="DIR", help="where the peers are installed")
    parser.add_argument("--seconds", type=float, default=5.0, help="of biological time")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without", nargs="*", default=[], choices=["brian2", "nest"])
    parser.add_argument("--scaling", action="store_true", help="cost per event and memory at growing size")
    parser.add_argument("--small", action="store_true", help="simulated seconds per second of the inhibitory-rate net")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = scaling(options) if options.scaling else small(options) if options.small else contest(options)
    if options.json:
        print(json.dumps(result))
        return
    for name, ratio in result["ratios"].items():
        print(f"{name:<28} {ratio:.3g}")
    medians = result["figures"].get("medians", {"": result["figures"]})
    for name, found in medians.items():
        print(f"{name:<8} " + ", ".join(f"{what} {value}" for what, value in found.items()))


if __name__ == "__main__":
    main()
