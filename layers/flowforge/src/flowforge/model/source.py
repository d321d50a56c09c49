"""What a job reads: its files, how they are found and how they are read."""

import fnmatch
from typing import Literal

from pydantic import field_validator

from flowforge.model.base import Document
from flowforge.model.names import OneCharacter


class FileConfig(Document):
    """How the job's files are found below its landing prefix and read."""

    file_pattern: str = "*"
    encoding: Literal["utf-8"] = "utf-8"
    delimiter: OneCharacter = ","
    has_header: Literal[True] = True
    null_values: tuple[str, ...] = ()

    @field_validator("delimiter")
    @classmethod
    def _one_byte(cls, delimiter: str) -> str:
        if not delimiter.isascii() or delimiter in '"\r\n\0':
            raise ValueError(f"the delimiter {delimiter!r} must be one ASCII character other than a quote or a line end")
        return delimiter

    def wants(self, name: str) -> bool:
        """Whether what lies below the landing prefix is a file of the job: what folders hold, and their markers, is not."""
        return bool(name) and "/" not in name and fnmatch.fnmatchcase(name, self.file_pattern)


class SourceConfig(Document):
    """What the job reads."""

    type: Literal["csv"] = "csv"
    file_config: FileConfig = FileConfig()
