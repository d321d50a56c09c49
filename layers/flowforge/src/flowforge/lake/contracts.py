"""Contracts as numbered objects: created once, never changed."""

from collections.abc import Callable

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.errors import CommitConflict, ConfigFault

TRIES = 20


def latest_contract(lake: Lake, workflow_id: str, job_id: str, *, start: int | None = None) -> Contract | None:
    """The newest contract, looked for from version ``start`` on; None before the first."""
    present = read_contract(lake, workflow_id, job_id, start) if start else None
    if start and present is None:
        raise ConfigFault(f"{keys.contract_key(workflow_id, job_id, start)} was named by the plan and is gone")
    while True:
        following = read_contract(lake, workflow_id, job_id, present.version + 1 if present else 1)
        if following is None:
            return present
        present = following


def read_contract(lake: Lake, workflow_id: str, job_id: str, version: int) -> Contract | None:
    """One version of a contract, or None. Raises ConfigFault where a person edited it into something invalid."""
    key = keys.contract_key(workflow_id, job_id, version)
    stored = lake.read(key)
    if stored is None:
        return None
    try:
        contract = Contract.model_validate_json(stored[0])
    except ValueError as error:
        raise ConfigFault(f"{key} is no valid contract: {error}", file=key) from error
    if contract.version != version:
        raise ConfigFault(f"{key} says it is version {contract.version}", file=key)
    return contract


Derive = Callable[[Contract | None], tuple[ContractColumn, ...]]
"""From the contract that holds to the columns that this run needs."""


def settle_contract(
    lake: Lake, workflow_id: str, job_id: str, *, start: Contract | None, derive: Derive, run_id: str
) -> Contract:
    """The contract that this run writes by: the present one where it suffices, otherwise the next version.

    Two runs that need a new version at once agree on the first that was stored.
    """
    present = start
    for _ in range(TRIES):
        columns = derive(present)
        if present is not None and present.columns == columns:
            return present
        version = present.version + 1 if present else 1
        contract = Contract(version=version, run_id=run_id, columns=columns)
        if lake.write(keys.contract_key(workflow_id, job_id, version), contract.to_json()):
            return contract
        present = read_contract(lake, workflow_id, job_id, version)
    raise CommitConflict(f"the contract of {job_id} was changed by other runs {TRIES} times in a row")


def store_contract(
    lake: Lake, workflow_id: str, job_id: str, columns: tuple[ContractColumn, ...], *, after: int, run_id: str
) -> Contract:
    """Store the version that follows ``after``. Raises CommitConflict where somebody else has stored it meanwhile."""
    contract = Contract(version=after + 1, run_id=run_id, columns=columns)
    if not lake.write(keys.contract_key(workflow_id, job_id, contract.version), contract.to_json()):
        raise CommitConflict(f"version {contract.version} of the contract of {job_id} was stored meanwhile: show and edit that")
    return contract
