"""The command `craft`: what a person does outside a run, a file of `craft.commands` per group of commands."""

from typer.core import TyperGroup

from craft.commands.docs import docs
from craft.commands.export import command as export
from craft.commands.knowledge import app as knowledge
from craft.commands.score import command as score
from craft.commands.study import app as study
from craft.core.cli import new_app, run_app

ORDER = ("knowledge", "score", "export", "study", "docs")
MAP = """What a person does before and after a run of the pipeline.

Runs themselves are made from the repository's folder:
  make judge                       judge images of another program
  make paper                       the default run, and its paper
  snakemake --cores all            the run of config.yaml
  snakemake --cores all -n         check a configuration, list its jobs
  snakemake --cores all ablations  what parts of the method are worth
  snakemake --cores all study      a blinded page for physicians
With a configuration of your own: --configfile my.yaml at the end."""
PLACES = """What stands where:
  config.yaml, configs/  what a run does; docs/configuration.md has every key
  data/                  knowledge of labels, small models, your real images
  results/               of a run: paper/, tables/, figures/, gallery/, logs/
  docs/tutorial.md       from a folder of images to tables, step by step
  docs/evaluation.md     what is measured, and how to read it

craft COMMAND --help shows the options of a command, and an example."""


class InOrder(TyperGroup):
    """Commands in the order in which a user meets them; typer lists single commands before groups."""

    def list_commands(self, ctx) -> list[str]:
        """Names of the commands."""
        return sorted(self.commands, key=ORDER.index)


app = new_app(cls=InOrder, no_args_is_help=True, help=MAP, epilog=PLACES)
app.add_typer(knowledge, name="knowledge", rich_help_panel="Before a run: say what labels look like")
app.command("score", rich_help_panel="After a run: judge and share images")(score)
app.command("export", rich_help_panel="After a run: judge and share images")(export)
app.add_typer(study, name="study", rich_help_panel="With physicians: a blinded reader study")
app.command("docs", rich_help_panel="For this repository: its pages")(docs)


def main() -> None:
    """Entry point of the command."""
    run_app(app)
