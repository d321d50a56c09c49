"""Lines and delimiters of a delimited text outside quotes, counted piece by piece by comparing all of its bytes at once.

A piece becomes a column of bytes, so that the engine's vector instructions find the few that matter: a gigabyte with a quoted
field in each line takes one second, where going from quote to quote took nine.
"""

import codecs

import polars as pl

PIECE_BYTES = 2 << 20
"""What stays in a processor's cache while it is gone through several times."""
CARRIAGE_RETURN, LINE_FEED = b"\r"[0], b"\n"[0]


class TextCounter:
    """Counts lines and delimiters outside quotes. Both signs are of one byte; an empty ``quote`` makes quotes text."""

    def __init__(self, delimiter: bytes, quote: bytes = b'"') -> None:
        self._delimiter = delimiter[0]
        self._quote = quote[0] if quote else None
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._within_character = False
        self._last = b"\n"
        self._well_formed = True
        self.quoted = False
        self.lines = 0
        self.delimiters = 0
        self.closing_line_ends = 0
        self.ends_open = False

    @property
    def is_certain(self) -> bool:
        """Whether every reader sees the records that were counted.

        A delimiter that ends the last line without a line end is the one field too many that polars does not refuse.
        """
        return self._well_formed and not self.quoted and self._last[0] not in (CARRIAGE_RETURN, self._delimiter)

    def feed(self, chunk: bytes) -> None:
        """Count one chunk. Raises UnicodeDecodeError where it is not UTF-8."""
        self._require_utf8(chunk)
        for start in range(0, len(chunk), PIECE_BYTES):
            self._count(chunk[start : start + PIECE_BYTES])
        content = chunk.rstrip(b"\r\n")
        self.closing_line_ends = chunk.count(b"\n", len(content)) + (0 if content else self.closing_line_ends)
        self.ends_open = not chunk.endswith(b"\n")

    def _count(self, piece: bytes) -> None:
        text = _byte_column(self._last + piece)
        if self._quote is None or not (self.quoted or (text == self._quote).any()):
            self.lines += int((text[1:] == LINE_FEED).sum())
            self.delimiters += int((text[1:] == self._delimiter).sum())
            self._check_returns(text, None)
        else:
            self._count_outside_quotes(text)
        self._last = piece[-1:]

    def _count_outside_quotes(self, text: pl.Series) -> None:
        """Count a piece, whose first byte is the last one of the piece before."""
        counted = text[1:]
        signs = counted.filter((counted == self._quote) | (counted == LINE_FEED) | (counted == self._delimiter))
        self.lines += self._outside(signs, LINE_FEED)
        self.delimiters += self._outside(signs, self._delimiter)
        is_quote = text == self._quote
        quotes = _positions(is_quote)
        was_quoted = self.quoted ^ bool(is_quote[0])
        self._check_quotes(text, quotes, first_opens=not was_quoted)
        self._check_returns(text, quotes, was_quoted=was_quoted)
        self.quoted = was_quoted ^ bool(len(quotes) % 2)

    def _outside(self, signs: pl.Series, sign: int) -> int:
        """How many of the signs are this one and outside quotes: all, less what lies between an opening and a closing quote."""
        chosen = signs.filter((signs == self._quote) | (signs == sign))
        quotes = _positions(chosen == self._quote).cast(pl.Int64)
        before = quotes - pl.int_range(len(quotes), dtype=pl.Int64, eager=True)
        total = len(chosen) - len(quotes)
        opening, closing = before.gather_every(2, int(self.quoted)), before.gather_every(2, int(not self.quoted))
        within = int(closing.sum()) - int(opening.sum())
        ends_within = self.quoted ^ bool(len(quotes) % 2)
        return total - within - (total if ends_within else 0)

    def _check_quotes(self, text: pl.Series, quotes: pl.Series, *, first_opens: bool) -> None:
        """See that quotes stand at the edges of fields or beside another quote; what lies beyond the text is not judged."""
        opening, closing = quotes.gather_every(2, int(not first_opens)), quotes.gather_every(2, int(first_opens))
        before = text.gather(opening.filter(opening > 0) - 1)
        behind = text.gather(closing.filter(closing < len(text) - 1) + 1)
        self._well_formed &= bool(self._at_edge(before).all()) and bool(
            (self._at_edge(behind) | (behind == CARRIAGE_RETURN)).all()
        )

    def _at_edge(self, signs: pl.Series) -> pl.Series:
        return (signs == self._delimiter) | (signs == LINE_FEED) | (signs == self._quote)

    def _check_returns(self, text: pl.Series, quotes: pl.Series | None, *, was_quoted: bool = False) -> None:
        """See that a line feed follows each carriage return outside quotes; the last byte waits for what comes."""
        returns = text[:-1] == CARRIAGE_RETURN
        if not returns.any():
            return
        lonely = _positions(returns & (text[1:] != LINE_FEED))
        if quotes is not None:
            lonely = lonely.filter(quotes.search_sorted(lonely) % 2 == int(was_quoted))
        self._well_formed &= lonely.is_empty()

    def _require_utf8(self, chunk: bytes) -> None:
        """Decode only what must be: a chunk of ASCII that continues no character is UTF-8."""
        if self._within_character or not chunk.isascii():
            self._decoder.decode(chunk)
            self._within_character = bool(self._decoder.getstate()[0])

    def finish(self) -> None:
        """Close the text. Raises UnicodeDecodeError where it ends within a character."""
        self._decoder.decode(b"", final=True)


def _byte_column(text: bytes) -> pl.Series:
    return pl.Series([text], dtype=pl.Binary).cast(pl.List(pl.UInt8)).explode()


def _positions(chosen: pl.Series) -> pl.Series:
    """Where a condition holds. A filter does this several times as fast as ``arg_true``."""
    return pl.int_range(len(chosen), dtype=pl.UInt32, eager=True).filter(chosen)
