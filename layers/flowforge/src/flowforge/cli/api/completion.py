"""Completing ids in a shell: asked of the API where one is known, and silent where it does not answer at once."""

from collections.abc import Iterable
from typing import Any

SECONDS = 1.0
MOST = 50


def workflows(incomplete: str) -> list[tuple[str, str]]:
    """Ids and slugs of workflows that begin so, with their names."""
    found = _listed("/api/workflows", "workflows", limit=200)
    return _begun(incomplete, ((each, item["name"]) for item in found for each in (item["id"], item["slug"])))


def executions(incomplete: str) -> list[tuple[str, str]]:
    """Ids of the newest executions that begin so, with what they are of and how they stand."""
    found = _listed("/api/orchestration/monitor", "executions", limit=MOST)
    return _begun(incomplete, ((item["id"], f"{item['workflowName']}, {item['status']}") for item in found))


def tokens(incomplete: str) -> list[tuple[str, str]]:
    """Ids of tokens that begin so, with their names."""
    found = _listed("/api/tokens", None)
    return _begun(incomplete, ((item["id"], item["name"]) for item in found))


def _begun(incomplete: str, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(each, told) for each, told in pairs if each.startswith(incomplete)][:MOST]


def _listed(path: str, name: str | None, **query: Any) -> list[dict[str, Any]]:
    """What a list holds, or nothing: a shell that waits for a key has no place for an error."""
    from flowforge.cli.api.address import find_address
    from flowforge.cli.api.client import Api
    from flowforge.cli.api.errors import ApiError
    from flowforge.cli.usage import UsageError

    try:
        api = Api(find_address(None, None, None), connect_seconds=SECONDS, read_seconds=SECONDS)
        document = api.get(path, **query).document
    except (ApiError, UsageError):
        return []
    found: list[dict[str, Any]] = document[name] if name else document
    return found
