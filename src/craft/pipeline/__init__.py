"""The top floor: the configuration of a run, composed of every room's section, and what it means for every job.

No job imports this package, so that an edit here re-runs none of them.
"""
