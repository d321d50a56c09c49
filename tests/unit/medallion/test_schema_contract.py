from collections.abc import Sequence

import pytest

from flowforge.medallion.inference import Inference
from flowforge.medallion.schema_contract import RunColumns, check_drift, contract_columns
from flowforge.model.contract import Contract, ContractColumn, DataType, Type
from flowforge.model.errors import DataFault
from silver_frames import job

INTEGER, TEXT, UNDETERMINED = DataType.parse("integer"), DataType.parse("text"), DataType(type=Type.UNDETERMINED)


def contract_of(**types: DataType) -> Contract:
    columns = [ContractColumn(name=name, source=name, data_type=data_type) for name, data_type in types.items()]
    return Contract(version=4, run_id="run", columns=tuple(columns))


def everything_is_an_integer(names: Sequence[str]) -> Inference:
    return Inference(dict.fromkeys(names, INTEGER), [f"{name} was looked at" for name in names])


def test_a_column_too_many_is_named() -> None:
    with pytest.raises(DataFault, match=r"orders.csv has the column 'c', which the contract v000004 does not have") as caught:
        check_drift(contract_of(a=TEXT, b=TEXT), ["a", "b", "c"], file="orders.csv")
    assert (caught.value.column, caught.value.file) == ("c", "orders.csv")


def test_a_column_too_few_is_named() -> None:
    with pytest.raises(DataFault, match=r"orders.csv lacks the column 'b' of the contract v000004"):
        check_drift(contract_of(a=TEXT, b=TEXT), ["a"], file="orders.csv")


def test_the_order_of_the_columns_does_not_count_and_a_first_run_has_no_contract() -> None:
    check_drift(contract_of(a=TEXT, b=TEXT), ["b", "a"], file="orders.csv")
    check_drift(None, ["x"], file="orders.csv")


def test_a_first_contract_takes_declared_types_and_infers_the_rest() -> None:
    configured = job(mappings=[{"sourceColumn": "b", "targetColumn": "amount", "dataType": "decimal(8,2)"}])
    columns, notes = contract_columns(configured, RunColumns(["a", "b", "c"], everything_is_an_integer), None)
    assert [(column.name, column.source, str(column.data_type), column.declared) for column in columns] == [
        ("a", "a", "integer", False),
        ("amount", "b", "decimal(8,2)", True),
        ("c", "c", "integer", False),
    ]
    assert notes == ["a was looked at", "c was looked at"]


def test_a_later_run_keeps_the_contracts_types_and_settles_what_was_undetermined() -> None:
    present = contract_of(a=TEXT, b=UNDETERMINED)
    columns, notes = contract_columns(job(), RunColumns(["b", "a"], everything_is_an_integer), present)
    assert [(column.name, str(column.data_type)) for column in columns] == [("a", "text"), ("b", "integer")]
    assert notes == ["b was looked at"]


def test_a_type_that_is_declared_later_takes_the_place_of_the_inferred_one() -> None:
    configured = job(mappings=[{"sourceColumn": "a", "dataType": "text"}])
    columns, _ = contract_columns(configured, RunColumns(["a"], everything_is_an_integer), contract_of(a=INTEGER))
    assert (str(columns[0].data_type), columns[0].declared) == ("text", True)
