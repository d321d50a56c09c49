"""Lines and delimiters of a delimited text outside quotes, counted chunk by chunk at the speed of ``bytes.count``."""

import codecs


class TextCounter:
    """Counts lines and delimiters outside quotes, at the speed of ``bytes.count``."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
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
        if not self.quoted and b'"' not in chunk:
            return chunk
        parts = chunk.split(b'"')
        outside = b'"'.join(parts[int(self.quoted) :: 2])
        self.quoted ^= len(parts) % 2 == 0
        return outside + b'"' if self.quoted and len(parts) > 1 else outside

    def _check_form(self, outside: bytes) -> None:
        """See that quotes stand at the edges of fields and carriage returns before line feeds."""
        text = self._last + outside
        if b'"' in text:
            while b'""' in text:
                text = text.replace(b'""', b'"')
            quotes = text.count(b'"')
            opening = text.count(b'\n"') + text.count(self._delimiter + b'"')
            closing = text.count(b'"\n') + text.count(b'"\r') + text.count(b'"' + self._delimiter)
            self._well_formed &= opening == quotes - text.startswith(b'"') and closing == quotes - text.endswith(b'"')
        self._well_formed &= text.count(b"\r\n") == text.count(b"\r") - text.endswith(b"\r")
        self._last = text[-1:]

    def _require_utf8(self, chunk: bytes) -> None:
        """Decode only what must be: a chunk of ASCII that continues no character is UTF-8."""
        if self._within_character or not chunk.isascii():
            self._decoder.decode(chunk)
            self._within_character = bool(self._decoder.getstate()[0])

    def finish(self) -> None:
        """Close the text. Raises UnicodeDecodeError where it ends within a character."""
        self._decoder.decode(b"", final=True)
