"""What a compressed file may grow to: the one place with the limits that a decompression bomb meets."""

from dataclasses import dataclass

from flowforge.model.errors import DataFault

MAX_RATIO = 200
"""Tables of text shrink to a third or a tenth, and hardly ever below a fiftieth; gzip cannot pass 1,032, zstd has no bound."""
FREE_BYTES = 64 << 20
"""What a file may grow to whatever its ratio: small files of repeated rows are no bombs."""
MAX_BYTES = 90 << 30
"""Nine tenths of the disk of the largest tier."""


@dataclass
class Expansion:
    """Counts what went into a decompressor against what came out of it."""

    file: str
    taken_bytes: int = 0
    given_bytes: int = 0

    def check(self) -> None:
        """Raise DataFault where the file grows beyond the limits."""
        if self.given_bytes > MAX_BYTES:
            raise DataFault(
                f"{self.file} unpacks to more than {MAX_BYTES >> 30} GiB; deliver it in several files", file=self.file
            )
        if self.given_bytes > FREE_BYTES and self.given_bytes > MAX_RATIO * self.taken_bytes:
            raise DataFault(
                f"{self.file} unpacks to more than {MAX_RATIO} times its size, as decompression bombs do and tables do not, so "
                "it was refused; deliver it uncompressed if it is a table",
                file=self.file,
            )
