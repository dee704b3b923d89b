"""Keeps what a run on real images says of CAS itself: the validity studies, and where they come from.

Run the studies first, for example

    snakemake --cores all --configfile configs/public.yaml -- tables
"""

from pathlib import Path
from typing import Annotated

import typer
from common import RESULTS

from craft.core.cli import run
from craft.core.files import write_csv, write_json
from craft.core.origin import describe_machine, read_commit
from craft.documentation.provenance import date_of, measure_jobs
from craft.evaluation.results import Results
from craft.evaluation.validity.results import STUDIES, VALIDITY

TABLE, FACTS = "validity.csv", "run.json"


def main(
    results: Annotated[Path, typer.Option(help="results folder of the run")] = Path("results/public"),
    configuration: Annotated[str, typer.Option(help="its configuration file")] = "configs/public.yaml",
    commit: Annotated[str, typer.Option(help="that made it; without it, that of this working tree")] = "",
    machine: Annotated[str, typer.Option(help="that it ran on; without it, this one")] = "",
    output: Annotated[Path, typer.Option(help="folder of the table")] = RESULTS / "public",
) -> None:
    """Write the table, and the facts beside it."""
    table = Results.load(results).read(VALIDITY).drop(columns="source")
    jobs = measure_jobs(results / "benchmarks")
    files = sorted(results.glob(f"*/{VALIDITY.name}"))
    facts = {
        "commit": commit or read_commit(),
        "date": date_of(files[-1]),
        "machine": machine or describe_machine(),
        "configuration": configuration,
        "cpu_minutes": round(float(jobs["cpu_minutes"].sum()), 1),
        "datasets": sorted(table["dataset"].unique()),
        "studies": [study for study in STUDIES if study in set(table["study"])],
    }
    write_csv(output / TABLE, table)
    write_json(output / FACTS, facts)
    print(f"{output / TABLE}: {len(table)} rows of {', '.join(facts['datasets'])}")


if __name__ == "__main__":
    run(main)
