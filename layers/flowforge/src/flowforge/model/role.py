"""Roles: what a person or a token may do."""

from enum import StrEnum


class Role(StrEnum):
    """A viewer reads, an operator also runs and edits, an admin also gives access. Each may what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, needed: "Role") -> bool:
        """Whether this role may do what another one may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)
