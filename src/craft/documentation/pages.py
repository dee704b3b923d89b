"""The generated blocks of README.md and docs/*.md, each by the name that stands in its markers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from craft.core.files import ROOT, write_text
from craft.datasets.readers import READERS
from craft.documentation import benchmarks, headline, measurements
from craft.documentation.archive import Archive
from craft.documentation.keys import write_keys
from craft.documentation.markdown import code, fill_blocks, make_table
from craft.documentation.reading import write_reading
from craft.documentation.sheets import show_sheets
from craft.documentation.tables import write_columns, write_tables
from craft.models.encoder_loaders import ENCODER_LOADERS
from craft.models.families import FAMILIES
from craft.models.loaders import LOADERS
from craft.models.towers import TOWERS
from craft.reward.dimensions import DIMENSIONS
from craft.reward.rewards import REWARDS
from craft.training.methods import METHODS

EXAMPLES = ROOT / "docs/examples"
REGISTRIES = (READERS, LOADERS, FAMILIES, ENCODER_LOADERS, TOWERS, DIMENSIONS, REWARDS, METHODS)


def list_blocks(archive: Archive) -> dict[str, Callable[[], str]]:
    """What makes each block."""
    run_blocks = {
        "facts": headline.write_facts,
        "reading": write_reading,
        "excerpt": headline.write_excerpt,
        "cas": headline.write_cas,
        "tail": headline.write_tail,
        "label_agreement": headline.write_label_agreement,
        "audit": headline.write_audit,
        "fidelity": measurements.write_fidelity,
        "memorization": measurements.write_memorization,
        "downstream": measurements.write_downstream,
        "downstream_differences": measurements.write_downstream_differences,
        "validity": measurements.write_validity,
        "kept": measurements.write_kept,
        "jobs": measurements.write_jobs,
    }
    return {name: partial(write, archive) for name, write in run_blocks.items()} | {
        "sheets": partial(show_sheets, archive.run),
        "keys": write_keys,
        "columns": write_columns,
        "tables": write_tables,
        "registries": write_registries,
        "engine_benchmarks": partial(benchmarks.write_metrics, benchmarks.ENGINE),
        "scoring_benchmarks": partial(benchmarks.write_metrics, benchmarks.SCORING),
        "biomarker_benchmarks": partial(benchmarks.write_metrics, benchmarks.BIOMARKERS),
        "coverage": benchmarks.write_coverage,
        "reward_per_compute": benchmarks.write_reward_per_compute,
        **{f"example_{path.stem}": partial(write_example, path) for path in sorted(EXAMPLES.glob("*.py"))},
    }


def write_example(path: Path) -> str:
    """A Python file as a code block."""
    return f"```python\n{path.read_text(encoding='utf-8').strip()}\n```"


def write_registries() -> str:
    """What there is of every kind of thing that a user can add."""
    return make_table(("kind", "there are"), [(each.kind, ", ".join(map(code, each))) for each in REGISTRIES])


def make_pages(archive: Archive, root: Path = ROOT) -> dict[Path, str]:
    """Every page of the repository with its blocks made anew; pages without blocks stay as they are.

    Raises:
        CraftError: if a block has no end or no maker.
    """
    blocks = list_blocks(archive)
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    return {page: fill_blocks(page.name, page.read_text(encoding="utf-8"), blocks) for page in pages}


def write_pages(archive: Archive, root: Path = ROOT) -> list[Path]:
    """Write the pages whose generated parts have changed; returns them."""
    changed = {
        page: text for page, text in make_pages(archive, root).items() if page.read_text(encoding="utf-8") != text
    }
    for page, text in changed.items():
        write_text(page, text)
    return list(changed)
