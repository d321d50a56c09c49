"""What a job reads: its files, how they are found and how they are read."""

import fnmatch
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.format_options import FormatOptions
from flowforge.model.source_format import SourceFormat
from flowforge.model.text_options import TextOptions


class UploadMode(StrEnum):
    """How many files a run reads: one, those of ``filePattern``, or all that lie in the landing folder."""

    SINGLE = "single"
    PATTERN = "pattern"
    DIRECTORY = "directory"


class OptionUse(NamedTuple):
    """An option of ``fileConfig`` that is set, by its stored name, and the formats that have a use for it, in words too."""

    name: str
    formats: tuple[SourceFormat, ...]
    told: str


class FileConfig(TextOptions, FormatOptions):
    """How the job's files are found below its landing prefix and read.

    ``file_path`` names the one file of the job, by its name in the landing folder; folders before it are those it came from.
    """

    file_pattern: str = "*"
    file_path: Annotated[str, Field(min_length=1)] | None = None
    upload_mode: UploadMode = UploadMode.PATTERN

    @model_validator(mode="after")
    def _one_way_to_find_files(self) -> Self:
        if self.file_path is not None and self.file_pattern != "*":
            raise ValueError("filePath and filePattern choose the job's files in two ways; give one of them")
        if self.upload_mode is UploadMode.DIRECTORY and self.file_path is not None:
            raise ValueError("uploadMode 'directory' reads every file of the folder; with a filePath it is 'single'")
        if self.upload_mode is UploadMode.DIRECTORY and self.file_pattern != "*":
            raise ValueError("uploadMode 'directory' reads every file of the folder; with a filePattern it is 'pattern'")
        return self

    @model_validator(mode="after")
    def _one_header(self) -> Self:
        if self.header_row is not None and not self.has_header:
            raise ValueError("headerRow names the row of the header, and hasHeader says that there is none")
        if self.header_row is not None and self.skip_rows >= self.header_row:
            raise ValueError(f"skipRows leaves out the header: it is {self.skip_rows}, and headerRow is {self.header_row}")
        return self

    def wants(self, name: str) -> bool:
        """Whether what lies below the landing prefix is a file of the job: what folders hold, and their markers, is not."""
        if self.file_path is not None:
            return name == PurePosixPath(self.file_path.replace("\\", "/")).name
        return bool(name) and "/" not in name and fnmatch.fnmatchcase(name, self.file_pattern)

    @property
    def wanted(self) -> str:
        """What the job's files are found by, for a message."""
        return self.file_path or self.file_pattern

    @property
    def uses(self) -> list[OptionUse]:
        """The options that are set and that some formats have no use for."""
        csv, excel = SourceFormat.CSV, SourceFormat.EXCEL
        return [
            *(OptionUse(name, (csv,), "delimited text") for name in self.of_text),
            *(OptionUse(name, (csv, excel), "delimited text and workbooks") for name in self.of_rows),
            *(OptionUse(name, (excel,), "workbooks") for name in self.of_workbooks),
            *(OptionUse(name, (SourceFormat.JSON,), "JSON") for name in self.of_json),
        ]


class SourceConfig(Document):
    """What the job reads. With type ``auto`` the files of a run decide whether an option is of use."""

    type: SourceFormat = SourceFormat.AUTO
    file_config: FileConfig = FileConfig()

    @model_validator(mode="after")
    def _options_fit_the_format(self) -> Self:
        kind = self.type
        if kind in (SourceFormat.JSON, SourceFormat.PARQUET) and self.file_config.null_values:
            raise ValueError(f"nullValues: null has a form of its own in {kind.value}; leave the option out")
        for use in self.file_config.uses:
            if kind is not SourceFormat.AUTO and kind not in use.formats:
                raise ValueError(f"{use.name}: belongs to {use.told}, and type is {kind.value!r}")
        return self
