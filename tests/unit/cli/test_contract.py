"""``flowforge contract`` over a lake."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from flowforge.cli.contract import JobContracts, print_contract, print_differences, set_contract
from flowforge.cli.usage import UsageError
from flowforge.local.connection import StackConnection
from flowforge.metadata.database import Database
from flowforge.model.errors import ConfigFault
from lab import Lab
from stacks import stack_of

DAYS = "id,day,code\n1,2026-01-31,7\n"


class Printed:
    """A console, and what was printed on it."""

    def __init__(self) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, width=120)

    @property
    def text(self) -> str:
        """What was printed since the last look."""
        text = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return text


@pytest.fixture
def stack(lab: Lab, database: Database) -> StackConnection:
    """A stack with the orders."""
    """The contract of the orders after their first run."""
    lab.job = {
        "transformationConfig": {
            "columnMappings": [{"sourceColumn": "id", "dataType": "integer"}],
            "derivedColumns": [{"name": "double", "expression": "id * 2", "dataType": "integer"}],
        }
    }
    return stack_of(lab, database)


@pytest.fixture
def contracts(lab: Lab, stack: StackConnection) -> JobContracts:
    """The contract of the orders after their first run."""
    lab.ingest(DAYS).silver()
    return JobContracts.find(stack, "shop", "Orders")


def edited(contracts: JobContracts, folder: Path, **types: str) -> Path:
    """The newest version in a file, with other types."""
    document = json.loads(contracts.version(None).to_json())
    for column in document["columns"]:
        column["dataType"] = types.get(column["name"], column["dataType"])
    path = folder / "contract.json"
    path.write_text(json.dumps(document))
    return path


def test_a_person_edits_the_contract_and_the_next_run_holds_to_it(lab: Lab, contracts: JobContracts, tmp_path: Path) -> None:
    out = Printed()
    set_contract(contracts, edited(contracts, tmp_path, code="text"), out.console)
    assert out.text.splitlines() == [
        "Stored version 2 of the contract of Orders",
        "~ code: integer became text",
        "~ code: its type is stated now",
    ]
    result = lab.ingest("id,day,code\n2,2026-02-01,007\n").silver()
    assert (result.contract_version, lab.silver_table()["code"].to_list()) == (2, ["007"])
    print_differences(contracts, 1, None, out.console)
    assert "~ code: integer became text" in out.text
    print_differences(contracts, 2, 2, out.console)
    assert out.text == "the two versions say the same\n"


def test_a_contract_is_shown_with_the_form_and_the_origin_of_each_column(contracts: JobContracts) -> None:
    out = Printed()
    print_contract(contracts, None, out.console, as_json=False)
    lines = [line.split() for line in out.text.splitlines()]
    assert lines[0][:4] == ["Orders,", "contract", "version", "1,"]
    assert ["day", "date", "%Y-%m-%d", "day", "inferred"] in lines
    assert ["double", "integer", "derived:", "id", "*", "2", "stated"] in lines
    print_contract(contracts, 1, out.console, as_json=True)
    assert json.loads(out.text)["columns"][0]["name"] == "id"


def test_setting_what_is_there_already_stores_nothing(contracts: JobContracts, tmp_path: Path) -> None:
    out = Printed()
    set_contract(contracts, edited(contracts, tmp_path), out.console)
    assert out.text == "Nothing changes: version 1 says the same\n"
    assert contracts.version(None).version == 1


@pytest.mark.parametrize(
    ("types", "problem"),
    [
        ({"id": "text"}, "id is integer by the job's columnMappings: change its dataType there"),
        ({"double": "float"}, "double is derived: change it in the job's transformationConfig"),
    ],
)
def test_what_the_job_says_otherwise_is_refused(
    contracts: JobContracts, tmp_path: Path, types: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigFault, match=problem):
        set_contract(contracts, edited(contracts, tmp_path, **types), Printed().console)


def test_an_edit_of_an_old_version_is_refused(contracts: JobContracts, tmp_path: Path) -> None:
    old = edited(contracts, tmp_path, code="text")
    set_contract(contracts, old, Printed().console)
    with pytest.raises(ConfigFault, match="made from version 1, and version 2 was stored since"):
        set_contract(contracts, old, Printed().console)


def test_a_file_that_is_no_contract_is_wrong_usage(contracts: JobContracts, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    with pytest.raises(UsageError, match="there is no file"):
        set_contract(contracts, path, Printed().console)
    path.write_text("columns: [{name: id, source: id, dataType: money}]")
    with pytest.raises(UsageError, match=r"columns\[0\].dataType: 'money' is no data type"):
        set_contract(contracts, path, Printed().console)
    path.write_text("- a\n- b\n")
    with pytest.raises(UsageError, match="it is a mapping with the field columns"):
        set_contract(contracts, path, Printed().console)


def test_what_is_not_there_is_named_with_what_is(stack: StackConnection, contracts: JobContracts) -> None:
    with pytest.raises(UsageError, match="there is no workflow nothing; there are wf_shop"):
        JobContracts.find(stack, "nothing", "orders")
    with pytest.raises(UsageError, match="has no job nothing; it has job_orders"):
        JobContracts.find(stack, "wf_shop", "nothing")
    with pytest.raises(ConfigFault, match="has no version 9; the newest is 1"):
        contracts.version(9)
