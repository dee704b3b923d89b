"""`craft study`: how many pairs and readers a blinded reader study needs, and what its readers' answers say."""

from pathlib import Path
from typing import Annotated

import typer

from craft.core.cli import new_app
from craft.core.errors import CraftError

HELP = """Plan a blinded reader study, and analyse what its readers answered.

Example, with the run that writes the readers' page in between:
craft study plan --rate 0.65 --readers 3
snakemake --cores all study
craft study analyse results/reader_study/key.json answers/anna.json"""

app = new_app(no_args_is_help=True, help=HELP)
# metrics of `analyse_study` that are printed: of all readers together, and of every reader or two of them
PRINTED = ("win_rate", "pair_win_rate", "no_difference", "strength", "fleiss_kappa")
BY_READER = ("agreement_within", "kappa")


@app.command()
def plan(
    rate: Annotated[float, typer.Option(min=0.01, max=0.99, help="share of choices for the method, if it is better")],
    power: Annotated[float, typer.Option(min=0.05, max=0.999, help="wanted chance that the study finds it")] = 0.8,
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="significance level of the two-sided exact binomial test")
    ] = 0.05,
    no_difference: Annotated[
        float, typer.Option(min=0, max=0.95, help="share of answers that will choose neither, and so not count")
    ] = 0.0,
    readers: Annotated[int, typer.Option(min=1, help="readers who judge the same pairs")] = 1,
    correlation: Annotated[
        float, typer.Option(min=0, max=1, help="how alike two readers judge a pair: 1 makes a second one worth nothing")
    ] = 0.5,
) -> None:
    """Print how many pairs are needed to tell a share of choices from one half.

    Example:
      craft study plan --rate 0.65 --readers 3
    """
    from craft.evaluation.statistics.choices import MOST_CHOICES, choices_needed, pairs_needed

    choices = choices_needed(rate, power, alpha) if rate != 0.5 else None
    if choices is None:
        raise CraftError(
            f"{MOST_CHOICES} choices do not tell a share of {rate:g} from one half; give a --rate further from 0.5"
        )
    pairs = pairs_needed(choices, readers, correlation, no_difference)
    typer.echo(f"{choices} choices find a share of {rate:g} with a power of {power:g} or more (alpha {alpha:g}).")
    neither = f"; {no_difference:.0%} choose neither" if no_difference else ""
    judged = f"{readers} readers whose judgements correlate by {correlation:g}" if readers > 1 else "one reader"
    typer.echo(f"{pairs} pairs, each seen by {judged}{neither}: {pairs * readers} answers.")


@app.command()
def analyse(
    key: Annotated[Path, typer.Argument(help="key.json of the study", show_default=False)],
    responses: Annotated[list[Path], typer.Argument(help="files that the readers handed in", show_default=False)],
    output: Annotated[Path | None, typer.Option(help="folder to write to; by default that of the key")] = None,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="share of intervals that hold the truth")
    ] = 0.95,
    keep_inattentive: Annotated[
        bool, typer.Option("--keep-inattentive", help="count readers that failed an attention check")
    ] = False,
) -> None:
    """Write `analysis.csv` and a figure of the readers' answers, and print the main numbers.

    Example:
      craft study analyse results/reader_study/key.json answers/anna.json
    """
    from craft.core.files import write_csv
    from craft.evaluation.reader_study.analysis import analyse_study
    from craft.evaluation.reader_study.figure import save_study_figure
    from craft.evaluation.reader_study.responses import read_key, read_responses
    from craft.evaluation.tables import ALL

    known = read_key(key)
    handed_in = read_responses(known, responses)
    table = analyse_study(known, handed_in, confidence, keep_inattentive)
    folder = output or key.parent
    save_study_figure(table, folder, known.notice)
    write_csv(folder / "analysis.csv", table)
    for response in handed_in:
        typer.echo(f"reader {response.reader}: {len(response.answers)} of {len(known.pairs)} pairs answered")
    failed = table[(table["metric"] == "attention_failed") & (table["value"] > 0)]
    for row in failed.itertuples():
        fate = "counted all the same" if keep_inattentive else "left out"
        typer.echo(f"reader {row.reader} failed {row.value:.0%} of {row.n} attention checks: {fate}", err=True)
    choices = table["metric"].isin(PRINTED) & (table["label"] == ALL) & (table["reader"] == ALL)
    shown = table[choices | table["metric"].isin(BY_READER)]
    columns = ["dataset", "reader", "method", "against", "metric", "value", "low", "high", "p", "n"]
    typer.echo(shown[columns].to_string(index=False, na_rep="", float_format=lambda number: f"{number:.3f}"))
    typer.echo(f"wrote {folder / 'analysis.csv'} and its figure")
