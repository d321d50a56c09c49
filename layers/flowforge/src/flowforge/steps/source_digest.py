"""The SHA-256 of a source file, taken while its bytes are read for another reason."""

import hashlib
from collections.abc import Iterable, Iterator


class SourceDigest:
    """Takes the digest of the first stream that is read to its end; ``value`` is its hexadecimal form."""

    def __init__(self) -> None:
        self.value: str | None = None

    def reading(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        if self.value is not None:
            yield from chunks
            return
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            yield chunk
        self.value = digest.hexdigest()

    def of(self, chunks: Iterable[bytes]) -> str:
        """The digest; reads the chunks where no stream was read to its end."""
        for _ in self.reading(chunks if self.value is None else ()):
            pass
        if self.value is None:
            raise AssertionError("a stream that was read to its end left no digest")
        return self.value
