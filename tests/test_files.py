"""Files that the user names: no text is too long or too odd to be told that it is no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.files import name_from, parse_toml, plain_name, read_text


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("Δ = 1\r\n".encode())
    assert read_text(path) == "Δ = 1\n"
    assert read_text(path, 8) == "Δ = 1\n"
    with pytest.raises(RulesearchError, match="larger than 7 bytes"):
        read_text(path, 7)


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "/dev/zero", "no/such/file", "."])
def test_what_is_no_file_is_refused_in_one_short_line(path: str) -> None:
    with pytest.raises(RulesearchError, match=r"cannot be read|larger than") as caught:
        read_text(path)
    assert len(str(caught.value)) < 250 and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = {" + "b={" * 3000, "= 1"])
def test_what_is_not_toml_is_refused(text: str) -> None:
    with pytest.raises(RulesearchError, match=r"^here: not TOML"):
        parse_toml(text, "here")


@pytest.mark.parametrize("name", ["a/../../../x", "../x", "..", ".", ".x", "", "a\0", "a\nb", "a\\b", "-x", "é" * 101])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(RulesearchError, match="a name has letters"):
        plain_name(name, "here")


@pytest.mark.parametrize("name", ["oja", "stdp-frequency", "My search 2", "Δw", "a.b+c_d"])
def test_plain_names_stand(name: str) -> None:
    assert plain_name(name, "here") == name


@given(st.text())
def test_every_text_has_a_plain_name_near_it(text: str) -> None:
    name = name_from(text)
    assert plain_name(name, "here") == name and "/" not in name
