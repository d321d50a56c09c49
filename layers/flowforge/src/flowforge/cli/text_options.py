"""The options of the command line that say how delimited text is read."""

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.source import FileConfig
from flowforge.model.workflow import describe_problem

if TYPE_CHECKING:
    from flowforge.cli.job_options import JobOptions

TAB = ("\\t", "tab")
NO_QUOTE = "none"
OPTIONS = {
    "encoding": "--encoding",
    "delimiter": "--delimiter",
    "quoteCharacter": "--quote",
    "escapeCharacter": "--escape",
    "commentPrefix": "--comment",
    "skipRows": "--skip-rows",
    "skipFooterRows": "--skip-footer-rows",
    "onMalformedRow": "--on-malformed",
    "maxMalformedRows": "--max-malformed",
}
"""The option that sets a field, for what the model says against it."""


def file_config(options: "JobOptions") -> FileConfig:
    """How the job's files are read. Raises UsageError naming the option that is wrong."""
    chosen: dict[str, Any] = {
        "encoding": options.encoding,
        "delimiter": "\t" if options.delimiter in TAB else options.delimiter,
        "escapeCharacter": options.escape,
        "commentPrefix": options.comment,
        "hasHeader": not options.no_header,
        "skipRows": options.skip_rows,
        "skipFooterRows": options.skip_footer_rows,
        "nullValues": options.null_value,
        "maxMalformedRows": options.max_malformed,
    }
    if options.quote is not None:
        chosen["quoteCharacter"] = "" if options.quote == NO_QUOTE else options.quote
    if options.on_malformed is not None:
        chosen["onMalformedRow"] = options.on_malformed
    try:
        return FileConfig.model_validate(chosen)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        given = [option for name, option in OPTIONS.items() if name == field or (not field and chosen.get(name) not in (None, 0))]
        reason = describe_problem((), problem["msg"])
        raise UsageError(f"{', '.join(given)}: {printable(reason)}") from error
