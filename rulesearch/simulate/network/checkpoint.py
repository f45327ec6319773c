"""The condition of a running network: kept, brought back, written to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError

if TYPE_CHECKING:
    from rulesearch.simulate.network.simulation import Simulation

_CHANGING = {
    "_cells": ("membrane", "gates", "free_at", "adaptation", "threshold", "after"),
    "_wires": ("weights",),
    "_plastics": ("change", "begun", "levels", "values", "signals", "touched", "clock"),
    "_ring": ("units", "starts"),
}
"""What a run changes."""


def state_of(simulation: Simulation) -> dict[str, npt.NDArray[Any]]:
    """Return everything that a run changes, as arrays; random streams included."""
    kept: dict[str, npt.NDArray[Any]] = {"step": np.array([simulation.step, simulation._work])}
    for part, names in _CHANGING.items():
        holder = getattr(simulation, part)
        kept |= {f"{part}.{name}": getattr(holder, name).copy() for name in names}
    for index, stream in enumerate(simulation._streams):
        kept[f"stream{index}"] = np.array(stream.memory)
    for index, generator in enumerate((simulation._generator, *simulation._source_generators)):
        kept[f"generator{index}"] = _words(generator)
    kept["silent"] = simulation._silent.copy()
    return kept


def restore_state(simulation: Simulation, state: Mapping[str, npt.NDArray[Any]]) -> None:
    """Bring back a condition that `state` returned for the same network and seed.

    **Raises:** `RulesearchError` where it belongs to another network; nothing is changed then.
    """
    mine = state_of(simulation)
    if {name: value.shape for name, value in mine.items()} != {name: np.shape(v) for name, v in state.items()}:
        raise RulesearchError("the saved state belongs to another network: its arrays have other names or shapes")
    for part, names in _CHANGING.items():
        for name in names:
            getattr(getattr(simulation, part), name)[...] = state[f"{part}.{name}"]
    for index, stream in enumerate(simulation._streams):
        stream.memory = np.array(state[f"stream{index}"])
    for index, generator in enumerate((simulation._generator, *simulation._source_generators)):
        _set_words(generator, state[f"generator{index}"])
    simulation._silent = np.array(state["silent"])
    simulation.step, simulation._work = (int(value) for value in state["step"])


def save_state(simulation: Simulation, path: str | Path) -> None:
    """Write `state` to a file in NumPy's .npz format."""
    path = Path(path)
    arrays: dict[str, Any] = {**state_of(simulation)}
    # A file that is there stays whole until the new one is.
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as stream:
        np.savez(stream, **arrays)
    partial.replace(path)


def load_state(simulation: Simulation, path: str | Path) -> None:
    """Bring back a condition from a file that `save` wrote.

    **Raises:** `RulesearchError` where the file cannot be read or belongs to another network.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            restore_state(simulation, {name: found[name] for name in found.files})
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise RulesearchError(f"{path} is no saved state: {error}") from None


def _words(generator: np.random.Generator) -> npt.NDArray[np.uint64]:
    """Return the condition of a PCG64 generator as whole numbers of 64 bits."""
    state: Any = generator.bit_generator.state
    mask = (1 << 64) - 1
    parts = [state["state"]["state"], state["state"]["inc"]]
    words = [part >> shift & mask for part in parts for shift in (64, 0)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def _set_words(generator: np.random.Generator, words: npt.NDArray[np.uint64]) -> None:
    high, low, inc_high, inc_low, has, last = (int(word) for word in words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has,
        "uinteger": last,
    }
