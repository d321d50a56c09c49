"""Lines and delimiters of a delimited text outside quotes, counted chunk by chunk at the speed of ``bytes.count``."""

import codecs
import re


class TextCounter:
    """Counts lines and delimiters outside quotes, at the speed of ``bytes.count``. An empty ``quote`` makes quotes text."""

    def __init__(self, delimiter: bytes, quote: bytes = b'"') -> None:
        self._delimiter = delimiter
        self._quote = quote
        self._misplaced_quote = _misplaced(quote, delimiter) if quote else None
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
        return self._well_formed and not self.quoted and self._last not in (b"\r", self._delimiter)

    def feed(self, chunk: bytes) -> None:
        """Count one chunk. Raises UnicodeDecodeError where it is not UTF-8."""
        self._require_utf8(chunk)
        outside = self._outside_quotes(chunk)
        self.lines += outside.count(b"\n")
        self.delimiters += outside.count(self._delimiter)
        self._check_form(outside)
        content = chunk.rstrip(b"\r\n")
        self.closing_line_ends = chunk.count(b"\n", len(content)) + (0 if content else self.closing_line_ends)
        self.ends_open = not chunk.endswith(b"\n")

    def _outside_quotes(self, chunk: bytes) -> bytes:
        """The chunk with one quote in the place of each quoted text; the one that a chunk before opened stood there."""
        quote = self._quote
        if not quote or (not self.quoted and quote not in chunk):
            return chunk
        parts = chunk.split(quote)
        outside = quote.join(parts[int(self.quoted) :: 2])
        self.quoted ^= len(parts) % 2 == 0
        return outside + quote if self.quoted and len(parts) > 1 else outside

    def _check_form(self, outside: bytes) -> None:
        """See that quotes stand at the edges of fields and carriage returns before line feeds."""
        if self._misplaced_quote and (self._quote in outside or self._last == self._quote):
            self._well_formed &= self._misplaced_quote.search(self._last + outside) is None
        if b"\r" in outside or self._last == b"\r":
            text = self._last + outside
            self._well_formed &= text.count(b"\r\n") == text.count(b"\r") - text.endswith(b"\r")
        self._last = outside[-1:] or self._last

    def _require_utf8(self, chunk: bytes) -> None:
        """Decode only what must be: a chunk of ASCII that continues no character is UTF-8."""
        if self._within_character or not chunk.isascii():
            self._decoder.decode(chunk)
            self._within_character = bool(self._decoder.getstate()[0])

    def finish(self) -> None:
        """Close the text. Raises UnicodeDecodeError where it ends within a character."""
        self._decoder.decode(b"", final=True)


def _misplaced(quote: bytes, delimiter: bytes) -> re.Pattern[bytes]:
    """A quote behind which, or before which, something else stands than the edge of a field or another quote.

    The quote comes first, so that the search leaps from one to the next; what lies beyond the text is not judged.
    """
    edge, mark = re.escape(delimiter), re.escape(quote)
    return re.compile(mark + rb"(?:(?=[^\r\n" + edge + mark + rb"])|(?<=[^\n" + edge + mark + rb"]" + mark + rb"))")
