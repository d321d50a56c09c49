"""Where the API is, and the token that it is asked with: from the options, the environment, or the stack that runs here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flowforge.cli.usage import UsageError
from flowforge.local.api_endpoints import API, API_TOKEN, API_VARIABLES

API_VARIABLE, TOKEN_VARIABLE = API_VARIABLES[API], API_VARIABLES[API_TOKEN]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """The API's URL, and a token for it, which is never printed."""

    url: str
    token: str = field(repr=False)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where no proxy may stand between."""
        return urlsplit(self.url).hostname in LOOPBACK


def find_address(
    url: str | None, token_file: Path | None, state: Path | None, environment: Mapping[str, str] = os.environ
) -> Address:
    """The address that a command means.

    ``--api`` or else FLOWFORGE_API, with the token of ``--token-file`` or else of FLOWFORGE_TOKEN. Where no address is told, or a
    state folder is, it is that of the stack of the folder, whose own token goes to no other address.

    Raises UsageError for what is missing, or would send a token in the clear.
    """
    stated = url or (None if state is not None else environment.get(API_VARIABLE, "").strip() or None)
    given = _token_of(token_file) if token_file is not None else None
    if stated is not None:
        token = given or environment.get(TOKEN_VARIABLE, "").strip()
        if not token:
            raise UsageError(f"there is no token for {stated}: set {TOKEN_VARIABLE}, or name a file by --token-file")
        return _checked(Address(stated.rstrip("/"), token))
    here = _of_the_stack(state)
    return _checked(Address(here.url, given or here.token))


def _checked(address: Address) -> Address:
    parts = urlsplit(address.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{address.url} is no address of an API, such as https://flowforge.example.com")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address carries no password: the token stands in a file or in FLOWFORGE_TOKEN")
    if parts.scheme == "http" and not address.is_here:
        raise UsageError(f"{address.url} is not encrypted, and anybody on the way could read the token: use https")
    if not address.token.isascii() or any(character.isspace() or not character.isprintable() for character in address.token):
        raise UsageError("the token is one word of ASCII characters; is it the right file, or the right variable?")
    return address


def _token_of(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file: {path} cannot be read ({error})") from error
    if not token:
        raise UsageError(f"--token-file: {path} is empty")
    return token


def _of_the_stack(state: Path | None) -> Address:
    """The API of the stack that runs on a state folder, or on the project's own. Raises UsageError where there is none."""
    from flowforge.local.errors import LocalStackError
    from flowforge.local.project import find_project
    from flowforge.local.stack_file import running_stack
    from flowforge.local.state_folder import StateFolder

    try:
        folder = StateFolder.of(find_project(), state)
    except LocalStackError as error:
        raise UsageError(f"where is the API? Set {API_VARIABLE} and {TOKEN_VARIABLE}, or state --api") from error
    found = running_stack(folder)
    if found is None or API not in found.endpoints:
        raise UsageError(
            f"no stack serves its API for {folder.root}: 'flowforge up' starts one; that of a stage in AWS is named by "
            f"{API_VARIABLE} and {TOKEN_VARIABLE}"
        )
    return Address(found.endpoints[API], found.endpoints[API_TOKEN])
