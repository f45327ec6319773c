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
from rulesearch.measurements.numbers import as_number
from rulesearch.measurements.sheet import Heading, csv_text, plain_column, read_sheet, sheet_of

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
    "content", [b"\x00\x01x,dw\n1,2\n", b"PK\x03\x04" + bytes(range(256)), b"x,dw\n1,2\n3,\x7f4\n"]
)
def test_what_is_no_text_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RulesearchError, match=r"is no text: character \d+ is '.*'; expected a header and rows"):
        _sheet(tmp_path, content)


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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "x;dw\n1.5;0,51\n2.000;1,02\n",
            r"two ways \(0,51 in row 1, column dw; 1\.5 in row 1, column x\); write all one",
        ),
        (
            "x;dw\n1.000;2,500\n",
            r"two ways \(2,500 in row 1, column dw; 1\.000 in row 1, column x\); write all one way",
        ),
        ("x;dw\n1.000.000;0.5\n", r"two ways \(0\.5 in row 1, column dw; 1\.000\.000 in row 1, column x\)"),
        (
            "x;dw\n1.000;3\n2.500;4\n",
            r"1\.000 in row 1, column x, may be 1000 or have.*write 1000, or 1\.0000",
        ),
        ("x\tdw\n1,000\t3\n", r"1,000 in row 1, column x, may be 1000 or have.*write 1000, or 1,0000"),
        (
            'x,dw\n"1,000",3\n',
            r"column x: expected a number, found '1,000'; write 1000, or 1\.000 with a dec",
        ),
        ("x,dw\n1.234.567,3\n", r"column x: expected a number.*; write it without separators of thousands"),
        ("x,dw\n1\u202f234,3\n", r"column x: expected a number.*; write it without separators of thousands"),
        ("x,dw\n1'234,3\n", r"column x: expected a number.*; write it without separators of thousands"),
    ],
)
def test_what_may_be_a_thousand_is_not_guessed(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        _sheet(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # Where commas are decimal ones, points before three digits separate thousands.
        ("x;dw\n1.000;0,51\n2.500;-1,02\n", ([1000.0, 2500.0], [0.51, -1.02])),
        ("x;dw\n1.234,5;1.234.567\n2,125;-7.000\n", ([1234.5, 2.125], [1234567.0, -7000.0])),
        ("x\tdw\n1,234.5\t1,000\n0.125\t\u22122,000,000\n", ([1234.5, 0.125], [1000.0, -2e6])),
        ("x;dw\n1.234.567;1.000\n8;2.500\n", ([1234567.0, 8.0], [1000.0, 2500.0])),
        ("x;dw\n1,234;2,500\n", ([1.234], [2.5])),
        # One number that can have decimals only says what the points of the others are.
        ("x;dw\n60.000;1.500\n1000.000;0.250\n", ([60.0, 1000.0], [1.5, 0.25])),
        ("x,dw\n60.000,1.500\n1.234,2.250\n", ([60.0, 1.234], [1.5, 2.25])),
        ("x dw\n60.000 1.500\n", ([60.0], [1.5])),
        ("x;dw\n1.000e+00;2\n", ([1.0], [2.0])),
    ],
)
def test_decimals_and_thousands_are_told_apart(
    tmp_path: Path, text: str, wanted: tuple[list[float], list[float]]
) -> None:
    assert _sheet(tmp_path, text) == {"x": wanted[0], "dw": wanted[1]}


def test_marks_in_words_say_nothing_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("cell;dw\nslice 1.2;0,5\nCA1, left;1,5\n", "utf-8")
    assert read_sheet(path).values("dw").tolist() == [0.5, 1.5]


TITLES = ["Experiment 12", "Experiment 12;;", "Experiment 12; slice 3\nMonday", "Experiment 12, 0.5 mM\n;;\n\n"]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_titles_above_the_header_are_passed_over(tmp_path: Path, title: str, separator: str) -> None:
    above = title.replace(";", separator)
    if separator == ",":
        above = above.replace("12, 0.5", "12 0.5")
    assert _sheet(tmp_path, above + "\n" + _lines(separator)) == WANTED


@pytest.mark.parametrize("title", ["Experiment 12,slice 3", "day,1 May\nExperiment 12,slice 3", "x,y"])
def test_a_title_that_may_be_a_header_is_named(tmp_path: Path, title: str) -> None:
    with pytest.raises(
        RulesearchError, match=r"row \d: there is no number in 'dt, dw'; if these are the names of the col"
    ):
        _sheet(tmp_path, title + "\ndt,dw\n1,2\n3,4\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x,y,dw\n1,2\n3,4,5\n", "row 1: expected 3 values, found 2"),
        ("cell,word\na\nb,LTP\nc,LTD\n", "row 1: expected 2 values, found 1"),
        ("x,dw\n1,2\nmean\n", "row 2: expected 2 values, found 1"),
    ],
)
def test_a_short_row_is_no_title(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        _sheet(tmp_path, text)


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
    # Three decimals in all numbers may be thousands.
    rows = [*rows, (0.5, 0.5)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(["x", "dw"])
    writer.writerows([repr(value).replace(".", ",") if decimal else repr(value) for value in row] for row in rows)
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text(text.getvalue(), "utf-8")
    sheet = read_sheet(path)
    assert np.array_equal(np.column_stack([sheet.values("x"), sheet.values("dw")]), np.array(rows))
