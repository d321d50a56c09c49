"""What a job reads: its files, how they are found and how they are read."""

import fnmatch
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.text_options import TextOptions


class FileConfig(TextOptions):
    """How the job's files are found below its landing prefix and read.

    ``file_path`` names the one file of the job, by its name in the landing folder; folders before it are those it came from.
    """

    file_pattern: str = "*"
    file_path: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _files_are_found_when_a_run_is_planned(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        if value.get("matchedFiles"):
            raise ValueError("matchedFiles lists what was there once; a run finds its files by filePattern or filePath")
        # A form writes every field that it has.
        return {name: setting for name, setting in value.items() if name != "matchedFiles"}

    @model_validator(mode="after")
    def _one_way_to_find_files(self) -> Self:
        if self.file_path is not None and self.file_pattern != "*":
            raise ValueError("filePath and filePattern choose the job's files in two ways; give one of them")
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


class SourceConfig(Document):
    """What the job reads."""

    type: Literal["csv"] = "csv"
    file_config: FileConfig = FileConfig()
