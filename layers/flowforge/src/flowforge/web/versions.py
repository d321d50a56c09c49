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


ANYTHING = "*"
Precondition = Annotated[str | None, Header(description="The ETag of the version that you have seen.")]
Absence = Annotated[str | None, Header(description="'*' where there should be none yet.")]


def version_or_absence(if_match: Precondition = None, if_none_match: Absence = None) -> int | None:
    """The version that a client replaces, or None where it makes what must not be there.

    Raises NoVersion where it says neither or both, and Changed for a version that no answer ever had.
    """
    if (if_match is None) == (if_none_match is None):
        raise NoVersion("say what you replace: send the ETag of what you read as If-Match, or 'If-None-Match: *' for what is new")
    if if_none_match is None:
        return version_of(if_match)
    if if_none_match.strip() != ANYTHING:
        raise NoVersion("If-None-Match takes '*' alone: there is nothing of that name yet")
    return None
