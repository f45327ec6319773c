"""Arrays of the user's as numbers of the kernel, and back: a row holds one value per data set, in whole vectors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.given import named, real_array
from rulesearch.simulate.rate.network import Array


def checked(
    what: str, given: Mapping[str, Array], sizes: Mapping[str, int], needed: Mapping[str, int]
) -> dict[tuple[str, str], Array]:
    """Return arrays `(steps, data sets, values)` in the order of `sizes`."""
    for name in named(given, f"{what}s", "{'input': values}"):
        if name not in sizes:
            raise RulesearchError(f"the network has no {what} {name!r}{did_you_mean(name, sizes)}")
    found = {}
    for name, size in sizes.items():
        if name not in given:
            if name in needed:
                raise RulesearchError(f"{what} {name} is missing")
            continue
        values = real_array(given[name], f"{what} {name}")
        if values.ndim == 2 and size == 1:
            values = values[:, :, None]
        if values.ndim != 3 or values.shape[2] != size:
            raise RulesearchError(f"{what} {name} is (steps, data sets, {size}), found {np.shape(given[name])}")
        if not values.size:
            raise RulesearchError(
                f"{what} {name} needs at least one presentation and one data set, found {values.shape[:2]}"
            )
        found[what, name] = values
    return found


def to_lanes(values: Array, lanes: int, data_sets: int) -> Array:
    """Return `(steps, data sets, values)` as `(steps, values * lanes)`; what is missing is the first data set again."""
    order = np.arange(lanes)
    order[data_sets:] = 0
    if values.shape[1] == 1:
        order[:] = 0
    return np.ascontiguousarray(values[:, order].transpose(0, 2, 1)).reshape(len(values), -1)


def from_lanes(rows: Array, lanes: int, data_sets: int) -> Array:
    """Return rows `(records, values * lanes)` as `(records, data sets, values)`."""
    return rows.reshape(len(rows), rows.shape[1] // lanes, lanes).transpose(0, 2, 1)[:, :data_sets]
