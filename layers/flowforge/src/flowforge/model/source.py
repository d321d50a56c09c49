"""What a job reads: its files, how they are found and how they are read."""

import fnmatch
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.base import Document
from flowforge.model.format_options import FormatOptions
from flowforge.model.names import OneCharacter
from flowforge.model.source_format import SourceFormat


class UploadMode(StrEnum):
    """How many files a run reads: one, those of ``filePattern``, or all that lie in the landing folder."""

    SINGLE = "single"
    PATTERN = "pattern"
    DIRECTORY = "directory"


class FileConfig(FormatOptions):
    """How the job's files are found below its landing prefix and read. ``skip_rows`` are left out before the header."""

    file_pattern: str = "*"
    upload_mode: UploadMode = UploadMode.PATTERN
    encoding: Literal["utf-8"] = "utf-8"
    delimiter: OneCharacter = ","
    has_header: bool = True
    skip_rows: Annotated[int, Field(ge=0)] = 0
    null_values: tuple[str, ...] = ()

    @field_validator("delimiter")
    @classmethod
    def _one_byte(cls, delimiter: str) -> str:
        if not delimiter.isascii() or delimiter in '"\r\n\0':
            raise ValueError(f"the delimiter {delimiter!r} must be one ASCII character other than a quote or a line end")
        return delimiter

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        if self.upload_mode is UploadMode.DIRECTORY and self.file_pattern != "*":
            raise ValueError("uploadMode 'directory' reads every file of the folder; with a filePattern it is 'pattern'")
        if self.header_row is not None and not self.has_header:
            raise ValueError("headerRow names the row of the header, and hasHeader says that there is none")
        if self.header_row is not None and self.skip_rows >= self.header_row:
            raise ValueError(f"skipRows leaves out the header: it is {self.skip_rows}, and headerRow is {self.header_row}")
        return self

    def wants(self, name: str) -> bool:
        """Whether what lies below the landing prefix is a file of the job: what folders hold, and their markers, is not."""
        return bool(name) and "/" not in name and fnmatch.fnmatchcase(name, self.file_pattern)


class SourceConfig(Document):
    """What the job reads."""

    type: SourceFormat = SourceFormat.AUTO
    file_config: FileConfig = FileConfig()

    @model_validator(mode="after")
    def _options_fit_the_format(self) -> Self:
        config, kind = self.file_config, self.type
        if kind not in (SourceFormat.AUTO, SourceFormat.EXCEL) and config.of_workbooks:
            raise ValueError(f"{', '.join(config.of_workbooks)}: belongs to workbooks, and type is {kind.value!r}")
        if kind not in (SourceFormat.AUTO, SourceFormat.JSON) and config.record_path is not None:
            raise ValueError(f"recordPath: belongs to JSON, and type is {kind.value!r}")
        if kind in (SourceFormat.JSON, SourceFormat.PARQUET) and config.null_values:
            raise ValueError(f"nullValues: null has a form of its own in {kind.value}; leave the option out")
        if kind is not SourceFormat.EXCEL and (config.skip_rows or not config.has_header):
            raise ValueError("skipRows and hasHeader: false are supported for workbooks only (type: excel)")
        return self
