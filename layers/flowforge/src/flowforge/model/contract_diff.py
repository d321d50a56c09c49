"""What changed between two versions of a contract, in sentences."""

from flowforge.model.contract import Contract, ContractColumn


def differences(old: Contract, new: Contract) -> list[str]:
    """One line for each column that came, went or changed; none where the two say the same."""
    before, after = ({column.name: column for column in contract.columns} for contract in (old, new))
    renamed = {
        name: other
        for name, column in after.items()
        for other, earlier in before.items()
        if name not in before and other not in after and (column.source, column.origin) == (earlier.source, earlier.origin)
    }
    lines = [f"- {name}: removed" for name in before if name not in after and name not in renamed.values()]
    for name, column in after.items():
        if name in renamed:
            lines.append(f"~ {name}: was named {renamed[name]}")
        elif name not in before:
            lines.append(f"+ {name}: {described(column)}")
        earlier = before.get(renamed.get(name, name))
        if earlier is not None:
            lines += [f"~ {name}: {change}" for change in _changes(earlier, column)]
    kept_before, kept_after = [name for name in before if name in after], [name for name in after if name in before]
    if kept_before != kept_after:
        lines.append(f"~ the columns stand in another order: {', '.join(kept_after)}")
    return lines


def described(column: ContractColumn) -> str:
    """A column's type and what it is made of, in a few words."""
    form = f" {column.data_type.format}" if column.data_type.format else ""
    origin = "" if column.source == column.name else f" from {column.source}"
    return f"{column.data_type}{form}{origin}"


def _changes(old: ContractColumn, new: ContractColumn) -> list[str]:
    changes = []
    if old.data_type != new.data_type:
        changes.append(f"{_type(old)} became {_type(new)}")
    if (old.source, old.origin) != (new.source, new.origin):
        changes.append(f"it comes from {new.source}, and came from {old.source}")
    if old.declared != new.declared:
        changes.append(f"its type is {'stated' if new.declared else 'inferred'} now")
    return changes


def _type(column: ContractColumn) -> str:
    details = [column.data_type.format, column.data_type.thousands_separator]
    shown = ", ".join(repr(detail) for detail in details if detail)
    return f"{column.data_type} ({shown})" if shown else str(column.data_type)
