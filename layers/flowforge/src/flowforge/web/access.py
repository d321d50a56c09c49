"""Who may do what: every route names the role that it needs, and knows who asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from flowforge.metadata.audit import Actor
from flowforge.metadata.schema.access import ActorKind
from flowforge.metadata.tokens import holder_of
from flowforge.metadata.users import role_of
from flowforge.model.role import Role
from flowforge.web.correlation import request_id
from flowforge.web.oidc import HEADER, NotSignedIn
from flowforge.web.services import Services, Used

BEARER = "bearer "
SESSION_COOKIE = "flowforge_session"


class Unauthenticated(Exception):  # noqa: N818 -- an answer, not a failure
    """Nobody, or nobody known, asks: 401."""


class Forbidden(Exception):  # noqa: N818 -- an answer, not a failure
    """Somebody known asks for more than their role allows: 403."""


@dataclass(frozen=True)
class Caller:
    """Who asks, and in what role."""

    actor: Actor
    role: Role


def caller_of(request: Request, services: Used) -> Caller:
    """Who sends a request: the holder of its token, the person whom the load balancer let in, or a laptop's own browser.

    Raises Unauthenticated for nobody, a token that does not count, and claims that do not prove who it is.
    """
    credentials = request.headers.get("authorization", "")
    with services.transaction() as connection:
        if credentials.lower().startswith(BEARER):
            return _holder(connection, services, credentials[len(BEARER) :].strip(), request_id(request))
        if services.identity is not None and HEADER in request.headers:
            return _person(connection, services, request.headers[HEADER], request_id(request))
        if services.has_sessions and SESSION_COOKIE in request.cookies:
            return _holder(connection, services, request.cookies[SESSION_COOKIE], request_id(request))
    raise Unauthenticated("this needs a token: send it as 'Authorization: Bearer …'")


def _holder(connection: Connection, services: Services, secret: str, request: str) -> Caller:
    holder = holder_of(connection, secret, services.environment)
    if holder is None:
        raise Unauthenticated("the token is not known here, has ended, or was revoked")
    return Caller(Actor(ActorKind.TOKEN, holder.id, request), holder.role)


def _person(connection: Connection, services: Services, header: str, request: str) -> Caller:
    if services.identity is None:
        raise Unauthenticated("nobody signs in here")
    try:
        person = services.identity.person(header)
    except NotSignedIn as error:
        raise Unauthenticated(str(error)) from error
    role = role_of(connection, person.sub, first_admin=services.first_admin)
    if role is None:
        raise Forbidden("you have no role here yet: ask an admin for one")
    return Caller(Actor(ActorKind.USER, person.sub, request), role)


def allowed(role: Role) -> Callable[[Caller], Caller]:
    """A dependency that lets those in who have at least a role. Its name in a route's dependencies is the route's need."""

    def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.role.includes(role):
            raise Forbidden(f"this needs the role {role.value}, and yours is {caller.role.value}")
        return caller

    check.__name__ = f"allowed_{role.value}"
    return check


Viewer = Annotated[Caller, Depends(allowed(Role.VIEWER))]
Operator = Annotated[Caller, Depends(allowed(Role.OPERATOR))]
Admin = Annotated[Caller, Depends(allowed(Role.ADMIN))]
