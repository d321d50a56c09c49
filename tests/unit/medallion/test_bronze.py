import polars as pl

from csv_files import FILE, INGESTED_AT, bronze_of


def test_every_column_is_text_and_the_audit_columns_come_last() -> None:
    frame = bronze_of(b"id,amount\n007,1.50\n")
    assert dict(frame.schema) == {
        "id": pl.String(),
        "amount": pl.String(),
        "_ingested_at": pl.Datetime("us", "UTC"),
        "_source_file": pl.String(),
        "_row_number": pl.Int64(),
        "_run_id": pl.String(),
    }
    assert frame.row(0) == ("007", "1.50", INGESTED_AT, FILE, 1, "run")


def test_rows_are_numbered_by_record_from_one() -> None:
    frame = bronze_of(b'id,text\n1,"two\nlines"\n2,x\n\n')
    assert frame["_row_number"].to_list() == [1, 2]


def test_a_repeated_name_swaps_no_columns() -> None:
    frame = bronze_of(b"v,id,v\n1,2,3\n")
    assert frame.select("v", "id", "v_2").row(0) == ("1", "2", "3")


def test_a_header_alone_gives_the_columns_and_no_rows() -> None:
    frame = bronze_of(b"id,name\n\n")
    assert frame.height == 0
    assert frame.columns[:2] == ["id", "name"]


def test_the_null_values_of_the_job_are_null_and_no_others() -> None:
    frame = bronze_of(b"a,b\nNA,1\n-,NULL\nx,NAN\n", null_values=("NA", "-"))
    assert frame.select("a", "b").rows() == [(None, "1"), (None, "NULL"), ("x", "NAN")]
    assert bronze_of(b"a,b\nNA,NULL\n").select("a", "b").rows() == [("NA", "NULL")]
