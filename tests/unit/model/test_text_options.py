"""Options of text and of finding files: what is taken, what is refused, and why."""

from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.source import FileConfig


def config(**options: Any) -> FileConfig:
    return FileConfig.model_validate(options)


def test_the_options_of_today_are_taken_as_they_were_written() -> None:
    found = config(
        filePattern="*.csv",
        encoding="utf-8",
        delimiter=",",
        hasHeader=True,
        skipRows=0,
        skipFooterRows=0,
        compressionType="none",
    )
    assert (found.encoding, found.delimiter, found.compression_type) == ("utf-8", ",", "none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": '"'}, "the delimiter '\"' must not hold the quote character"),
        ({"delimiter": "\\", "escapeCharacter": "\\"}, "must not hold the escape character"),
        ({"delimiter": "\n"}, "holds a line end or a NUL"),
        ({"delimiter": ""}, "at least 1 character"),
        ({"quoteCharacter": "''"}, "at most 1 character"),
        ({"commentPrefix": '"x'}, "the comment prefix"),
        ({"encoding": "ebcdic-of-mine"}, "the encoding 'ebcdic-of-mine' is unknown"),
        ({"skipRows": -1}, "greater than or equal to 0"),
        ({"skipFooterRows": 1001}, "less than or equal to 1000"),
        ({"compressionType": "rar"}, "'none', 'gzip', 'zip' or 'zstd'"),
        ({"onMalformedRow": "ignore"}, "'fail' or 'quarantine'"),
        ({"maxMalformedRows": 1}, "needs onMalformedRow: quarantine"),
        ({"filePath": "a.csv", "filePattern": "*.csv"}, "choose the job's files in two ways"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(**options)


def test_a_path_is_the_name_of_the_one_file_in_the_landing_folder() -> None:
    found = config(filePath="C:\\exports\\2026\\odd[1].csv")
    assert found.wants("odd[1].csv")
    assert not found.wants("odd1.csv")
    assert not found.wants("2026/odd[1].csv")


def test_an_escape_that_is_the_quote_says_nothing_new() -> None:
    assert config(escapeCharacter='"').escape is None
    assert config(escapeCharacter="\\").escape == "\\"
