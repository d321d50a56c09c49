import pytest
from pydantic import ValidationError

from flowforge.model.contract import Contract, ContractColumn, DataType, Type

TEXT = DataType(type=Type.TEXT)


@pytest.mark.parametrize("text", ["text", "integer", "float", "boolean", "date", "timestamp"])
def test_a_plain_type_is_read_and_written_alike(text: str) -> None:
    assert str(DataType.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "precision", "scale"),
    [("decimal(18,2)", 18, 2), ("decimal(38, 0)", 38, 0), (" DECIMAL(5,5) ", 5, 5), ("decimal(1,0)", 1, 0)],
)
def test_a_decimal_carries_its_precision_and_scale(text: str, precision: int, scale: int) -> None:
    parsed = DataType.parse(text)
    assert (parsed.type, parsed.precision, parsed.scale) == (Type.DECIMAL, precision, scale)


def test_the_case_of_a_type_does_not_count() -> None:
    assert DataType.parse(" Integer ").type is Type.INTEGER


@pytest.mark.parametrize("text", ["", "int", "string", "decimal", "decimal(18)", "decimal(18;2)", "undetermined", "varchar(3)"])
def test_an_unknown_type_is_refused_and_the_known_ones_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"no data type; known are text, integer"):
        DataType.parse(text)


@pytest.mark.parametrize("text", ["decimal(0,0)", "decimal(39,2)", "decimal(5,6)"])
def test_a_decimal_beyond_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="precision is 1 to 38"):
        DataType.parse(text)


def test_a_decimal_without_a_precision_is_refused() -> None:
    with pytest.raises(ValidationError, match="precision"):
        DataType(type=Type.DECIMAL)


@pytest.mark.parametrize("text", ["text", "integer", "decimal(5,2)", "float", "boolean"])
def test_a_format_belongs_to_dates_and_timestamps(text: str) -> None:
    with pytest.raises(ValueError, match="format belongs to a date or a timestamp"):
        DataType.parse(text, format="%Y")


@pytest.mark.parametrize("text", ["text", "boolean", "date", "timestamp"])
def test_a_thousands_separator_belongs_to_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="thousands separator belongs to a number"):
        DataType.parse(text, thousands_separator=",")


@pytest.mark.parametrize("separator", [".", "5", "+", "-", "e", "٣"])
def test_what_a_number_itself_is_made_of_separates_no_thousands(separator: str) -> None:
    with pytest.raises(ValueError, match="cannot separate thousands"):
        DataType.parse("decimal(10,2)", thousands_separator=separator)


@pytest.mark.parametrize("separator", [",", "'", " ", "_", "\u00a0", "\u202f"])
def test_the_usual_thousands_separators_are_taken(separator: str) -> None:
    assert DataType.parse("integer", thousands_separator=separator).thousands_separator == separator


def test_a_contract_names_each_column_once() -> None:
    columns = [ContractColumn(name="a", source=source, data_type=TEXT) for source in ("x", "y")]
    with pytest.raises(ValidationError, match="names a more than once"):
        Contract(version=1, run_id="r", columns=tuple(columns))


def test_a_contract_finds_a_column_by_its_name_in_silver() -> None:
    column = ContractColumn(name="a", source="A", data_type=TEXT)
    contract = Contract(version=1, run_id="r", columns=(column,))
    assert contract.column("a") == column
    assert contract.column("A") is None


def test_a_contract_survives_its_json() -> None:
    columns = (
        ContractColumn(name="a", source="A", data_type=DataType.parse("decimal(18,2)", thousands_separator=","), declared=True),
        ContractColumn(name="b", source="b", data_type=DataType.parse("date", format="%d.%m.%Y")),
    )
    contract = Contract(version=3, run_id="r", columns=columns)
    assert Contract.model_validate_json(contract.to_json()) == contract
