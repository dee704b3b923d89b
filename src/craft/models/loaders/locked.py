"""Evaluators on a frozen vision encoder (`craft.models.locked`), from the folder that holds all but the encoder."""

from craft.models.locked import LockedEvaluator

LOADER = LockedEvaluator.load
