"""The top floor beside `craft.pipeline`: the generated parts of README.md and docs/, made of the typed settings, the
registries and the archived tables of one run.

No job imports this package, so that an edit here re-runs none of them.
"""
