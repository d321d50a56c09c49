from flowforge.steps.backoff import Backoff


def test_waits_grow_to_a_limit_and_are_never_the_same_for_two_workers() -> None:
    backoff = Backoff(tries=8, first_seconds=1.0, longest_seconds=10.0)
    workers = [list(backoff.waits()) for _ in range(200)]
    assert all(len(waits) == backoff.tries - 1 for waits in workers)
    for number, bound in enumerate([1, 2, 4, 8, 10, 10, 10]):
        waits = [each[number] for each in workers]
        assert 0 <= min(waits) < bound / 4
        assert bound * 3 / 4 < max(waits) <= bound
