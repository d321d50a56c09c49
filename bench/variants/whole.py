"""Bronze, Silver and Gold of a gigabyte, beside one DuckDB script that a person would write for the same tables."""

import duckdb

from bench.child import Work
from bench.lineitem import KEY, SQL_TYPES, csv_path, read_once
from bench.product import PRICING_SUMMARY, Job, new_lake
from bench.workplace import Workplace
from flowforge.model.step import Step


def prepare(workplace: Workplace) -> None:
    """The file."""
    csv_path(workplace, "gigabyte")


def steps(workplace: Workplace) -> Work:
    """The three steps, one after another in one process."""
    csv = csv_path(workplace, "gigabyte")
    run = new_lake(workplace, csv, Job(gold=PRICING_SUMMARY))
    read_once(csv)

    def work() -> dict[str, int]:
        for step in Step:
            result = run.step(step)
        return {"rows": result.counts.model_dump()["read"], "groups": result.counts.model_dump()["written"]}

    return work


def duckdb_script(workplace: Workplace) -> Work:
    """The script with DuckDB's own settings."""
    return _script(workplace, [])


def duckdb_script_in_a_gibibyte(workplace: Workplace) -> Work:
    """The script held to the memory that the steps are held to."""
    spill = workplace.scratch / "spill"
    return _script(workplace, ["SET memory_limit = '850MiB'", f"SET temp_directory = '{spill}'"])


def _script(workplace: Workplace, settings: list[str]) -> Work:
    csv = csv_path(workplace, "gigabyte")
    read_once(csv)
    statements = [*settings, *script(str(csv), str(workplace.scratch))]

    def work() -> dict[str, int]:
        with duckdb.connect() as connection:
            for statement in statements:
                counts = connection.execute(statement).fetchall()
            [(rows,)] = connection.execute(f"SELECT count(*) FROM '{workplace.scratch}/silver.parquet'").fetchall()
        return {"rows": rows, "groups": counts[0][0]}

    return work


def script(csv: str, folder: str) -> list[str]:
    """The statements: Bronze as text with its audit columns; Silver typed, without the rows that do not fit or lack a key,
    the last row of each key, with a hash of the key; those rows aside; Gold by TPC-H Q1's groups.
    """
    key = ", ".join(KEY)
    casts = ", ".join(f"TRY_CAST({name} AS {kind}) AS {name}" for name, kind in SQL_TYPES.items())
    misfits = " OR ".join(
        [
            *(
                f"({name} IS NOT NULL AND TRY_CAST({name} AS {kind}) IS NULL)"
                for name, kind in SQL_TYPES.items()
                if kind != "VARCHAR"
            ),
            *(f"{name} IS NULL" for name in KEY),
        ]
    )
    audit = "_ingested_at, _source_file, _row_number, _run_id"
    encoded = " || ".join(f"length({name}::VARCHAR) || ':' || {name}::VARCHAR" for name in KEY)
    bronze = (
        "SELECT *, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS _ingested_at, 'lineitem.csv' AS _source_file, "
        f"row_number() OVER () AS _row_number, 'run' AS _run_id FROM read_csv('{csv}', all_varchar=true, header=true)"
    )
    typed = f"SELECT {casts}, {audit} FROM '{folder}/bronze.parquet' WHERE NOT ({misfits})"
    last = f"SELECT max(_row_number) FROM typed GROUP BY {key}"
    silver = f"WITH typed AS ({typed}) SELECT *, md5({encoded}) AS _sk_id FROM typed WHERE _row_number IN ({last})"
    aside = f"SELECT * FROM '{folder}/bronze.parquet' WHERE {misfits}"
    by = ", ".join(PRICING_SUMMARY["aggregationGroupBy"])  # type: ignore[arg-type]
    aggregates = ", ".join(f"{text} AS {name}" for name, text in PRICING_SUMMARY["aggregates"].items())  # type: ignore[attr-defined]
    gold = f"SELECT {by}, {aggregates} FROM '{folder}/silver.parquet' GROUP BY {by} ORDER BY {by}"
    tables = {"bronze": bronze, "silver": silver, "quarantine": aside, "gold": gold}
    return [f"COPY ({query}) TO '{folder}/{name}.parquet' (COMPRESSION zstd)" for name, query in tables.items()]
