"""Tokens of the API on the screen."""

import re
from datetime import UTC, datetime, timedelta

from rich.table import Table

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import Ending
from flowforge.cli.api.session import Session, confirmed
from flowforge.cli.moments import moment
from flowforge.cli.untrusted import cell
from flowforge.cli.usage import UsageError
from flowforge.model.role import Role

TOKENS = "/api/tokens"
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


def list_tokens(session: Session) -> int:
    """Print them, newest first."""
    found = session.api.get(TOKENS).document
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    table = Table("Token", "Name", "Role", "Made by", "Made", "Ends", "Last used", "Revoked")
    for item in found:
        times = (moment(item[name]) for name in ("createdAt", "expiresAt", "lastUsedAt", "revokedAt"))
        table.add_row(cell(item["id"]), cell(item["name"]), item["role"], cell(item["createdBy"]), *times)
    session.console.print(table)
    return Ending.SUCCESS


def create_token(session: Session, name: str, *, role: str, expires_in: str | None) -> int:
    """Make one, and print its secret."""
    if role not in list(Role):
        raise UsageError(f"--role: {role!r} is none of {', '.join(Role)}")
    document = {"name": name, "role": role}
    if expires_in is not None:
        document["expiresAt"] = (datetime.now(UTC) + _span(expires_in)).isoformat()
    made = session.api.post(TOKENS, document).document
    if session.as_json:
        session.tell(made)
    else:
        session.console.file.write(made["token"] + "\n")
        session.note(f"Made the token {made['id']} for {name}, as {role}; its secret is not told again")
    return Ending.SUCCESS


def revoke_token(session: Session, token_id: str, *, yes: bool) -> int:
    """End one."""
    if not confirmed(f"Revoke the token {token_id}? Whoever uses it is refused from then on.", yes=yes):
        session.say("Nothing was changed")
        return Ending.FAILURE
    answer = session.api.delete(f"{TOKENS}/{part(token_id)}")
    if session.as_json:
        session.tell(answer.document)
    session.say(f"Revoked {token_id}")
    return Ending.SUCCESS


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError(f"--expires-in: {text!r} is no length of time: write hours or days, such as 12h or 90d")
    return int(found[1]) * _UNITS[found[2]]
