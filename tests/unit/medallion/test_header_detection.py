"""Whether the first record is a header: by what stands below it."""

import pytest

from flowforge.medallion.dialect import Dialect
from flowforge.medallion.header_detection import first_records, guess_header


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order_id,name\n1,Ann\n2,Bob\n", True),
        ("1,Ann\n2,Bob\n3,Eve\n", False),
        ("day,open\n2026-01-01,true\n2026-01-02,false\n", True),
        ("2026-01-01,true\n2026-01-02,false\n", False),
        ("first name,city\nAnn,Berlin\nBob,Paris\n", True),
        ("Ann,Berlin\nBob,Paris\nAnn,Berlin\n", False),
        (",\n1,2\n", False),
        ("a,a\nx,y\n", False),
    ],
)
def test_the_first_record_is_held_against_those_below(text: str, expected: bool) -> None:
    found = guess_header(first_records(text, Dialect()))
    assert found is not None
    assert (found.has_header, found.reason != "") == (expected, True)


def test_values_of_a_type_are_surer_than_names() -> None:
    typed = guess_header([["id"], ["1"], ["2"]])
    named = guess_header([["city"], ["Berlin"], ["Paris"]])
    assert typed is not None
    assert named is not None
    assert typed.confidence > 80 > named.confidence


def test_one_record_tells_nothing() -> None:
    assert guess_header([["id", "name"]]) is None
    assert guess_header([]) is None


def test_records_follow_the_dialect() -> None:
    text = "# made by x\r\n\r\na;'b;c'\r\n1;'x\r\ny'\r\n"
    assert first_records(text, Dialect(delimiter=";", quote="'", comment="#")) == [["a", "b;c"], ["1", "x\r\ny"]]
    assert first_records("a||b\n", Dialect(delimiter="||")) == []
