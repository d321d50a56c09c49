"""Bytes of any encoding to text, with every byte that is no character marked and none lost."""

import codecs
import re
from collections.abc import Iterable, Iterator

from flowforge.medallion.file_stream import OpenStream
from flowforge.model.encoding import SINGLE_BYTE, UTF_8, encoding_of_mark
from flowforge.model.errors import DataFault

MARKED = re.compile("[\udc00-\udcff]")
"""A byte that is no character, as the lone surrogate U+DC00 + byte: no decoder gives one of these by itself."""
CHARACTERS_BEYOND_ASCII = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")
NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
"""Control characters that no table is written with."""
MAX_ACCIDENTS = 0.01
"""Two letters of a single-byte text can look like one character of UTF-8, which is rare."""
HEAD_ZEROS = 0.3


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


MARKING = "flowforge.marking"
codecs.register_error(MARKING, _mark)


def decoded(stream: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The text of a stream, less a byte order mark at its start; what is no character is marked."""
    decoder = codecs.getincrementaldecoder(encoding)(errors=MARKING)
    started = False

    def texts() -> Iterator[str]:
        for chunk in stream:
            yield decoder.decode(chunk)
        yield decoder.decode(b"", True)

    for text in texts():
        if text:
            yield text if started else text.removeprefix("\ufeff")
            started = True


def without_mark(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a text in UTF-8 less its byte order mark."""
    chunks = iter(stream)
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= len(codecs.BOM_UTF8):
            break
    if content := start.removeprefix(codecs.BOM_UTF8):
        yield content
    yield from filter(None, chunks)


def is_utf8(stream: Iterable[bytes], *, is_whole: bool = True) -> bool:
    """Whether a text is UTF-8; one that is not whole may end within a character."""
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for chunk in stream:
            decoder.decode(chunk)
        decoder.decode(b"", is_whole)
    except UnicodeDecodeError:
        return False
    return True


def as_utf8(texts: Iterable[str]) -> Iterator[bytes]:
    """Text as UTF-8; what was marked becomes bytes that are no UTF-8 either, so it is found again."""
    for text in texts:
        yield text.encode(UTF_8, "surrogatepass")


def shown(text: str) -> str:
    r"""Text that any reader takes, with each byte that is no character written as ``\xNN``."""
    return text if text.isascii() else MARKED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def encoding_of_start(start: bytes, stated: str | None, *, file: str) -> str:
    """The encoding that the job states, or the byte order mark, or UTF-8 until the whole text was seen.

    Raises DataFault where the mark contradicts the job, and for UTF-16 that has no mark and was not stated.
    """
    marked = encoding_of_mark(start)
    if marked is None:
        if stated is None:
            _refuse_unmarked_utf_16(start, file=file)
        return stated or UTF_8
    if stated is not None and not marked[0].startswith(stated):
        raise DataFault(
            f"{file} begins with the byte order mark of {marked[0]}, and fileConfig.encoding is {stated!r}; leave the option out",
            file=file,
            row=0,
        )
    return marked[0]


def _refuse_unmarked_utf_16(head: bytes, *, file: str) -> None:
    """Raise DataFault for a text of two or four bytes a character without a mark: every other byte of it is zero."""
    pairs = len(head) // 2
    if not pairs:
        return
    for encoding, zeros in (("utf-16-be", head[0::2].count(0)), ("utf-16-le", head[1::2].count(0))):
        if zeros > HEAD_ZEROS * pairs:
            raise DataFault(
                f"{file} looks like UTF-16 without a byte order mark, and is not UTF-8; state fileConfig.encoding, such as "
                f"{encoding}, or save it as UTF-8",
                file=file,
                row=0,
            )


def encoding_of_other_text(open_stream: OpenStream) -> str:
    """The encoding of a text that is not wholly UTF-8, told from all of it.

    UTF-8 where more than one in a hundred of its non-ASCII characters is valid UTF-8: such a text is damaged, and read as
    another encoding every one of these would become two wrong letters. UTF-8 also where control characters stand in it. cp1252
    otherwise.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)(errors=MARKING)
    marked = characters = 0
    for chunk in open_stream():
        if NO_TEXT.search(chunk):
            return UTF_8
        text = decoder.decode(chunk)
        if not text.isascii():
            marked += len(MARKED.findall(text))
            characters += len(CHARACTERS_BEYOND_ASCII.findall(text))
    return UTF_8 if characters > MAX_ACCIDENTS * marked else SINGLE_BYTE
