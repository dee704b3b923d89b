"""The command `craft`: what a person does outside a run. Each group of commands lives with its subject."""

from craft.core.cli import new_app, run_app
from craft.evaluation.scoring.command import command as score
from craft.knowledge.cli import app as knowledge

app = new_app(no_args_is_help=True, help="Clinical reward-aligned finetuning of medical image diffusion models.")
app.add_typer(knowledge, name="knowledge")
app.command("score")(score)


def main() -> None:
    """Entry point of the command."""
    run_app(app)
