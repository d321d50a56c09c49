"""Every key as the table of the architecture writes it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.lake import keys
from flowforge.model.errors import ConfigFault
from flowforge.model.step import Step

AT = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
RUN = "20260309-0123456789ab"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (keys.workflow_key("wf_shop"), "workflows/wf_shop.json"),
        (keys.landing_prefix("wf_shop", "job_orders"), "landing/wf_shop/job_orders/"),
        (keys.landing_key("wf_shop", "job_orders", "Orders (1).csv"), "landing/wf_shop/job_orders/Orders (1).csv"),
        (keys.bronze_key("shop", "orders", AT, RUN, 1), f"bronze/shop/orders/20260309/shop_orders_{RUN}_v001.parquet"),
        (keys.bronze_key("shop", "orders", AT, RUN, 1234), f"bronze/shop/orders/20260309/shop_orders_{RUN}_v1234.parquet"),
        (keys.silver_run_key("shop", "orders", AT, RUN), f"silver/shop/orders/20260309/shop_orders_{RUN}.parquet"),
        (keys.silver_current_key("shop", "orders"), "silver/shop/orders/current/shop_orders_current.parquet"),
        (keys.silver_archive_key("shop", "orders", RUN), f"silver/shop/orders/archive/{RUN}.parquet"),
        (keys.silver_head_key("shop", "orders"), "silver/shop/orders/_head.json"),
        (keys.gold_key("analytics", "orders", AT, RUN), f"gold/analytics/orders/20260309/orders_{RUN}.parquet"),
        (keys.gold_head_key("analytics", "orders"), "gold/analytics/orders/_head.json"),
        (keys.quarantine_key("shop", "orders", AT, RUN), f"quarantine/shop/orders/20260309/shop_orders_{RUN}.parquet"),
        (keys.contract_key("wf_shop", "job_orders", 7), "contracts/wf_shop/job_orders/v000007.json"),
        (keys.attempt_key("abc", "gold.parquet"), "_attempts/abc/gold.parquet"),
        (keys.plan_key("exec_1"), "runs/exec_1/plan.json"),
        (keys.result_key("exec_1", "job_orders", Step.SILVER_TRANSFORM), "runs/exec_1/job_orders/silver_transform.json"),
        (keys.failure_key("exec_1", "job_orders", Step.GOLD_PUBLISH), "runs/exec_1/job_orders/gold_publish.failure.json"),
        (keys.job_error_key("exec_1", "job_orders"), "runs/exec_1/job_orders/error.json"),
        (keys.record_key("exec_1"), "runs/exec_1/record.json"),
    ],
)
def test_a_key_is_the_one_of_the_table(key: str, expected: str) -> None:
    assert key == expected


def test_a_plan_s_key_tells_its_execution_and_no_other_key_does() -> None:
    assert keys.execution_of_plan(keys.plan_key("exec_1")) == "exec_1"
    others = [
        keys.record_key("exec_1"),
        "plan.json",
        "runs/plan.json",
        "runs/a/b/plan.json",
        "x/runs/a/plan.json",
        "runs/a/plan.json/",
    ]
    assert [keys.execution_of_plan(key) for key in others] == [None] * len(others)


def test_the_date_folder_is_the_day_in_utc() -> None:
    local = AT.astimezone(timezone(timedelta(hours=2)))
    assert keys.bronze_key("shop", "orders", local, RUN, 1) == keys.bronze_key("shop", "orders", AT, RUN, 1)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("orders.csv", "orders.csv"),
        ("C:\\data\\orders.csv", "orders.csv"),
        ("/home/x/orders.csv", "orders.csv"),
        ("../../etc/orders.csv", "orders.csv"),
        ("a/../orders.csv", "orders.csv"),
        ("or\0de\nrs\u202e.csv", "orders.csv"),
        ("Größe 日本.csv", "Größe 日本.csv"),
        ("orders.csv/", "orders.csv"),
    ],
)
def test_a_file_name_is_reduced_to_a_safe_base_name(given_name: str, safe: str) -> None:
    assert keys.safe_file_name(given_name) == safe


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "\0", "\\", "ä" * 128])
def test_what_leaves_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigFault):
        keys.safe_file_name(name)


@given(st.text(max_size=60))
def test_a_landing_key_never_leaves_its_prefix(name: str) -> None:
    try:
        key = keys.landing_key("wf", "job", name)
    except ConfigFault:
        return
    rest = key.removeprefix("landing/wf/job/")
    assert key.startswith("landing/wf/job/")
    assert "/" not in rest
    assert rest not in ("", ".", "..")
    assert rest.isprintable()
