"""Tokens, people and their roles."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, status
from pydantic import AwareDatetime, Field

from flowforge.metadata.tokens import create_token, revoke_token, tokens
from flowforge.metadata.users import give_role, people, remove_user
from flowforge.model.base import Document
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from flowforge.web.access import Admin, Viewer
from flowforge.web.routes.workflows import Success
from flowforge.web.services import Used

router = APIRouter(tags=["access"])
Sub = Annotated[str, Path(min_length=1, max_length=255)]


class Myself(Document):
    """Who asks."""

    kind: str
    name: str
    role: Role
    environment: Environment


class NewTokenRequest(Document):
    """A token to be. Without an end it lasts until it is revoked."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role = Role.VIEWER
    expires_at: AwareDatetime | None = None


class TokenSecret(Document):
    """The one answer that tells a token's secret."""

    id: str
    token: str


class TokenView(Document):
    """A token without its secret."""

    id: str
    name: str
    role: Role
    environment: Environment
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class UserView(Document):
    """A person with a role, by the ``sub`` of the identity provider."""

    sub: str
    email: str
    name: str
    role: Role


class RoleRequest(Document):
    """The role that a person gets."""

    role: Role
    email: Annotated[str, Field(max_length=320)] = ""
    name: Annotated[str, Field(max_length=200)] = ""


@router.get("/api/me")
def who_am_i(services: Used, caller: Viewer) -> Myself:
    """Who asks, and in what role."""
    return Myself(kind=caller.actor.kind.value, name=caller.actor.name, role=caller.role, environment=services.environment)


@router.get("/api/tokens")
def list_tokens(services: Used, _caller: Admin) -> list[TokenView]:
    """Every token, newest first."""
    with services.transaction() as connection:
        return [TokenView.model_validate({name: row[name] for name in TokenView.model_fields}) for row in tokens(connection)]


@router.post("/api/tokens", status_code=status.HTTP_201_CREATED)
def make_token(services: Used, caller: Admin, given: NewTokenRequest) -> TokenSecret:
    """Make a token. Its secret is told in this answer and never again."""
    with services.transaction() as connection:
        made = create_token(connection, caller.actor, given.name, given.role, services.environment, expires_at=given.expires_at)
    return TokenSecret(id=made.id, token=made.secret)


@router.delete("/api/tokens/{token_id}")
def end_token(services: Used, caller: Admin, token_id: str) -> Success:
    """Revoke a token."""
    with services.transaction() as connection:
        revoke_token(connection, caller.actor, token_id)
    return Success()


@router.get("/api/users")
def list_users(services: Used, _caller: Admin) -> list[UserView]:
    """Everybody with a role."""
    with services.transaction() as connection:
        return [UserView.model_validate({name: row[name] for name in UserView.model_fields}) for row in people(connection)]


@router.put("/api/users/{sub}")
def set_role(services: Used, caller: Admin, sub: Sub, given: RoleRequest) -> Success:
    """Give a person a role."""
    with services.transaction() as connection:
        give_role(connection, caller.actor, sub, given.role, email=given.email, name=given.name)
    return Success()


@router.delete("/api/users/{sub}")
def take_role(services: Used, caller: Admin, sub: Sub) -> Success:
    """Take a person's access."""
    with services.transaction() as connection:
        remove_user(connection, caller.actor, sub)
    return Success()
