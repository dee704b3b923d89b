"""The command `craft`: what a person does outside a run, a file of `craft.commands` per group of commands."""

from craft.commands.docs import docs
from craft.commands.export import command as export
from craft.commands.knowledge import app as knowledge
from craft.commands.score import command as score
from craft.commands.study import app as study
from craft.core.cli import new_app, run_app

app = new_app(no_args_is_help=True, help="Clinical reward-aligned finetuning of medical image diffusion models.")
app.add_typer(knowledge, name="knowledge")
app.add_typer(study, name="study")
app.command("score")(score)
app.command("export")(export)
app.command("docs")(docs)


def main() -> None:
    """Entry point of the command."""
    run_app(app)
