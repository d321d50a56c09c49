"""The words of a SQL expression, each with its place in the text."""

import re
from dataclasses import dataclass
from typing import Literal

MAX_CHARACTERS = 4_000
MAX_TOKENS = 400
"""The engine goes down an expression by recursion, as deep as a chain of operators is long."""
TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")+"|`[^`]+`)
    |(?P<word>[^\W\d]\w*)
    |(?P<symbol><>|<=|>=|!=|\|\||==|[-+*/%<>=(),])
    """,
    re.VERBOSE,
)
Kind = Literal["number", "text", "name", "word", "symbol", "end"]


class ExpressionError(ValueError):
    """An expression that is not taken; the message says where and why."""


@dataclass(frozen=True)
class Token:
    """``text`` is without quotes; ``position`` counts characters from 1."""

    kind: Kind
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in whatever case."""
        return self.kind == "word" and self.text.lower() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these symbols."""
        return self.kind == "symbol" and self.text in symbols


def tokens_of(text: str) -> list[Token]:
    """Part the text into words, with one of kind ``end`` behind. Raises ExpressionError for a character that is none."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(text)} characters; {MAX_CHARACTERS} are the most")
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(_problem(text, at))
        if match.lastgroup != "space":
            tokens.append(_token(match))
        at = match.end()
    if len(tokens) > MAX_TOKENS:
        raise ExpressionError(f"the expression has {len(tokens)} words and symbols; {MAX_TOKENS} are the most")
    return [*tokens, Token("end", "the end", len(text) + 1)]


def _token(match: re.Match[str]) -> Token:
    text, position = match[0], match.start() + 1
    match match.lastgroup:
        case "text":
            return Token("text", text[1:-1].replace("''", "'"), position)
        case "name":
            return Token("name", text[1:-1].replace('""', '"') if text[0] == '"' else text[1:-1], position)
        case "number":
            return Token("number", text, position)
        case "word":
            return Token("word", text, position)
        case _:
            return Token("symbol", text, position)


def _problem(text: str, at: int) -> str:
    character = text[at]
    where = f"at character {at + 1}"
    if character in "'\"`":
        return f"the quote {character} {where} is not closed"
    if character == ";":
        return f"';' {where}: one expression, without a statement behind it"
    if character == ".":
        return f"'.' {where}: columns have no table in front; a name with a dot stands in double quotes"
    return f"{character!r} {where} has no meaning in an expression; a text stands in single quotes, an odd name in double ones"
