"""The Fargate worker: one step of one job, chosen by arguments."""

import os
import sys

from flowforge.steps.termination import Termination


def main() -> int:
    """Run the step that the arguments name and answer with the exit code that tells how it ended."""
    termination = Termination()
    # Loading the rest takes a second, in which a stop would otherwise be ignored.
    from aws_lambda_powertools import Logger

    from flowforge.lake.lake import Lake
    from flowforge.lake.publish import abort_uploads
    from flowforge.steps.worker import run_worker
    from flowforge.steps.worker_arguments import read_arguments

    assignment = read_arguments(sys.argv[1:])
    logger = Logger(service="worker")
    logger.set_correlation_id(assignment.request.execution_id)
    logger.append_keys(release=os.environ.get("FLOWFORGE_RELEASE"))
    lake = Lake.from_environment(assignment.bucket)

    def clear_up() -> None:
        logger.warning("stopped from outside")
        abort_uploads(lake)

    termination.clear_up = clear_up
    return termination.run(lambda: run_worker(assignment.request, lake, logger, ending=termination.begun))


if __name__ == "__main__":
    sys.exit(main())
