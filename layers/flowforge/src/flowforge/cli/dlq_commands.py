"""``flowforge dlq``: messages that could not be handled, with why, over the API."""

from typing import Annotated

import typer

from flowforge.cli.api.session import ApiState, ApiUrl, AsJson, Session, TokenFile, Yes, with_api
from flowforge.cli.panels import API

MessageId = Annotated[str, typer.Argument(metavar="ID", help="As 'dlq list' shows it.", show_default=False)]
MessageIds = Annotated[list[str], typer.Argument(metavar="ID...", help="As 'dlq list' shows them.", show_default=False)]
dlq = typer.Typer(help="Dead letters, the messages that could not be handled: list, show, redrive, delete.", no_args_is_help=True)


def add_dlq_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(dlq, name="dlq", rich_help_panel=API)


@dlq.command("list")
def list_(as_json: AsJson = False, api: ApiUrl = None, token_file: TokenFile = None, state: ApiState = None) -> None:
    """List them with the reason."""

    def work(session: Session) -> int:
        from flowforge.cli.dead_letters import list_letters

        return list_letters(session)

    with_api("flowforge dlq list", api, token_file, state, work, as_json=as_json)


@dlq.command()
def show(
    message_id: MessageId, as_json: AsJson = False, api: ApiUrl = None, token_file: TokenFile = None, state: ApiState = None
) -> None:
    """Show one with what it says."""

    def work(session: Session) -> int:
        from flowforge.cli.dead_letters import show_letter

        return show_letter(session, message_id)

    with_api("flowforge dlq show", api, token_file, state, work, as_json=as_json)


@dlq.command()
def redrive(
    message_ids: MessageIds, as_json: AsJson = False, api: ApiUrl = None, token_file: TokenFile = None, state: ApiState = None
) -> None:
    """Send messages back to their queue, to be tried again."""

    def work(session: Session) -> int:
        from flowforge.cli.dead_letters import redrive_letters

        return redrive_letters(session, message_ids)

    with_api("flowforge dlq redrive", api, token_file, state, work, as_json=as_json)


@dlq.command()
def delete(
    message_ids: MessageIds,
    yes: Yes = False,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Delete messages. What they asked for is not done."""

    def work(session: Session) -> int:
        from flowforge.cli.dead_letters import delete_letters

        return delete_letters(session, message_ids, yes=yes)

    with_api("flowforge dlq delete", api, token_file, state, work, as_json=as_json)
