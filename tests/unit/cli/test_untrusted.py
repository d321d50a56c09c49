"""Text from outside is shown and never obeyed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flowforge.cli.untrusted import cell, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller & Söhne", "Müller & Söhne"),
        ("two\nlines", "two\\nlines"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("csv.\u202egnp", "csv.\\u202egnp"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
    ],
)
def test_what_cannot_be_printed_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_is_cut() -> None:
    assert printable("abcdef", limit=4) == "abc…"
    assert printable("abcd", limit=4) == "abcd"


@given(st.text(st.characters()))
def test_any_text_prints_on_one_line(text: str) -> None:
    shown = printable(text)
    assert "\n" not in shown
    assert "\x1b" not in shown
    shown.encode()


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1))
def test_a_cell_is_no_markup(text: str) -> None:
    console = Console(file=io.StringIO(), width=1000, record=True)
    console.print(cell(f"[bold]{text}[/]"), soft_wrap=True)
    assert console.export_text().removesuffix("\n") == f"[bold]{text}[/]"
