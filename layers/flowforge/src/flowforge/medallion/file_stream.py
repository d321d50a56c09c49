"""How the readers of a file come to its bytes."""

import io
from collections.abc import Callable, Iterable, Iterator

OpenStream = Callable[[], Iterable[bytes]]
"""Opens the file anew from its first byte and gives it in chunks."""
CHUNK_BYTES = 4 << 20


def first_bytes(stream: Iterable[bytes], count: int) -> bytes:
    """The start of a stream, ``count`` bytes at the most."""
    start = bytearray()
    for chunk in stream:
        start += chunk
        if len(start) >= count:
            break
    return bytes(start[:count])


def chunks_of(file: io.BufferedIOBase) -> Iterator[bytes]:
    """The rest of an open file, chunk by chunk."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
