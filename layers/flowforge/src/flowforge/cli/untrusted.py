"""Text from files and workflows made safe to print: it must not move the cursor or pose as another line."""

import unicodedata

from rich.text import Text

UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Control and format characters (the ones that reverse text too), lone surrogates, and separators of lines."""


def printable(text: str, *, limit: int | None = None) -> str:
    """Return the text with unprintable characters written as escapes, cut to ``limit`` characters."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(_escaped(character) if unicodedata.category(character) in UNPRINTABLE else character for character in text)


def cell(text: str, *, limit: int | None = None, style: str = "") -> Text:
    """Wrap the printable text as a renderable in which rich looks for no markup."""
    return Text(printable(text, limit=limit), style=style, overflow="fold")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
