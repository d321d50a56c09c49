"""The values of a JSON text one after the other, from a stream of bytes: a document larger than memory passes.

The text is decoded in pieces, and each value by Python's own decoder, which also tells where the value ends. A value that is cut
off by the end of a piece is read again with twice the text, so no value is decoded more than about twice.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from flowforge.model.errors import DataFault, NextTier

MAX_VALUE_CHARACTERS = 64 << 20
"""What one record may hold; see ``JsonText.value``."""
READ_CHARACTERS = 1 << 20
TRUNCATED_WITHIN = 16
"""So near the end of what was read, an error can be that of a value which is cut off: ``tru``, ``-``, ``\\u00``."""
WHITE_SPACE = re.compile(r"[ \t\n\r]*")
OPEN_STRING = "Unterminated string"
LONGEST_MARK = len(codecs.BOM_UTF8)
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SHOWN_CHARACTERS = 60

Decode = Callable[[str, int], tuple[Any, int]]
"""Decodes the value that begins at a position: the value and where it ends. ``JSONDecoder.raw_decode`` is one."""


class JsonText:
    """A cursor over a JSON text in UTF-8, or in UTF-16 with a byte order mark.

    ``record`` is the 1-based number of the record that is being read, for messages.
    """

    def __init__(self, stream: Iterable[bytes], *, file: str) -> None:
        self._chunks = iter(stream)
        self._file = file
        self._decoder: codecs.IncrementalDecoder | None = None
        self._start = b""
        self._undecodable: UnicodeDecodeError | None = None
        self._text = ""
        self._at = 0
        self._lines_before = 0
        self._ended = False
        self.record = 1

    def peek(self) -> str:
        """The next character that is no white space; empty at the end of the text."""
        while True:
            space = WHITE_SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more(READ_CHARACTERS):
                return ""

    def take(self, expected: str) -> None:
        """Pass over the next character. Raises DataFault where it is another one."""
        found = self.peek()
        if found != expected:
            raise self.fault(f"{expected!r} was expected, and {repr(found) if found else 'the end of the file'} stands there")
        self._at += 1

    def value(self, decode: Decode) -> tuple[Any, str]:
        """Decode the next value: the value, and its text.

        Raises DataFault where it is no JSON, NextTier where it is longer than 64 million characters: Python's decoder takes
        about ten bytes of memory for each.
        """
        self.peek()
        wanted = READ_CHARACTERS
        while True:
            try:
                value, end = decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut_off = error.msg.startswith(OPEN_STRING) or error.pos >= len(self._text) - TRUNCATED_WITHIN
                if cut_off and len(self._text) - self._at > MAX_VALUE_CHARACTERS:
                    raise NextTier(
                        f"{self._file}: record {self.record} is longer than {MAX_VALUE_CHARACTERS >> 20} million characters; "
                        "name the array that holds the records by recordPath, or split the file",
                        file=self._file,
                    ) from error
                if not cut_off or not self._read_more(wanted):
                    raise self.fault(f"{error.msg} at {self._shown(error.pos)}", at=error.pos) from error
                wanted *= 2
                continue
            except RecursionError as error:
                raise self.fault("it is nested deeper than can be read") from error
            except ValueError as error:
                # Of our own hooks, or a whole number of more digits than Python converts.
                raise self.fault(str(error)) from error
            if end == len(self._text) and isinstance(value, int | float) and self._read_more(wanted):
                continue
            text = self._text[self._at : end]
            self._at = end
            return value, text

    def fault(self, what: str, *, at: int | None = None) -> DataFault:
        """The error for something wrong at the cursor, or at a position of the present text, naming record and line."""
        line = self._lines_before + self._text.count("\n", 0, self._at if at is None else at) + 1
        return DataFault(f"{self._file}: record {self.record} (line {line}): {what}", file=self._file, row=self.record)

    def _read_more(self, characters: int) -> bool:
        """Add text behind the cursor; what lies before it is given up. False at the end."""
        if self._undecodable:
            error = self._undecodable
            byte = error.object[error.start : error.start + 1].hex()
            raise self.fault(
                f"the byte 0x{byte} is not {error.encoding.upper()}; save the file as UTF-8", at=len(self._text)
            ) from error
        if self._ended:
            return False
        pieces, count = [], 0
        while count < characters:
            chunk = next(self._chunks, None)
            piece = self._decoded(chunk or b"", final=chunk is None)
            pieces.append(piece)
            count += len(piece)
            if chunk is None or self._undecodable:
                self._ended = chunk is None
                break
        self._lines_before += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + "".join(pieces)
        self._at = 0
        return count > 0 or self._undecodable is not None

    def _decoded(self, chunk: bytes, *, final: bool) -> str:
        if self._decoder is None:
            self._start += chunk
            if len(self._start) < LONGEST_MARK and not final:
                return ""
            chunk, encoding = self._start, "utf-16" if self._start.startswith(UTF_16_MARKS) else "utf-8-sig"
            self._decoder = codecs.getincrementaldecoder(encoding)()
        try:
            return self._decoder.decode(chunk, final=final)
        except UnicodeDecodeError as error:
            # What stands before it is read first, so that the record is named in which it stands.
            self._undecodable = error
            return error.object[: error.start].decode(error.encoding).removeprefix("\ufeff")

    def _shown(self, position: int) -> str:
        return ascii(self._text[position : position + SHOWN_CHARACTERS]) if position < len(self._text) else "the end of the file"
