"""Compute tiers: where a step can run."""

from enum import StrEnum


class Tier(StrEnum):
    """Where a step runs. From Lambda it moves to Fargate once, when memory, ``/tmp`` or time ran out."""

    LAMBDA = "lambda"
    FARGATE = "fargate"


class PinnedTier(StrEnum):
    """What a job asks for: a tier of its own, or the one that the plan chooses."""

    AUTO = "auto"
    LAMBDA = "lambda"
    FARGATE = "fargate"
