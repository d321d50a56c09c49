"""The data: table lineitem of TPC-H, by tpchgen-cli. A gigabyte of CSV is 8.1 million rows of 16 columns."""

import os
import subprocess
from pathlib import Path

from bench.workplace import Workplace

GENERATOR = "tpchgen-cli==4.0.0"
SCALE_FACTORS = {"quarter": 0.34, "gigabyte": 1.35, "five_gigabytes": 6.7, "tenth": 0.135}
"""TPC-H scale factors at scale 1 of the benchmark: 0.25, 1.0, 5.1 and 0.1 GB of CSV."""
KEY = ("l_orderkey", "l_linenumber")
TYPES = {
    "l_orderkey": "integer",
    "l_partkey": "integer",
    "l_suppkey": "integer",
    "l_linenumber": "integer",
    "l_quantity": "decimal(15,2)",
    "l_extendedprice": "decimal(15,2)",
    "l_discount": "decimal(15,2)",
    "l_tax": "decimal(15,2)",
    "l_returnflag": "text",
    "l_linestatus": "text",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "text",
    "l_shipmode": "text",
    "l_comment": "text",
}
"""The columns in the words of a workflow; the types are those of the TPC-H specification, section 1.4.1."""
_IN_SQL = {"integer": "BIGINT", "text": "VARCHAR", "date": "DATE", "decimal(15,2)": "DECIMAL(15,2)"}
SQL_TYPES = {name: _IN_SQL[kind] for name, kind in TYPES.items()}
CHUNK_BYTES = 8 << 20


def csv_path(workplace: Workplace, size: str) -> Path:
    """The CSV file of a size, made where it is not there yet."""
    return _generated(workplace, size, "csv")


def parquet_path(workplace: Workplace, size: str) -> Path:
    """The same rows as typed Parquet, made where they are not there yet."""
    return _generated(workplace, size, "parquet")


def read_once(path: Path) -> None:
    """Bring a file into the page cache, so that no variant pays for the disk and the next does not."""
    with path.open("rb", buffering=0) as file:
        while file.read(CHUNK_BYTES):
            continue


def _generated(workplace: Workplace, size: str, form: str) -> Path:
    folder = workplace.data / size
    path = folder / f"lineitem.{form}"
    if path.exists():
        return path
    beside = folder / f"making-{os.getpid()}"
    factor = f"{SCALE_FACTORS[size] * workplace.scale:.6f}"
    command = [os.environ.get("UV", "uv"), "tool", "run", "--quiet", "--from", GENERATOR, "tpchgen-cli", form]
    made = ["--scale-factor", factor, "--tables", "lineitem", "--output-dir", str(beside), "--quiet"]
    subprocess.run([*command, *made], check=True)
    (beside / path.name).rename(path)
    beside.rmdir()
    return path
