"""Tables in every dialect that people have them in."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.measurements.sheet import Heading, as_number, csv_text, plain_column, read_sheet, sheet_of

ROWS = [(-1.5, 2.0, 0.25), (3.0, -0.125, 4.0), (5.5, 6.0, -7.0)]
NAMES = ("x", "y", "dw")


def _sheet(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> dict[str, list[float]]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    sheet = read_sheet(path)
    return {each: sheet.values(each).tolist() for each in sheet.names}


def _lines(separator: str, decimal: str = ".", minus: str = "-", head: str | None = None) -> str:
    body = [separator.join(f"{value:g}".replace(".", decimal).replace("-", minus) for value in row) for row in ROWS]
    return "\n".join([head or separator.join(NAMES), *body]) + "\n"


WANTED = {name: [row[place] for row in ROWS] for place, name in enumerate(NAMES)}


@pytest.mark.parametrize(
    "text",
    [
        _lines(","),
        _lines(";"),
        _lines("\t"),
        _lines("|"),
        _lines("  "),
        _lines(", "),
        _lines(";", ","),
        _lines("\t", ","),
        _lines(",", minus="\u2212"),
        _lines(";", ",", "\u2212"),
        _lines(",", head="x (ms),y [mV],dw (%)"),
        "# measured on Monday\n\n" + _lines(",") + "\n# end\n",
        _lines(",").replace("\n", "\r\n"),
        _lines(",").replace("\n", "\n\n"),
        "\ufeff" + _lines(","),
        _lines(",").replace("x,y,dw", "# x,y,dw"),
        _lines(" ").replace("x y dw", "# x y dw"),
        _lines(",")
        .replace("dw\n", "dw,\n")
        .replace("0.25\n", "0.25,\n")
        .replace("4\n", "4,\n")
        .replace("-7\n", "-7,\n"),
        _lines(",", head='"x","y","dw"'),
        _lines(",", head="x,y,\u0394w"),
        "sep=;\n" + _lines(";", ","),
        _lines(",") + ",,\n,,\n",
        _lines(",").encode("utf-16"),
        _lines(",", head="x,y (\u00b5m),dw").encode("latin-1"),
    ],
)
def test_the_same_table_in_any_dialect(tmp_path: Path, text: str | bytes) -> None:
    assert _sheet(tmp_path, text) == WANTED


@pytest.mark.parametrize(
    ("head", "first"), [("", 0), ("", 1), ("Unnamed: 0", 0), ("index", 1), ("#", 1)], ids=lambda each: f"{each!r}"
)
def test_a_column_that_only_counts_rows_is_left_out(tmp_path: Path, head: str, first: int) -> None:
    head_line, *rows = _lines(",").splitlines()
    counted = [f"{number},{row}" for number, row in enumerate(rows, first)]
    text = "\n".join([f'"{head}",{head_line}', *counted])
    assert _sheet(tmp_path, text) == WANTED


def test_a_first_column_that_counts_otherwise_stays(tmp_path: Path) -> None:
    assert _sheet(tmp_path, "index,dw\n2,1\n4,2\n") == {"index": [2.0, 4.0], "dw": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("written", "heading"),
    [
        ("dt (ms)", Heading("dt", "dt (ms)", "ms")),
        ("pre rate [Hz]", Heading("pre_rate", "pre rate [Hz]", "Hz")),
        ("\u0394w", Heading("dw", "\u0394w")),
        ("\u03c4_x", Heading("tau_x", "\u03c4_x")),
        ("w-mean", Heading("w_mean", "w-mean")),
        ("f(x)", Heading("f", "f(x)", "x")),
    ],
)
def test_names_are_plain(written: str, heading: Heading) -> None:
    assert plain_column(written) == heading


@pytest.mark.parametrize(
    ("text", "found"),
    [("1e-3", 1e-3), ("+.5", 0.5), ("\u22122", -2.0), ("1_000", None), ("inf", None), ("nan", None), ("0x10", None)],
)
def test_a_number_is_what_people_write_for_one(text: str, found: float | None) -> None:
    assert as_number(text) == found


@pytest.mark.parametrize("gap", ["", "NA", "n/a", "NaN", "-", ".", "#N/A", "#DIV/0!", "missing"])
def test_gaps_are_refused_with_their_place_or_skipped(tmp_path: Path, gap: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"x,dw\n1,2\n{gap},3\n4,5\n", "utf-8")
    sheet = read_sheet(path)
    with pytest.raises(RulesearchError, match=r"row 2, column x: expected a number, found .*; leave out .*--gaps skip"):
        sheet.values("x")
    kept = sheet.without_gaps(["x"])
    assert kept.values("dw").tolist() == [2.0, 5.0]
    # Rows are still called what they are in the file.
    assert kept.at(1, 0).endswith("t.csv, row 3, column x")


def test_a_column_can_be_asked_for_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("dt (ms);\u0394w\n1;2,5\n", "utf-8")
    sheet = read_sheet(path)
    assert sheet.values("dt (ms)").tolist() == sheet.values("dt").tolist() == [1.0]
    assert sheet.values("\u0394w").tolist() == [2.5]
    with pytest.raises(RulesearchError, match="has no column 'dv'; there is: dt, dw"):
        sheet.values("dv")


class Frame:
    """What a data frame looks like from outside."""

    def __init__(self, columns: dict[str, list[object]]) -> None:
        self._columns, self.columns = columns, list(columns)

    def __getitem__(self, name: str) -> list[object]:
        return self._columns[name]


@pytest.mark.parametrize("make", [dict, Frame])
def test_a_frame_is_a_table(make: type) -> None:
    sheet = sheet_of(make({"x": [1, 2.5], "cell": ["a", None], "dw": np.array([0.1, np.nan])}))
    assert sheet.values("x").tolist() == [1.0, 2.5]
    assert sheet.text("cell") == ["a", ""] and sheet.text("dw") == ["0.1", ""]
    assert csv_text(sheet).splitlines() == ["x,cell,dw", "1,a,0.1", "2.5,,"]


def test_points_and_commas_in_one_table_are_refused_with_their_places(tmp_path: Path) -> None:
    with pytest.raises(
        RulesearchError, match=r"decimal commas .0,51 in row 1. and points .1\.000 in row 1.; write all"
    ):
        _sheet(tmp_path, "x;dw\n1.000;0,51\n2.000;1,02\n")


def test_what_is_masked_or_a_list_in_a_frame(tmp_path: Path) -> None:
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
    sheet = sheet_of({"x": masked, "pre_ms": [[0, 10.5], [], (3,)]})
    assert sheet.text("x") == ["1.0", "", "3.0"]
    assert sheet.text("pre_ms") == ["0 10.5", "", "3"]


@pytest.mark.parametrize("given", [3, {}, {"x": [1], "y": [1, 2]}, [[1, 2]], {"x": 1}])
def test_what_is_no_table_is_refused(given: object) -> None:
    with pytest.raises(RulesearchError, match=r"a table is a file, a data frame|expected columns of one length"):
        sheet_of(given)


@given(
    st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False, width=64)] * 2), min_size=2, max_size=20),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
def test_numbers_come_back_from_any_dialect(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]], separator: str, comma: bool
) -> None:
    decimal = comma and separator != ","
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["x", "dw"])
    writer.writerows([repr(value).replace(".", ",") if decimal else repr(value) for value in row] for row in rows)
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text(text.getvalue(), "utf-8")
    sheet = read_sheet(path)
    assert np.array_equal(np.column_stack([sheet.values("x"), sheet.values("dw")]), np.array(rows))
