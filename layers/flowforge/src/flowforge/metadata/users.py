"""People who sign in, by the ``sub`` of their identity provider, and their roles."""

from sqlalchemy import Connection, RowMapping, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.schema import users
from flowforge.model.role import Role

ENTITY = "user"


def role_of(connection: Connection, sub: str, *, first_admin: str | None = None) -> Role | None:
    """The role of a person; None for one that has none. ``first_admin`` is an admin while there is no other."""
    role = connection.execute(select(users.c.role).where(users.c.sub == sub)).scalar()
    if role is None and first_admin is not None and sub == first_admin and not _admins(connection):
        return Role.ADMIN
    return role


def give_role(connection: Connection, actor: Actor, sub: str, role: Role, *, email: str = "", name: str = "") -> None:
    """Give a person a role. Raises InUse where the last admin would lose theirs."""
    before = _locked(connection, sub)
    if before is not None and before["role"] is Role.ADMIN and role is not Role.ADMIN:
        _keep_an_admin(connection, sub)
    statement = insert(users).values(sub=sub, email=email, name=name, role=role, updated_by=actor.name)
    known = {
        "role": role,
        "email": func.coalesce(func.nullif(email, ""), users.c.email),
        "name": func.coalesce(func.nullif(name, ""), users.c.name),
        "updated_at": func.now(),
        "updated_by": actor.name,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["sub"], set_=known))
    was = None if before is None else {"role": before["role"]}
    audit.write(connection, actor, "give role", (ENTITY, sub), before=was, after={"role": role})


def remove_user(connection: Connection, actor: Actor, sub: str) -> None:
    """Take a person's access. Raises NotThere, and InUse for the last admin."""
    before = _locked(connection, sub)
    if before is None:
        raise NotThere(f"nobody has the sub {sub}", option="sub")
    if before["role"] is Role.ADMIN:
        _keep_an_admin(connection, sub)
    connection.execute(delete(users).where(users.c.sub == sub))
    audit.write(connection, actor, "remove", (ENTITY, sub), before={"role": before["role"]})


def people(connection: Connection) -> list[RowMapping]:
    """Everybody with a role."""
    return list(connection.execute(select(users).order_by(users.c.sub)).mappings())


def _locked(connection: Connection, sub: str) -> RowMapping | None:
    return connection.execute(select(users).where(users.c.sub == sub).with_for_update()).mappings().first()


def _admins(connection: Connection) -> list[str]:
    # Locked, so that two admins cannot take each other's role at once.
    return list(
        connection.execute(
            select(users.c.sub).where(users.c.role == Role.ADMIN).order_by(users.c.sub).with_for_update()
        ).scalars()
    )


def _keep_an_admin(connection: Connection, leaving: str) -> None:
    if _admins(connection) == [leaving]:
        raise InUse(f"{leaving} is the last admin: make somebody else one first")
