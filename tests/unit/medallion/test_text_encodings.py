"""Text of other encodings: detected where that can be told, stated otherwise, and never read as wrong letters."""

from typing import Any

import pytest

from csv_files import FILE, bronze_of, cells_of, malformed_of, structure_of
from flowforge.medallion.text_decoding import decoded, shown
from flowforge.model.encoding import known_encoding
from flowforge.model.errors import DataFault

TEXT = 'id,größe\n1,größe 日本 😀\n2,"a\nb"\n'
EUROPEAN = "id,größe\n1,größe\n2,5 €\n"


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_told_by_its_mark(encoding: str, chunk_bytes: int) -> None:
    assert bronze_of(TEXT.encode(encoding), chunk_bytes=chunk_bytes).select("id", "größe").rows() == [
        ("1", "größe 日本 😀"),
        ("2", "a\nb"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_bytes_have_their_mark(encoding: str) -> None:
    data = ("\ufeff" + TEXT).encode(encoding)
    assert cells_of(data) == cells_of(TEXT.encode())
    assert structure_of(data).notes == (f"{FILE}: read with encoding {encoding}, as its content shows",)


@pytest.mark.parametrize("options", [{}, {"comment_prefix": "#"}, {"encoding": "cp1252"}, {"encoding": "windows-1252"}])
def test_text_that_is_wholly_not_utf_8_is_cp1252_and_the_result_says_so(options: dict[str, Any]) -> None:
    data = EUROPEAN.encode("cp1252")
    assert cells_of(data, **options) == [("1", "größe"), ("2", "5 €")]
    told = (f"{FILE}: read with encoding cp1252, as its content shows",)
    assert structure_of(data, **options).notes == (() if "encoding" in options else told)


def test_a_single_letter_far_down_decides_for_the_whole_file() -> None:
    data = b"id,name\n" + b"".join(b"%d,x\n" % number for number in range(1, 50_000)) + b"50000,caf\xe9\n"
    assert cells_of(data, chunk_bytes=1 << 16)[-1] == ("50000", "café")


def test_damaged_utf_8_is_not_read_as_another_encoding() -> None:
    data = "id,name\n1,größe\n2,x\n".encode() + b"3,gr\xf6\xdfe\n4,y\n"
    with pytest.raises(DataFault, match=r"row 3 \(line 4\) is not UTF-8 in field 2; save the file as UTF-8") as caught:
        bronze_of(data)
    assert caught.value.row == 3
    assert malformed_of(data) == [
        (3, 4, "is not UTF-8 in field 2; save the file as UTF-8, or state its encoding", r"3,gr\xf6\xdfe")
    ]


@pytest.mark.parametrize("encoding", ["latin-1", "ISO-8859-15", "cp1250", "shift_jis", "gb18030", "utf-16-le"])
def test_any_encoding_can_be_stated(encoding: str) -> None:
    text = "id,name\n1,日本\n" if encoding in ("shift_jis", "gb18030") else "id,name\n1,größe\n"
    for size in (1, 1 << 20):
        assert cells_of(text.encode(encoding), encoding=encoding, chunk_bytes=size) == cells_of(text.encode())


def test_a_byte_without_a_character_in_the_stated_encoding_is_named() -> None:
    data = b"id,name\n1,x\n2,\x81\n"
    with pytest.raises(DataFault, match=r"row 2 \(line 3\) holds bytes in field 2 that are no character of cp1252"):
        bronze_of(data, encoding="cp1252")
    lonely = "id,n\n1,".encode("utf-16-be") + b"\xd8\x00" + "\n".encode("utf-16-be")
    assert malformed_of(lonely, encoding="utf-16-be")[0][3] == r"1,\xd8\x00"


def test_a_mark_that_contradicts_the_job_is_refused() -> None:
    with pytest.raises(DataFault, match=r"byte order mark of utf-16-le, and fileConfig.encoding is 'cp1252'"):
        bronze_of("id\n1\n".encode("utf-16"), encoding="cp1252")
    assert cells_of("id\n1\n".encode("utf-16"), encoding="utf-16") == [("1",)]


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\n\0", "a PDF document"),
        (b"a.csv" + bytes(252) + b"ustar\0" + bytes(100), "a tar archive"),
    ],
)
def test_another_format_is_told_by_its_content(start: bytes, what: str) -> None:
    with pytest.raises(DataFault, match=f"{FILE} is {what}.* by its content"):
        structure_of(start)


def test_a_header_may_begin_as_another_format_does() -> None:
    assert structure_of(b"PAR1,ORC\n1,2\n").columns == ("PAR1", "ORC")


def test_one_name_for_an_encoding_and_none_for_what_is_no_text() -> None:
    assert known_encoding("Latin-1") == known_encoding("ISO-8859-1") == "iso8859-1"
    assert known_encoding("UTF8") == known_encoding("utf-8-sig") == "utf-8"
    for name in ("hex", "utf-7", "klingon", "", "a\0b"):
        with pytest.raises(ValueError, match="the encoding"):
            known_encoding(name)


def test_no_byte_is_lost_where_it_is_no_character() -> None:
    data = bytes(range(256))
    assert shown("".join(decoded([data[:200], data[200:]], "ascii"))).endswith(r"\xfe\xff")
    assert len("".join(decoded([data], "ascii"))) == 256
