"""The front as it is shown: what a rule is said to be, and the verdicts on the rules of a set."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from rulesearch.rules import parse_rules
from rulesearch.symbolic import compare
from rulesearch.workflow.front import FrontMember, front_csv, member_json

PAIR = "feedforward[y*(x - w*y)]; lateral[-0.02*x*y]"
STRANGE = "feedforward[y*(x - w*y)]; lateral[sqrt(w)]"


def _member(text: str) -> FrontMember:
    rules = parse_rules(text)
    return FrontMember(1, rules, rules.size, 0.5, 0.25, {"angle_deg": 2.0}, tuple(compare(rules)))


def test_verdicts_of_a_set_are_on_the_whole_and_then_by_name() -> None:
    member = _member(PAIR)
    found = [(each.get("name"), each["rule"], each["verdict"]) for each in member_json(member, member)["verdicts"]]
    assert found[0] == (None, "rubner-tavan", "same-terms")
    assert found[2:4] == [("feedforward", "oja", "identical"), ("feedforward", "rubner-tavan", "identical")]
    assert found[5] == ("lateral", "anti-hebb", "equal-up-to-scale")
    assert len(found) == 2 + 3 + 3


def test_verdicts_of_a_single_rule_have_no_name() -> None:
    member = _member("x*y")
    found = member_json(member, member)["verdicts"]
    assert [list(each) for each in found] == [["rule", "verdict", "scale", "coefficients"]] * 3


def test_a_set_is_said_to_be_what_it_is_and_what_its_rules_are() -> None:
    assert _member(PAIR).compared == (
        "same-terms: Rubner & Tavan 1989; feedforward identical: Oja 1982; "
        "lateral equal-up-to-scale: anti-Hebbian, Foeldiak 1990"
    )
    assert _member(PAIR).relations == {
        "": "same-terms: Rubner & Tavan 1989",
        "feedforward": "identical: Oja 1982",
        "lateral": "equal-up-to-scale: anti-Hebbian, Foeldiak 1990",
    }
    assert _member(PAIR).known_as == "Rubner & Tavan 1989 with other coefficients: lateral: x*y times 0.02"


def test_a_set_that_is_like_no_known_one_is_known_by_its_rules() -> None:
    member = _member(STRANGE.replace("feedforward", "a").replace("lateral", "b"))
    assert member.nearest is None
    assert member.compared == "a identical: Oja 1982; b different from all known rules"
    assert member.relations[""] == "different from all known sets"
    assert member.known_as == "a: identical to Oja 1982; b: different from all known rules"


def test_what_belongs_to_one_rule_of_a_set_stands_between_semicolons() -> None:
    # The feedforward rule lacks the decay of Oja's.
    said = _member("feedforward[x*y]; lateral[x**2*y - w]").compared.split("; ")
    assert [each.split()[0] for each in said] == ["different,", "feedforward", "lateral"]
    assert said[0] == "different, nearest: Rubner & Tavan 1989"


def test_a_single_rule_is_said_to_be_what_it_is() -> None:
    assert (_member("x*y").compared, _member("x*y").known_as) == ("identical: Hebb 1949", "identical to Hebb 1949")
    assert _member("sqrt(w)").compared == _member("sqrt(w)").known_as == "different from all known rules"
    assert _member("sqrt(w)").relations == {"": "different from all known rules"}
    assert replace(_member("x*y"), verdicts=()).compared == ""


def test_the_table_of_a_front_has_the_verdicts_by_rule() -> None:
    [row] = csv.DictReader(io.StringIO(front_csv((_member(PAIR),))))
    assert list(row)[-7:] == [
        *("verdict", "nearest", "feedforward_verdict", "feedforward_nearest"),
        *("lateral_verdict", "lateral_nearest", "rule"),
    ]
    assert (row["nearest"], row["feedforward_nearest"], row["lateral_nearest"]) == ("rubner-tavan", "oja", "anti-hebb")
    assert (row["lateral_verdict"], row["rule"]) == ("equal-up-to-scale", PAIR)
    [single] = csv.DictReader(io.StringIO(front_csv((_member("x*y"),))))
    assert list(single)[-4:] == ["angle_deg", "verdict", "nearest", "rule"]


def test_a_set_that_has_nothing_in_common_with_a_known_one_has_no_nearest() -> None:
    [row] = csv.DictReader(io.StringIO(front_csv((_member("feedforward[sqrt(w)]; lateral[0.1*x]"),))))
    assert (row["verdict"], row["nearest"], row["lateral_verdict"]) == ("different", "", "different")
    assert row["lateral_nearest"] != ""
