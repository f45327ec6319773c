"""The condition of a running network: kept, brought back, written to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.simulate.network.streams import Stream

_CHANGING = {
    "_cells": ("membrane", "gates", "free_at", "lift", "state"),
    "_wires": ("weights",),
    "_plastics": ("change", "begun", "levels", "values", "signals", "touched", "clock"),
    "_ring": ("units", "starts"),
}
"""What a run changes, by table."""

Condition = dict[str, npt.NDArray[Any]]
"""Everything that a run changes, as arrays."""


@dataclass(frozen=True, slots=True)
class Changing:
    """The parts of a simulation that a run changes.

    **Fields:** `step` it stands at and counted `work`; `tables` by the names in `_CHANGING`; `streams` of the sources;
    `generators` of the network, then of each source; `silent`: how long each population has been [s].
    """

    step: int
    work: int
    tables: Mapping[str, Any]
    streams: Sequence[Stream]
    generators: Sequence[np.random.Generator]
    silent: npt.NDArray[np.float64]

    def condition(self) -> Condition:
        """Return copies of all that changes; random streams included."""
        kept: Condition = {"step": np.array([self.step, self.work])}
        for part, names in _CHANGING.items():
            kept |= {f"{part}.{name}": getattr(self.tables[part], name).copy() for name in names}
        kept |= {f"stream{index}": np.array(stream.memory) for index, stream in enumerate(self.streams)}
        kept |= {f"generator{index}": _words(generator) for index, generator in enumerate(self.generators)}
        kept["silent"] = self.silent.copy()
        return kept

    def restore(self, condition: Mapping[str, npt.NDArray[Any]]) -> tuple[int, int]:
        """Bring back a condition of the same network and seed, and return the step and the counted work it stood at.

        **Raises:** `RulesearchError` where it belongs to another network; nothing is changed then.
        """
        mine = self.condition()
        if {name: value.shape for name, value in mine.items()} != {name: np.shape(v) for name, v in condition.items()}:
            raise RulesearchError("the saved state belongs to another network: its arrays have other names or shapes")
        for part, names in _CHANGING.items():
            for name in names:
                getattr(self.tables[part], name)[...] = condition[f"{part}.{name}"]
        for index, stream in enumerate(self.streams):
            stream.memory = np.array(condition[f"stream{index}"])
        for index, generator in enumerate(self.generators):
            _set_words(generator, condition[f"generator{index}"])
        self.silent[...] = condition["silent"]
        step, work = (int(value) for value in condition["step"])
        return step, work


def write_condition(condition: Condition, path: str | Path) -> None:
    """Write a condition to a file in NumPy's .npz format."""
    path = Path(path)
    arrays: dict[str, Any] = {**condition}
    # A file that is there stays whole until the new one is.
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as stream:
        np.savez(stream, **arrays)
    partial.replace(path)


def read_condition(path: str | Path) -> Condition:
    """Return the condition that `write_condition` wrote.

    **Raises:** `RulesearchError` where the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
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
