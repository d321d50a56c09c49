"""The options of the command line that say how files are read, and the source that follows."""

from typing import TYPE_CHECKING, Any

from flowforge.cli.checked_options import checked, one_of
from flowforge.cli.usage import UsageError
from flowforge.model.source import FileConfig, SourceConfig
from flowforge.model.source_format import SourceFormat

if TYPE_CHECKING:
    from flowforge.cli.job_options import JobOptions

TAB = ("\\t", "tab")
LONGEST_SHEET_NUMBER = 3
"""A longer number, such as 2026, is the name of a sheet."""


def source_config(options: "JobOptions") -> SourceConfig:
    """What the job reads, and how. Raises UsageError naming the option that is wrong."""
    kind = one_of("--format", options.format or SourceFormat.AUTO.value, SourceFormat)
    chosen: dict[str, Any] = {
        "null_values": options.null_value,
        "header_row": options.header_row,
        "record_path": options.record_path,
    }
    if options.delimiter is not None:
        delimiter = "\t" if options.delimiter in TAB else options.delimiter
        chosen |= {"delimiter": checked("--delimiter", lambda: FileConfig(delimiter=delimiter)).delimiter}
    file_config = checked("--header-row, --record-path", lambda: FileConfig(**chosen, **_sheet(options)))
    return checked("--format", lambda: SourceConfig(type=kind, file_config=file_config))


def _sheet(options: "JobOptions") -> dict[str, Any]:
    if options.all_sheets and options.sheet is not None:
        raise UsageError("--sheet chooses one sheet, and --all-sheets every one: leave one of them out")
    if options.all_sheets:
        return {"sheets": "all"}
    if options.sheet is None:
        return {}
    if options.sheet.isdecimal() and len(options.sheet) <= LONGEST_SHEET_NUMBER:
        if int(options.sheet) == 0:
            raise UsageError("--sheet: sheets are numbered from 1")
        return {"sheet_index": int(options.sheet) - 1}
    return {"sheet_name": options.sheet}
