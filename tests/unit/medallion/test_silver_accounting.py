"""Every row has one end, and the one that DuckDB gives it: misfits, filters, duplicates, rules of rows and of sets at once."""

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.model.contract import Origin
from silver_frames import Text, contract, job, judged

COLUMNS = [
    *contract(id="integer", amount="decimal(8,2)", status="text"),
    *[column.model_copy(update={"origin": Origin.DERIVED, "source": "amount * 2"}) for column in contract(double="decimal(9,2)")],
]
JOB = job(
    key=["id"],
    derived=[{"name": "double", "expression": "amount * 2", "dataType": "decimal(9,2)"}],
    filters=[{"column": "status", "operator": "not_equals", "value": "void"}],
    rules=[
        {"name": "r", "column": "amount", "ruleType": "range", "parameters": {"min": 0, "max": 50}},
        {"name": "e", "column": "status", "ruleType": "enum", "parameters": {"values": ["new", "done"]}},
        {"name": "u", "column": "amount", "ruleType": "unique"},
        {"name": "x", "ruleType": "expression", "parameters": {"expression": "double > 3"}, "nullIs": "fail"},
        {"name": "w", "column": "amount", "ruleType": "not_null", "severity": "warning"},
    ],
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", "x", None]),
        st.sampled_from(["1", "2.5", "60", "-1", "20", "7.25", "no", None]),
        st.sampled_from(["new", "done", "void", "odd", None]),
    ),
    max_size=20,
)
ENDS = """
WITH typed AS (
    SELECT *, try_cast(id AS BIGINT) AS i, try_cast(amount AS DECIMAL(8,2)) AS a FROM bronze
), placed AS (
    SELECT *,
        (i IS NULL OR (amount IS NOT NULL AND a IS NULL)) AS misfit,
        coalesce(status <> 'void', false) AS kept
    FROM typed
), ranked AS (
    SELECT *, NOT misfit AND kept AND pos < max(CASE WHEN NOT misfit AND kept THEN pos END) OVER (PARTITION BY i) AS superseded
    FROM placed
), held AS (
    SELECT *,
        NOT misfit AND kept AND NOT superseded AS survives,
        count(CASE WHEN NOT misfit AND kept AND NOT superseded THEN a END) OVER (PARTITION BY a) > 1 AND a IS NOT NULL AS repeated
    FROM ranked
)
SELECT
    CASE
        WHEN misfit THEN 'quarantined'
        WHEN NOT kept THEN 'filtered'
        WHEN superseded THEN 'duplicate'
        WHEN a < 0 OR a > 50 OR status NOT IN ('new', 'done') OR repeated OR a IS NULL OR a * 2 <= 3 THEN 'quarantined'
        ELSE 'accepted'
    END AS ending,
    list_filter([
        CASE WHEN survives AND (a < 0 OR a > 50) THEN 'r' END,
        CASE WHEN survives AND status NOT IN ('new', 'done') THEN 'e' END,
        CASE WHEN survives AND repeated THEN 'u' END,
        CASE WHEN survives AND (a IS NULL OR a * 2 <= 3) THEN 'x' END
    ], lambda label: label IS NOT NULL) AS labels,
    survives AND a IS NULL AS warned
FROM held ORDER BY pos
"""


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ROWS)
def test_every_row_has_the_end_that_duckdb_gives_it(rows: list[tuple[Text, Text, Text]]) -> None:
    bronze = pl.DataFrame(rows, schema=dict.fromkeys(["id", "amount", "status"], pl.String), orient="row").with_row_index("pos")
    with duckdb.connect() as database:
        database.register("bronze", bronze.to_arrow())
        ends = database.execute(ENDS).fetchall()
    verdict, accepted, quarantine = judged(rows, COLUMNS, JOB)

    def rows_of(ending: str) -> list[int]:
        return [number for number, row in enumerate(ends, start=1) if row[0] == ending]

    assert accepted["_row_number"].to_list() == rows_of("accepted")
    assert quarantine["_row_number"].to_list() == rows_of("quarantined")
    assert (verdict.filtered, verdict.duplicates) == (len(rows_of("filtered")), len(rows_of("duplicate")))
    assert verdict.quarantined == quarantine.height
    labels = dict(zip(quarantine["_row_number"], quarantine["_failed_rules"].to_list(), strict=True))
    assert {number: found for number, found in labels.items() if not found[0].startswith(("cast(", "primary_key("))} == {
        number: row[1] for number, row in enumerate(ends, start=1) if row[1]
    }
    failed = {outcome.rule: outcome.failed for outcome in verdict.rules}
    assert {rule: failed[rule] for rule in "reux"} == {rule: sum(rule in row[1] for row in ends) for rule in "reux"}
    assert failed["w"] == sum(bool(row[2]) for row in ends)
