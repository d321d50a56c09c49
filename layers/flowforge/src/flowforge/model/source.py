"""What a job reads: its files, how they are found and how they are read."""

import fnmatch
from typing import Literal

from flowforge.model.base import Document
from flowforge.model.text_options import TextOptions


class FileConfig(TextOptions):
    """How the job's files are found below its landing prefix and read."""

    file_pattern: str = "*"

    def wants(self, name: str) -> bool:
        """Whether what lies below the landing prefix is a file of the job: what folders hold, and their markers, is not."""
        return bool(name) and "/" not in name and fnmatch.fnmatchcase(name, self.file_pattern)


class SourceConfig(Document):
    """What the job reads."""

    type: Literal["csv"] = "csv"
    file_config: FileConfig = FileConfig()
