"""JSON becomes rows without a value lost, whatever the layout; Python's json module says what is in it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.json_documents import examine_json
from flowforge.medallion.json_records import Layout, records, strict_decoder
from flowforge.medallion.json_text import MAX_VALUE_CHARACTERS, JsonText
from flowforge.model.errors import DataFault, NextTier
from flowforge.model.source import FileConfig
from stored_files import bronze_rows, stored


def rows_of(
    text: str | bytes, *, name: str = "orders.json", record_path: str | None = None, chunk_bytes: int = 1 << 20
) -> pl.DataFrame:
    content = text if isinstance(text, bytes) else text.encode()
    source = examine_json(stored(content, name, chunk_bytes=chunk_bytes), FileConfig(record_path=record_path))
    return bronze_rows(source)


def notes_of(text: str, *, name: str = "orders.json") -> str:
    return " ".join(examine_json(stored(text.encode(), name), FileConfig()).notes)


def fault_of(text: str | bytes, *, name: str = "orders.json", record_path: str | None = None) -> DataFault:
    with pytest.raises(DataFault) as caught:
        rows_of(text, name=name, record_path=record_path)
    assert caught.value.file == name
    return caught.value


RECORDS = [{"id": 1, "name": "Zoë"}, {"name": "b", "id": 2, "extra": True}]
LAYOUTS = {
    "an array": json.dumps(RECORDS, indent=2),
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "lines with carriage returns and blank ones": "\r\n\r\n".join(map(json.dumps, RECORDS)) + "\r\n",
    "objects that follow one another": "".join(json.dumps(record, indent=1) for record in RECORDS),
    "the only member of an object": json.dumps({"orders": RECORDS}),
    "behind a byte order mark": "\ufeff" + json.dumps(RECORDS, ensure_ascii=False),
}


@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20])
@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_gives_the_same_records(text: str, chunk_bytes: int) -> None:
    rows = rows_of(text, chunk_bytes=chunk_bytes)
    assert rows.columns == ["id", "name", "extra"]
    assert rows.rows() == [(1, "Zoë", None), (2, "b", True)]


def test_utf_16_is_read_by_its_mark() -> None:
    assert rows_of(json.dumps(RECORDS, ensure_ascii=False).encode("utf-16")).rows()[0] == (1, "Zoë", None)


def test_an_object_is_one_record_and_a_note_names_its_array() -> None:
    text = json.dumps({"page": 1, "items": RECORDS})
    assert rows_of(text).height == 1
    assert "state recordPath to read the elements of its array 'items'" in notes_of(text)
    assert notes_of(text, name="orders.jsonl") == ""


@pytest.mark.parametrize(
    "text",
    [
        {"data": {"more": [1], "items": RECORDS}, "count": 2},
        {"count": 2, "data": {"items": RECORDS, "next": None}},
    ],
)
def test_a_record_path_leads_to_the_array_wherever_it_stands(text: dict[str, Any]) -> None:
    assert rows_of(json.dumps(text), record_path="data.items")["id"].to_list() == [1, 2]


def test_a_record_path_is_followed_in_each_object_of_several() -> None:
    pages = "\n".join(json.dumps({"items": [{"id": number}]}) for number in (1, 2, 3))
    assert rows_of(pages, record_path="items")["id"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": {}}', r"there is no member 'items'; there are none"),
        ('{"data": {"items": 5}}', "leads to no array"),
        ('{"data": [1]}', r"leads through objects, and '\[' stands there"),
        ("[]", r"leads through objects, and '\[' stands there"),
    ],
)
def test_a_record_path_that_leads_nowhere_is_named(text: str, message: str) -> None:
    fault = fault_of(text, record_path="data.items")
    assert fault.args[0].startswith("orders.json: record 1 (line 1): recordPath 'data.items'")
    with pytest.raises(DataFault, match=message):
        raise fault


def test_nested_objects_and_arrays_keep_their_structure() -> None:
    rows = rows_of('[{"a": {"b": [1, 2], "c": null}}, {"a": {"b": [], "d": "x"}}, {"a": null}]')
    assert rows.schema["a"] == pl.Struct({"b": pl.List(pl.Int64), "c": pl.String, "d": pl.String})
    assert rows["a"].to_list() == [{"b": [1, 2], "c": None, "d": None}, {"b": [], "c": None, "d": "x"}, None]


def test_an_odd_value_in_row_fifty_thousand_loses_nothing() -> None:
    lines = [f'{{"amount": {number}}}' for number in range(50_000)] + ['{"amount": "12,50", "late": 1.50}']
    source = examine_json(stored("\n".join(lines).encode(), "orders.json"), FileConfig())
    rows = bronze_rows(source)
    assert rows["amount"].to_list()[-2:] == ["49999", "12,50"]
    assert rows["late"].to_list()[-1] == 1.5
    assert "amount: whole numbers and texts stand there" in source.notes[0]


@pytest.mark.parametrize(
    ("values", "kept", "expected"),
    [
        ("1 2.5", pl.Float64(), [1.0, 2.5]),
        ("9223372036854775807 1", pl.Int64(), [9223372036854775807, 1]),
        ("9223372036854775808 -1", pl.Decimal(38, 0), [Decimal(9223372036854775808), Decimal(-1)]),
        ("9007199254740993 0.5", pl.String(), ["9007199254740993", "0.5"]),
        (f"{10**40} 1", pl.String(), [str(10**40), "1"]),
        ("1e400 1.0", pl.String(), ["1e400", "1.0"]),
        ("1e-400 0.0", pl.String(), ["1e-400", "0.0"]),
        ("0.1234567890123456789 1.10", pl.String(), ["0.1234567890123456789", "1.10"]),
        ("0.30000000000000004 -0.0", pl.Float64(), [0.1 + 0.2, -0.0]),
        ("true null", pl.Boolean(), [True, None]),
        ('true 1.10 "x" null', pl.String(), ["true", "1.10", "x", None]),
        ('{"b":1.50} [1,"x"]', pl.String(), ['{"b": 1.50}', '[1, "x"]']),
        ("null null", pl.String(), [None, None]),
        ("{} {}", pl.String(), ["{}", "{}"]),
        (r'"\u0000" "\ud83d\ude00\n"', pl.String(), ["\0", "😀\n"]),
    ],
)
def test_a_column_has_the_type_that_keeps_every_value(values: str, kept: pl.DataType, expected: list[object]) -> None:
    column = rows_of("\n".join(f'{{"a": {value}}}' for value in values.split(" ")))["a"]
    assert column.dtype == kept
    assert column.to_list() == expected


def test_names_of_members_become_names_of_columns_by_the_rule_of_every_format() -> None:
    rows = rows_of('[{"": 1, " a": 2, "a": "x"}]')
    assert rows.columns == ["column_1", "a", "a_2"]
    assert rows.rows() == [(1, 2, "x")]


def test_an_object_used_as_a_dictionary_is_kept_as_text() -> None:
    counts = {f"user {number}": number for number in range(1_001)}
    assert json.loads(rows_of(json.dumps([{"counts": counts}]))["counts"][0]) == counts


@pytest.mark.parametrize(
    ("text", "row", "message"),
    [
        ("", None, "orders.json is empty"),
        (" \n", None, "orders.json is empty"),
        ('[{"a": 1},\n{"a": 1, "a": 2}]', 2, r"record 2 \(line 2\): the name 'a' stands twice"),
        ('{"a": 1}\n{"a": tru}\n' + '{"a": 1}\n' * 9, 2, r"record 2 \(line 2\): Expecting value at 'tru"),
        ('[{"a": 1}', 2, "',' was expected, and the end of the file stands there"),
        ('[{"a": 1},]', 2, "Expecting value at ']'"),
        ('[{"a": 1}] []', 2, "behind the array that holds the records, the file goes on"),
        ('{"a": 1}\n[2]', 2, r"it is no object with named members: '\[2\]'"),
        ("[1]", 1, "it is no object"),
        ("null", 1, "it is no object"),
        ('{"a": NaN}', 1, "NaN is no JSON; write null"),
        ('{"a": "\\ud800"}', 1, "half of a character"),
        ('{"a": "x\ny"}', 1, "Invalid control character"),
        ('{"a": ' + "[" * 100_000, 1, "nested deeper"),
        ('{"a": ' + "9" * 5_000 + "}", 1, "Exceeds the limit"),
        (b'{"a": 1}\n{"a": "\xff"}', 2, "the byte 0xff is not UTF-8"),
        (b'{"a": "\xc3', 1, "the byte 0xc3 is not UTF-8"),
        (b"\xef\xbb\xbf\xff", 1, "the byte 0xff is not UTF-8"),
        (b'\xff\xfe{\x00"\x00a', 1, "the byte 0x61 is not UTF-16"),
        ("'a'", 1, "Expecting value"),
        ("<html>", 1, "Expecting value"),
    ],
)
def test_what_is_no_json_is_named_by_record_and_line(text: str | bytes, row: int | None, message: str) -> None:
    fault = fault_of(text)
    assert fault.row == row
    with pytest.raises(DataFault, match=message):
        raise fault


def test_an_empty_array_has_no_records_and_no_columns() -> None:
    source = examine_json(stored(b" [ ] ", "orders.json"), FileConfig())
    assert (source.records, dict(source.types)) == (0, {})


def test_a_record_longer_than_the_reader_may_hold_moves_to_the_next_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowforge.medallion.json_text.MAX_VALUE_CHARACTERS", 1 << 21)
    assert MAX_VALUE_CHARACTERS > 1 << 21
    long = '{"a": "' + "x" * (5 << 20) + '"}'
    with pytest.raises(NextTier, match="record 1 is longer than 2 million characters"):
        rows_of(long)


def test_records_come_out_of_a_document_that_does_not_end() -> None:
    def endless() -> Iterator[bytes]:
        yield b"["
        while True:
            yield b'{"a": [1, 2]},' * 1_000

    text = JsonText(endless(), file="orders.json")
    assert [value for value, _ in islice(records(text, Layout(array=True), strict_decoder()), 20_000)][-1] == {"a": [1, 2]}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
)
NAMES = st.sampled_from(["a", "b", "Ä", "a b"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), min_size=1, max_size=6)


def same(kept: Any, value: Any) -> bool:
    """Whether a cell of Bronze is the value of the file: as it is, as its text, or with members that other records have."""
    if isinstance(kept, str) and not isinstance(value, str):
        return value is not None and bool(json.loads(kept) == value) and type(json.loads(kept)) is type(value)
    if isinstance(kept, dict):
        return isinstance(value, dict) and set(value) <= set(kept) and all(same(kept[name], value.get(name)) for name in kept)
    if isinstance(kept, list):
        return isinstance(value, list) and len(kept) == len(value) and all(map(same, kept, value))
    return bool(kept == value) and isinstance(kept, bool) == isinstance(value, bool)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 1]), st.booleans(), st.booleans(), st.sampled_from([1, 7, 1 << 20]))
def test_what_pythons_decoder_reads_is_in_bronze(
    records: list[dict[str, Any]], indent: int | None, ascii_only: bool, lines: bool, chunk_bytes: int
) -> None:
    if lines:
        text = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records)
    else:
        text = json.dumps(records, ensure_ascii=ascii_only, indent=indent)
    rows = rows_of(text, name="a.jsonl" if lines else "a.json", chunk_bytes=chunk_bytes)
    assert rows.height == len(records)
    for kept, record in zip(rows.to_dicts(), records, strict=True):
        assert same(kept, record), (kept, record)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=40) | st.text('{}[]:,"ab1 \\eu0\n.-', max_size=24).map(str.encode), st.sampled_from([1, 1 << 20]))
def test_any_bytes_are_read_or_refused_by_name(content: bytes, chunk_bytes: int) -> None:
    try:
        rows_of(content, chunk_bytes=chunk_bytes)
    except DataFault as fault:
        assert str(fault).startswith("orders.json")  # noqa: PT017
