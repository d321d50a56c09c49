"""Running a command on the API: the options that each has, the client it gets, and the status that it ends with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.cli.api.client import Api

PANEL = "Where the API is"
ApiUrl = Annotated[
    str | None,
    typer.Option("--api", metavar="URL", help="Its address; FLOWFORGE_API without it.", rich_help_panel=PANEL),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help="A file with the token; FLOWFORGE_TOKEN without it.", rich_help_panel=PANEL
    ),
]
ApiState = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="FOLDER", help="The API of the local stack that keeps its data there.", rich_help_panel=PANEL
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the API answers it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True)
class Session:
    """What a command works with."""

    api: "Api"
    console: "Console"
    errors: "Console"
    as_json: bool = False

    def say(self, line: str) -> None:
        """Print a line for people: on standard error where standard output is JSON."""
        from flowforge.cli.endings import say

        say(self.errors if self.as_json else self.console, line)

    def note(self, line: str) -> None:
        """Print a line for people beside what is printed for programs."""
        from flowforge.cli.endings import say

        say(self.errors, line)

    def tell(self, document: Any) -> None:
        """Print a document as JSON, and nothing else on standard output."""
        self.console.file.write(json.dumps(document, indent=2) + "\n")


def with_api(
    command: str,
    url: str | None,
    token_file: Path | None,
    state: Path | None,
    work: Callable[[Session], int],
    *,
    as_json: bool = False,
) -> None:
    """Do the work on the API; what it answers or raises becomes the exit status."""
    from flowforge.cli.endings import say, status_of
    from flowforge.cli.screen import consoles

    console, errors = consoles()

    def on_the_api() -> int:
        from flowforge.cli.api.address import find_address
        from flowforge.cli.api.client import Api
        from flowforge.cli.api.errors import ApiError

        try:
            return work(Session(Api(find_address(url, token_file, state)), console, errors, as_json))
        except ApiError as error:
            say(errors, f"error: {error}")
            return error.ending

    raise typer.Exit(status_of(on_the_api, errors, command=command))


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether the person agrees. Raises UsageError where nobody can be asked."""
    import sys

    from flowforge.cli.usage import UsageError

    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here: say --yes")
    return typer.confirm(question, err=True)
