"""The options of the command line that say how files are read, and the source that follows."""

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flowforge.cli.checked_options import one_of
from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.source import SourceConfig
from flowforge.model.source_format import SourceFormat
from flowforge.model.workflow import describe_problem

if TYPE_CHECKING:
    from flowforge.cli.job_options import JobOptions

TAB = ("\\t", "tab")
NO_QUOTE = "none"
LONGEST_SHEET_NUMBER = 3
"""A longer number, such as 2026, is the name of a sheet."""
OPTIONS = {
    "encoding": "--encoding",
    "delimiter": "--delimiter",
    "quoteCharacter": "--quote",
    "escapeCharacter": "--escape",
    "commentPrefix": "--comment",
    "hasHeader": "--no-header",
    "skipRows": "--skip-rows",
    "skipFooterRows": "--skip-footer-rows",
    "nullValues": "--null-value",
    "onMalformedRow": "--on-malformed",
    "maxMalformedRows": "--max-malformed",
    "sheetName": "--sheet",
    "sheetIndex": "--sheet",
    "sheets": "--all-sheets",
    "headerRow": "--header-row",
    "recordPath": "--record-path",
}
"""The option that sets a field, for what the model says against it."""


def source_config(options: "JobOptions") -> SourceConfig:
    """What the job reads, and how. Raises UsageError naming the option that is wrong."""
    kind = one_of("--format", options.format or SourceFormat.AUTO.value, SourceFormat)
    chosen: dict[str, Any] = {
        "encoding": options.encoding,
        "delimiter": "\t" if options.delimiter in TAB else options.delimiter,
        "quoteCharacter": "" if options.quote == NO_QUOTE else options.quote,
        "escapeCharacter": options.escape,
        "commentPrefix": options.comment,
        "hasHeader": False if options.no_header else None,
        "skipRows": options.skip_rows or None,
        "skipFooterRows": options.skip_footer_rows or None,
        "nullValues": options.null_value or None,
        "onMalformedRow": options.on_malformed,
        "maxMalformedRows": options.max_malformed,
        "headerRow": options.header_row,
        "recordPath": options.record_path,
        **_sheet(options),
    }
    given = {field: value for field, value in chosen.items() if value is not None}
    try:
        return SourceConfig.model_validate({"type": kind, "fileConfig": given})
    except ValidationError as error:
        problem = error.errors()[0]
        raise UsageError(f"{_blamed(problem['loc'], given)}: {printable(describe_problem((), problem['msg']))}") from error


def _blamed(location: tuple[int | str, ...], given: dict[str, Any]) -> str:
    """The option of the field that is wrong, all where that is how they go together, or the format that they do not fit."""
    if not location:
        return "--format"
    named = [OPTIONS[part] for part in location if isinstance(part, str) and part in OPTIONS]
    return ", ".join(dict.fromkeys(named or [OPTIONS[field] for field in given]))


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
        return {"sheetIndex": int(options.sheet) - 1}
    return {"sheetName": options.sheet}
