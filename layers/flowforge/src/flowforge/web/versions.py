"""ETag and If-Match: who changes something says which version of it they have seen."""

from typing import Annotated

from fastapi import Header, Response

from flowforge.metadata.refusals import Changed


class NoVersion(Exception):  # noqa: N818 -- an answer, not a failure
    """A change without the version that it is of: 428."""


def etag(version: int) -> str:
    """The strong ETag of a version."""
    return f'"{version}"'


def tell(response: Response, version: int) -> None:
    """Put the ETag of a version into an answer."""
    response.headers["ETag"] = etag(version)


def version_of(
    if_match: Annotated[str | None, Header(description="The ETag of the version that you have seen.")] = None,
) -> int:
    """The version that a client changes. Raises NoVersion without one, and Changed for one that no answer ever had."""
    if if_match is None:
        raise NoVersion("say which version you change: send the ETag of what you read as If-Match")
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Changed(f"If-Match {if_match[:50]} is no ETag of ours: read it again, and change that")
    return int(text)
