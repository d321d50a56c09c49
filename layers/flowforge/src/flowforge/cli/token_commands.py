"""``flowforge token``: who may ask the API, for an admin."""

from typing import Annotated

import typer

from flowforge.cli.api.completion import tokens as known_tokens
from flowforge.cli.api.session import ApiState, ApiUrl, AsJson, Session, TokenFile, Yes, with_api
from flowforge.cli.panels import API

token = typer.Typer(help="Tokens of the API: list, create, revoke.", no_args_is_help=True)


def add_token_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(token, name="token", rich_help_panel=API)


@token.command("list")
def list_(as_json: AsJson = False, api: ApiUrl = None, token_file: TokenFile = None, state: ApiState = None) -> None:
    """List tokens, newest first, without their secrets."""

    def work(session: Session) -> int:
        from flowforge.cli.tokens import list_tokens

        return list_tokens(session)

    with_api("flowforge token list", api, token_file, state, work, as_json=as_json)


@token.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.", show_default=False)],
    role: Annotated[str, typer.Option(metavar="ROLE", help="viewer, operator or admin.")] = "viewer",
    expires_in: Annotated[
        str | None, typer.Option(metavar="TIME", help="Such as 12h or 90d. Without it, it is good until it is revoked.")
    ] = None,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Make a token. Its secret is the only thing on standard output, and is told this once."""

    def work(session: Session) -> int:
        from flowforge.cli.tokens import create_token

        return create_token(session, name, role=role, expires_in=expires_in)

    with_api("flowforge token create", api, token_file, state, work, as_json=as_json)


@token.command()
def revoke(
    token_id: Annotated[
        str, typer.Argument(metavar="ID", help="As 'token list' shows it.", autocompletion=known_tokens, show_default=False)
    ],
    yes: Yes = False,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """End a token."""

    def work(session: Session) -> int:
        from flowforge.cli.tokens import revoke_token

        return revoke_token(session, token_id, yes=yes)

    with_api("flowforge token revoke", api, token_file, state, work, as_json=as_json)
