"""Athena on the laptop, asked through boto3: what it counts is what DuckDB counts in the files."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError

from catalogs import rows_in_catalog
from flowforge.lake.athena import Athena
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.local.athena.api import PATH, athena_route
from flowforge.local.athena.engine import Engine
from flowforge.local.athena.service import AthenaService
from flowforge.local.http_server import BackgroundServer
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import LAYERS_OF_TABLES, Layer
from flowforge.model.silver_config import MergeStrategy
from flowforge.steps.compaction import compact, planned_compactions, remove_replaced
from flowforge.steps.known_tables import find_table
from lab import DAWN, Lab

Ask = Callable[..., list[tuple[str | None, ...]]]
FIRST = "id,amount,Country\n1,10,de\n2,20.5,fr\nx,3,de\n"
SECOND = "id,amount,Country\n2,25,fr\n3,30,it\n"


def _client(session: Any, endpoint_url: str, name: str) -> Any:
    return session.client(name, endpoint_url=endpoint_url)


@pytest.fixture
def service(aws: boto3.session.Session, s3_url: str, tmp_path: Path) -> Iterator[AthenaService]:
    """The service over the lake's catalog, with a limit of 1 MB for each query."""
    service = AthenaService(Engine(partial(_client, aws, s3_url), tmp_path, bytes_limit=10**6))
    yield service
    service.close()


@pytest.fixture
def athena(catalogued: Lake, aws: boto3.session.Session, service: AthenaService) -> Iterator[Athena]:
    """The product's own client of it."""

    async def stop() -> None:
        return None

    server = BackgroundServer([athena_route(service)], stop)
    assert catalogued.catalog is not None
    yield Athena(aws.client("athena", endpoint_url=server.endpoint + PATH), catalogued.catalog.stage, pause=lambda _: None)
    server.close()


@pytest.fixture
def ask(athena: Athena, catalogued: Lake) -> Ask:
    """Ask in the database of a layer; the rows."""
    assert catalogued.catalog is not None
    database = catalogued.catalog.database

    def rows(sql: str, layer: Layer = Layer.SILVER) -> list[tuple[str | None, ...]]:
        return list(athena.query(sql, database=database(layer)).rows)

    return rows


def lab_of(lake: Lake, strategy: str) -> Lab:
    mappings = {"columnMappings": [{"sourceColumn": "id", "dataType": "integer"}]}
    return Lab(lake, job={"transformationConfig": mappings}, silver={"primaryKey": "id", "mergeStrategy": strategy})


def counted_in_files(lake: Lake, prefix: str, folder: Path) -> int:
    """Rows of the Parquet files below a prefix, by DuckDB alone."""
    keys = [item.key for item in lake.list_objects(prefix) if item.key.endswith(".parquet")]
    for number, key in enumerate(keys):
        lake.client.download_file(lake.bucket, key, str(folder / f"{number}.parquet"))
    paths = [str(folder / f"{number}.parquet") for number in range(len(keys))]
    with duckdb.connect() as duck:
        return sum(duck.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchall()[0][0] for path in paths)


def test_every_table_has_as_many_rows_as_duckdb_finds_in_its_files(catalogued: Lake, ask: Ask, tmp_path: Path) -> None:
    lab = lab_of(catalogued, "merge")
    lab.ingest(FIRST).gold()
    lab.ingest(SECOND, hours=30).gold()
    rows = rows_in_catalog(catalogued)
    for layer, prefix in (
        (Layer.BRONZE, "bronze/shop/orders/"),
        (Layer.SILVER, "silver/shop/orders/current/"),
        (Layer.QUARANTINE, "quarantine/shop/orders/"),
        (Layer.GOLD, "gold/analytics/orders/2"),
    ):
        expected = counted_in_files(catalogued, prefix, tmp_path)
        assert ask("SELECT count(*) FROM shop_orders", layer) == [(str(expected),)], layer
        assert rows[f"{layer}.shop_orders"] == expected
    assert catalogued.catalog is not None
    merged = catalogued.catalog.table(Layer.SILVER, "shop_orders")
    assert merged is not None
    assert merged.input["StorageDescriptor"]["Location"] == catalogued.uri("silver/shop/orders/current/")
    assert (merged.input["PartitionKeys"], merged.parameters["objectCount"]) == ([], "1")
    assert catalogued.catalog.table(Layer.SILVER, "shop_orders_latest") is None
    # By hand: ids 1, 2 and 3.
    assert ask("SELECT count(*) FROM shop_orders_latest", Layer.GOLD) == [("3",)]
    assert ask("SELECT count(*) FROM shop_orders WHERE run_date = DATE '2026-11-24'", Layer.GOLD) == [("3",)]


@pytest.mark.parametrize("strategy", MergeStrategy)
def test_every_table_is_counted_and_read_after_its_contract_changed(
    catalogued: Lake, ask: Ask, tmp_path: Path, strategy: MergeStrategy
) -> None:
    lab = lab_of(catalogued, strategy.value)
    lab.silver["typeWidening"] = "allow"
    lab.job["destinationConfig"] = {"bronzeConfig": {"schemaEvolution": "add_new_columns"}, "silverConfig": lab.silver}
    # A number becomes text, and a column comes that was not there.
    for hours, content in enumerate((FIRST, "id,amount,Country,note\n3,n/a,it,new\nx,1,de,\n")):
        lab.ingest(content, name=f"orders_{hours}.csv", hours=hours * 24).gold()
    assert catalogued.catalog is not None
    for layer in LAYERS_OF_TABLES:
        for table in catalogued.catalog.tables(layer):
            [(counted,)] = ask(f"SELECT count(*) FROM {table.name}", layer)
            if table.is_view:
                head = read_head(catalogued, f"{table.parameters['flowforge.prefix']}_head.json")
                assert head is not None
                assert counted == str(head.rows), table.name
            else:
                prefix = table.input["StorageDescriptor"]["Location"].removeprefix(catalogued.uri(""))
                assert counted == str(counted_in_files(catalogued, prefix, tmp_path)), table.name
            assert len(ask(f"SELECT * FROM {table.name}", layer)) == int(counted or 0)
    amounts = {amount for (amount,) in ask("SELECT amount FROM shop_orders")}
    assert "n/a" in amounts


def test_a_rebuilt_and_a_compacted_table_have_each_row_once(catalogued: Lake, ask: Ask, tmp_path: Path) -> None:
    lab = lab_of(catalogued, "append")
    lab.ingest(FIRST).silver()
    lab.ingest(SECOND, hours=30).silver()
    every = "SELECT id, amount, country, _run_id, _row_number FROM shop_orders ORDER BY id, _run_id"
    before = ask(every)
    lab.rebuild(hours=31).silver()
    assert ask(every) == before, "files that were replaced lie beside the one that has their rows"
    lab.ingest("id,amount,Country\n4,1,es\n", hours=32).silver()
    table = find_table(catalogued, "silver.shop_orders")
    for compaction in planned_compactions(catalogued, table):
        compact(catalogued, table, compaction)
    remove_replaced(catalogued, table, now=DAWN)
    assert ask(every)[:-1] == before
    assert counted_in_files(catalogued, "silver/shop/orders/2", tmp_path) == len(before) + 1
    assert rows_in_catalog(catalogued)["silver.shop_orders"] == len(before) + 1
    assert catalogued.catalog is not None
    places = {item["StorageDescriptor"]["Location"] for item in catalogued.catalog.partitions(Layer.SILVER, table.name).values()}
    assert places == {catalogued.uri(f"silver/shop/orders/{day}/") for day in (20261123, 20261124)}


def test_a_column_that_came_later_is_null_in_older_files(catalogued: Lake, ask: Ask) -> None:
    lab = lab_of(catalogued, "append")
    lab.ingest("id,amount\n1,10\n").bronze()
    lab.ingest("id,discount,amount\n2,5,20\n", hours=30).bronze()
    rows = ask("SELECT id, amount, discount FROM shop_orders ORDER BY id", Layer.BRONZE)
    assert rows == [("1", "10", None), ("2", "20", "5")]


def test_values_are_written_as_athena_writes_them(catalogued: Lake, athena: Athena) -> None:
    lab_of(catalogued, "merge").ingest(FIRST).silver()
    assert catalogued.catalog is not None
    sql = """
        SELECT o.country, sum(o.amount) AS total, max(o._ingested_at) AS latest, count(*) > 1 AS several,
               array_agg(o.id ORDER BY o.id) AS ids, CAST(NULL AS varchar) AS nothing
        FROM shop_orders o GROUP BY 1 ORDER BY 1
    """
    answer = athena.query(sql, database=catalogued.catalog.database(Layer.SILVER))
    assert [column.name for column in answer.columns] == ["country", "total", "latest", "several", "ids", "nothing"]
    assert [column.type for column in answer.columns][:4] == ["varchar", "double", "timestamp", "boolean"]
    assert list(answer.rows) == [
        ("de", "10.0", "2026-11-23 07:00:00.000", "false", "[1]", None),
        ("fr", "20.5", "2026-11-23 07:00:00.000", "false", "[2]", None),
    ]
    assert answer.cost.scanned_bytes == sum(item.size_bytes for item in catalogued.list_objects("silver/shop/orders/current/"))
    assert answer.cost.usd == pytest.approx(10 * 10**6 / 10**12 * 5), "ten megabytes are the least that is charged"


def test_long_answers_come_page_by_page(athena: Athena) -> None:
    answer = athena.query("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)", database="any")
    assert [row[0] for row in answer.rows] == [str(number) for number in range(1, 2501)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nowhere", r"TABLE_NOT_FOUND: Table 'awsdatacatalog\.default\.nowhere' does not exist"),
        ("SELECT 1; SELECT 2", "Only one sql statement"),
        ("DROP TABLE shop_orders", "takes SELECT only"),
        ("SELECT * FROM read_csv('/etc/passwd')", "is no table of the catalog"),
        ("SELEC 1", "SYNTAX_ERROR|takes SELECT only"),
        ("SELECT missing FROM (SELECT 1 AS one)", "missing"),
    ],
)
def test_what_cannot_be_answered_fails_with_its_reason(athena: Athena, sql: str, reason: str) -> None:
    with pytest.raises(ConfigFault, match=reason):
        athena.query(sql, database="default")


def test_a_file_that_athena_could_not_read_and_more_than_the_limit_are_not_read_here(
    catalogued: Lake, ask: Ask, service: AthenaService
) -> None:
    lab_of(catalogued, "merge").ingest(FIRST).silver()
    assert catalogued.catalog is not None
    service._engine._bytes_limit = 10
    with pytest.raises(ConfigFault, match="Bytes scanned limit was exceeded"):
        ask("SELECT * FROM shop_orders")
    service._engine._bytes_limit = None
    table = catalogued.catalog.table(Layer.SILVER, "shop_orders")
    assert table is not None
    columns = table.input["StorageDescriptor"]["Columns"]
    columns[2]["Type"] = "bigint"
    catalogued.catalog.update(Layer.SILVER, table.input, version_id=None)
    with pytest.raises(ConfigFault, match=r"HIVE_BAD_DATA: Field country's type VARCHAR in parquet file s3://.* type bigint"):
        ask("SELECT * FROM shop_orders")


def test_an_interrupted_wait_cancels_the_query(aws: boto3.session.Session, service: AthenaService) -> None:
    async def stop() -> None:
        return None

    server = BackgroundServer([athena_route(service)], stop)
    client = aws.client("athena", endpoint_url=server.endpoint + PATH)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    endless = "SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x), UNNEST(sequence(1, 100000)) AS b(y) WHERE x * y % 7 = 3"
    with pytest.raises(KeyboardInterrupt):
        Athena(client, "dev", pause=interrupt).query(endless, database="any")
    (execution_id,) = client.list_query_executions(WorkGroup="flowforge-dev")["QueryExecutionIds"]
    status = client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        client.get_query_results(QueryExecutionId=execution_id)
    with pytest.raises(ClientError, match="has no CreateWorkGroup"):
        client.create_work_group(Name="another")
    server.close()
