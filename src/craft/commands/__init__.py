"""The command line `craft`: what a person does outside of a run, one file per group of commands."""
