"""YAML as people write it comes in whole, and goes out so that the same comes in again."""

from typing import Any

import pytest
import yaml

from flowforge.cli.yaml_documents import as_json_values, read_documents, write_documents
from flowforge.model.errors import ConfigFault

ODD: dict[str, Any] = {
    "texts": ["on", "null", "1e3", "2026-01-31", " leading", "a: b", "- c", "#d", "", "Grün", "'\"", "a\tb", "end\n"],
    "sql": "SELECT *\nFROM orders  \nWHERE a = 'b'\n",
    "unseen": "a\u202eb\x85\x1b",
    "wide": "word " * 60,
    "numbers": [1, 1.5, True, None],
    "empty": {"a": {}, "b": []},
}


@pytest.mark.parametrize("documents", [[ODD], [ODD, {"a": 1}], [{}]])
def test_what_is_written_is_read_as_it_was(documents: list[dict[str, Any]]) -> None:
    text = write_documents(documents)
    assert read_documents(text, "here") == documents
    assert list(yaml.safe_load_all(text)) == documents
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_lists_are_indented_and_texts_of_several_lines_are_blocks() -> None:
    assert write_documents([{"jobs": [{"id": "a", "sql": "SELECT 1\nFROM b\n"}]}]) == (
        "jobs:\n  - id: a\n    sql: |\n      SELECT 1\n      FROM b\n"
    )


def test_names_that_an_anchor_brings_may_be_stated_anew() -> None:
    [document] = read_documents("base: &b {a: 1, c: 2}\nother: {<<: *b, a: 3}", "here")
    assert document == {"base": {"a": 1, "c": 2}, "other": {"a": 3, "c": 2}}


def test_dates_become_texts_and_what_json_has_no_form_for_is_named() -> None:
    [document] = read_documents("since: 2026-01-31\nat: 2026-01-31T12:00:00Z\nmap: {1: a}", "here")
    assert as_json_values(document) == {"since": "2026-01-31", "at": "2026-01-31T12:00:00+00:00", "map": {"1": "a"}}
    for text, place in (
        ("jobs: [{a: .inf}]", r"jobs\[0\]\.a"),
        ("a: !!binary aGk=", "a: b'hi'"),
        ("a: {no: 1}", "a: the name False"),
    ):
        with pytest.raises(ConfigFault, match=place):
            as_json_values(read_documents(text, "here")[0])
