"""The contract of one job: reading its versions, printing them, storing a next one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.endings import say
from flowforge.cli.stored_job import job_of_stack
from flowforge.cli.untrusted import cell, printable
from flowforge.cli.usage import UsageError
from flowforge.lake.contracts import latest_contract, read_contract, store_contract
from flowforge.lake.lake import Lake
from flowforge.local.connection import StackConnection
from flowforge.model.contract import Contract, ContractColumn, Origin
from flowforge.model.contract_diff import differences
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.workflow import describe_problem

BY_HAND = "by-hand"
"""Stands for the run in a version that a person stored."""


@dataclass(frozen=True)
class JobContracts:
    """The versions of the contract of one job."""

    lake: Lake
    workflow_id: str
    job: Job

    @classmethod
    def find(cls, stack: StackConnection, workflow: str, job: str | None) -> "JobContracts":
        """By id, name or slug. Raises UsageError where there is none."""
        found, stored = job_of_stack(stack, workflow, job)
        return cls(stack.lake(), found.id, stored)

    def version(self, number: int | None) -> Contract:
        """One version, or the newest. Raises ConfigFault where it is not there."""
        newest = latest_contract(self.lake, self.workflow_id, self.job.id)
        if newest is None:
            raise ConfigFault(f"{self.job.id} has no contract yet: its first run that reads a row stores one")
        found = newest if number is None else read_contract(self.lake, self.workflow_id, self.job.id, number)
        if found is None:
            raise ConfigFault(f"the contract of {self.job.id} has no version {number}; the newest is {newest.version}")
        return found


def print_contract(contracts: JobContracts, version: int | None, console: Console, *, as_json: bool) -> None:
    """Print a version as a table, or as the JSON that is stored."""
    contract = contracts.version(version)
    if as_json:
        console.print(Text(contract.to_json()), soft_wrap=True)
        return
    say(console, f"{contracts.job.name}, contract version {contract.version}, stored by {contract.run_id}")
    table = Table("column", "type", "form", "made of", "type is", box=None, pad_edge=False)
    for column in contract.columns:
        made_of = column.source if column.origin is Origin.SOURCE else f"{column.origin.value}: {column.source}"
        table.add_row(
            cell(column.name),
            str(column.data_type),
            cell(column.data_type.format or ""),
            cell(made_of, limit=60),
            "stated" if column.declared else "inferred",
        )
    console.print(table)


def print_differences(contracts: JobContracts, old: int, new: int | None, console: Console) -> None:
    """Print a line for each change, or that there is none."""
    earlier, later = contracts.version(old), contracts.version(new)
    lines = differences(earlier, later) or ["the two versions say the same"]
    for line in lines:
        say(console, line)


def set_contract(contracts: JobContracts, file: Path, console: Console) -> None:
    """Store the file's columns as the next version, and print what changes.

    Raises UsageError for a file that is no contract, ConfigFault where it contradicts the job or a version was stored since.
    """
    present = contracts.version(None)
    columns, based_on = _read(file)
    if based_on is not None and based_on != present.version:
        raise ConfigFault(
            f"{file} is made from version {based_on}, and version {present.version} was stored since: show and edit that"
        )
    before = {column.name: column for column in present.columns}
    stated = tuple(
        column.model_copy(update={"declared": True})
        if column.origin is Origin.SOURCE and (earlier := before.get(column.name)) and earlier.data_type != column.data_type
        else column
        for column in columns
    )
    _require_agreement(contracts.job, stated, present)
    lines = differences(present, present.model_copy(update={"columns": stated}))
    if not lines:
        say(console, f"Nothing changes: version {present.version} says the same")
        return
    stored = store_contract(
        contracts.lake, contracts.workflow_id, contracts.job.id, stated, after=present.version, run_id=BY_HAND
    )
    say(console, f"Stored version {stored.version} of the contract of {contracts.job.name}")
    for line in lines:
        say(console, line)


def _read(file: Path) -> tuple[tuple[ContractColumn, ...], int | None]:
    """The columns of a file, and the version that it says it is."""
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{file} is neither JSON nor YAML: {printable(str(error), limit=200)}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file} is no contract: it is a mapping with the field columns")
    try:
        contract = Contract.model_validate({"version": 1, "runId": BY_HAND, **document})
    except ValidationError as error:
        problems = "; ".join(describe_problem(problem["loc"], problem["msg"]) for problem in error.errors())
        raise UsageError(f"{file}: {printable(problems)}") from error
    return contract.columns, contract.version if "version" in document else None


def _require_agreement(job: Job, columns: tuple[ContractColumn, ...], present: Contract) -> None:
    """Raise ConfigFault where the next run would change the columns again, because the job says otherwise."""
    mappings = {mapping.source_column: mapping for mapping in job.transformation_config.column_mappings}
    of_job = {column.name: column for column in present.columns if column.origin is not Origin.SOURCE}
    for column in columns:
        if column.origin is not Origin.SOURCE:
            if of_job.pop(column.name, None) != column:
                raise ConfigFault(
                    f"{column.name} is {column.origin.value}: change it in the job's transformationConfig", column=column.name
                )
            continue
        mapping = mappings.get(column.source)
        name = mapping.name if mapping is not None else column.source
        if column.name != name:
            raise ConfigFault(f"{column.source} is named {name} in Silver by the job: rename it by columnMappings", column=name)
        declared = mapping.declared_type if mapping is not None else None
        if declared is not None and declared != column.data_type:
            raise ConfigFault(f"{name} is {declared} by the job's columnMappings: change its dataType there", column=name)
    if of_job:
        name = next(iter(of_job))
        raise ConfigFault(f"{name} is made by the job: take it out of the job's transformationConfig", column=name)
