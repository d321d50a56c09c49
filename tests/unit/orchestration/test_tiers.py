"""Where a step begins follows from the files, and the reason says by which figures."""

import pytest

from flowforge.local.project import find_project
from flowforge.model.job import Job
from flowforge.model.plan import SourceFile
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.orchestration.step_costs import AGGREGATED_BYTES_PER_ROW, COSTS
from flowforge.orchestration.tiers import FARGATE_SIZES, LAMBDA_SIZES, choose_tiers, lambda_reach, needed_mib, shape_of

GB = 10**9


def job(*, aggregated: bool = False, tier: str = "auto", **silver: object) -> Job:
    gold = {"aggregationEnabled": True, "aggregationGroupBy": ["id"], "aggregates": {"n": "count(*)"}} if aggregated else {}
    return Job.model_validate(
        {"id": "job_a", "name": "A", "tier": tier, "destinationConfig": {"goldConfig": gold, "silverConfig": silver}}
    )


def with_gold(**gold: object) -> Job:
    return Job.model_validate({"id": "job_a", "name": "A", "destinationConfig": {"goldConfig": gold}})


def file(size_bytes: float, *, row_bytes: float = 120, columns: int = 16) -> SourceFile:
    return SourceFile(key="k", name="k", etag="e", size_bytes=int(size_bytes), row_bytes=row_bytes, columns=columns)


def tiers(size_bytes: float, **options: object) -> list[str]:
    """The tiers of the three steps for one file of common rows."""
    chosen = choose_tiers(job(**options), [file(size_bytes)])  # type: ignore[arg-type]
    return [chosen.chosen()[step].tier.value for step in Step]


def test_a_small_file_stays_on_lambda() -> None:
    assert tiers(5e6) == ["lambda", "lambda", "lambda"]


def test_bronze_streams_so_it_is_time_that_ends_its_reach() -> None:
    assert tiers(5 * GB)[0] == "lambda"
    assert tiers(200 * GB)[0] == "fargate"


def test_silver_holds_positions_of_rows_so_it_is_the_first_to_move() -> None:
    assert tiers(3 * GB)[1] == "lambda"
    assert tiers(5 * GB) == ["lambda", "fargate", "lambda"]


def test_a_copy_that_does_not_fit_the_functions_scratch_space_begins_on_fargate() -> None:
    small, large = (file(GB // 10).model_copy(update={"scratch_bytes": size}) for size in (GB // 2, GB))
    assert choose_tiers(job(), [small, small]).chosen()[Step.BRONZE_INGEST].tier is Tier.LAMBDA
    choice = choose_tiers(job(), [small, large]).chosen()[Step.BRONZE_INGEST]
    assert choice.tier is Tier.FARGATE
    assert "954 MiB of 1,024 MiB in /tmp" in choice.reason


def test_groups_cost_memory_in_gold() -> None:
    assert tiers(3 * GB, aggregated=True)[2] == "fargate"
    assert tiers(3 * GB)[2] == "lambda"


def test_narrow_rows_weigh_more_than_wide_ones_of_the_same_size() -> None:
    narrow, wide = (shape_of([file(GB, row_bytes=width)]) for width in (20, 2000))
    assert needed_mib(Step.SILVER_TRANSFORM, job(), narrow) > 3 * needed_mib(Step.SILVER_TRANSFORM, job(), wide)


def test_the_files_of_a_run_count_together() -> None:
    shape = shape_of([file(1000, row_bytes=10, columns=3), file(500, row_bytes=50, columns=7)])
    assert (shape.text_bytes, shape.rows, shape.columns) == (1500, 110, 7)


@pytest.mark.parametrize("tier", ["lambda", "fargate"])
def test_a_job_may_pin_its_tier_and_the_reason_says_so(tier: str) -> None:
    chosen = choose_tiers(job(tier=tier), [file(200 * GB)])
    assert {chosen.chosen()[step].tier for step in Step} == {Tier(tier)}
    assert chosen.chosen()[Step.BRONZE_INGEST].reason.startswith("pinned by the job; too much for Lambda: about 35")


def test_a_task_has_at_least_twice_the_memory_of_the_function_and_of_what_is_needed() -> None:
    for size in (1e3, 5 * GB, 40 * GB):
        chosen, shape = choose_tiers(job(), [file(size)]), shape_of([file(size)])
        for step in Step:
            choice = chosen.chosen()[step]
            assert (choice.cpu_units, choice.memory_mib) in FARGATE_SIZES
            assert choice.memory_mib >= 2 * LAMBDA_SIZES[step].memory_mib * 0.99 or choice.memory_mib == FARGATE_SIZES[-1][1]
            assert choice.memory_mib >= 2 * needed_mib(step, job(), shape) or choice.memory_mib == FARGATE_SIZES[-1][1]


def test_what_no_task_can_hold_gets_the_largest() -> None:
    assert choose_tiers(job(), [file(2000 * GB)]).chosen()[Step.SILVER_TRANSFORM].memory_mib == FARGATE_SIZES[-1][1]


def test_every_size_is_a_pair_that_fargate_offers() -> None:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html, in GiB per processor units.
    offered = {
        1024: range(2, 9),
        2048: range(4, 17),
        4096: range(8, 31),
        8192: range(16, 61, 4),
        16_384: range(32, 121, 8),
    }
    for cpu_units, memory_mib in FARGATE_SIZES:
        assert memory_mib % 1024 == 0
        assert memory_mib // 1024 in offered[cpu_units]


def test_gold_needs_room_for_what_it_sorts_and_for_the_values_that_its_aggregates_hold() -> None:
    shape = shape_of([file(GB, row_bytes=100)])

    def needed(**gold: object) -> float:
        return needed_mib(Step.GOLD_PUBLISH, with_gold(**gold), shape)

    def grouped(*aggregates: str) -> float:
        named = {f"a{number}": text for number, text in enumerate(aggregates)}
        return needed(aggregationEnabled=True, aggregationGroupBy=["k"], aggregates=named)

    assert needed() < grouped("sum(x)") < grouped("sum(x)", "median(x)") < grouped("first(x)", "last(x)")
    assert needed() < needed(orderBy=["x"]) == needed(partitionKeys=["x"])


def test_a_job_has_a_tier_for_each_step_that_it_takes() -> None:
    assert list(choose_tiers(with_gold(enabled=False), [file(1e3)]).chosen()) == [Step.BRONZE_INGEST, Step.SILVER_TRANSFORM]


@pytest.mark.parametrize("aggregated", [False, True])
@pytest.mark.parametrize("step", Step)
def test_up_to_its_reach_a_step_is_on_lambda_and_beyond_it_on_fargate(step: Step, *, aggregated: bool) -> None:
    reach = lambda_reach(step, job(aggregated=aggregated), row_bytes=120, columns=16)
    furthest = min(reach.by_memory_bytes or reach.by_time_bytes, reach.by_time_bytes)
    within, beyond = (choose_tiers(job(aggregated=aggregated), [file(furthest * part)]) for part in (0.999, 1.001))
    assert (within.chosen()[step].tier, beyond.chosen()[step].tier) == (Tier.LAMBDA, Tier.FARGATE)


def test_the_page_on_tiers_tells_what_the_plan_reckons_with() -> None:
    rows = []
    for step, aggregated in [*((step, False) for step in Step), (Step.GOLD_PUBLISH, True)]:
        cost, reach = COSTS[step], lambda_reach(step, job(aggregated=aggregated), row_bytes=120, columns=16)
        held = AGGREGATED_BYTES_PER_ROW if aggregated else cost.bytes_per_row
        memory = f"{cost.base_mib} MiB" + (f" and {held} bytes a row" if held else "")
        by_memory = f"{reach.by_memory_bytes / GB:.1f} GB" if reach.by_memory_bytes else "any: it streams"
        name = f"{step.value}, aggregated" if aggregated else step.value
        rate = f"{cost.bytes_per_processor_second / 1e6:.0f} MB"
        rows.append(f"| {name} | {memory} | {rate} | {by_memory} | {reach.by_time_bytes / GB:.0f} GB |")
    page = (find_project() / "docs" / "reference" / "tiers.md").read_text()
    assert [row for row in rows if row not in page] == []
