"""The answers: each takes the facts of a run and gives sentences, or None where the run does not know."""

import math

from craft.core.settings import REAL
from craft.datasets.splits import REAL_SPLITS
from craft.evaluation.checklist.facts import Facts, join
from craft.evaluation.tables import TABLES

NO_PATIENTS = "There are no patients: all images are phantoms, rendered with known attributes."


def design(facts: Facts) -> str | None:
    """Prospective or retrospective."""
    return f"Neither. {NO_PATIENTS}" if facts.phantoms else None


def goal(facts: Facts) -> str:
    """What is compared with what."""
    job = facts.job
    if job.rewarded:
        held = join(job.baselines) or "no other method"
        return f"A technical comparison of image generators: {join(job.rewarded)}, trained on a reward, against {held}."
    return f"A technical comparison of generated images with real ones: {join(job.methods)}."


def sources(facts: Facts) -> str:
    """Readers and numbers."""

    def describe(name: str) -> str:
        data = facts.job.data[name]
        return f"{facts.images(name)} images of the modality `{data.modality}`, read by `{data.reader}`"

    return f"{facts.job.notice}{facts.of_datasets(describe)}"


def exclusions(facts: Facts) -> str:
    """Reasons and counts."""

    def describe(name: str) -> str:
        reasons = facts.left_out[name].groupby("reason", sort=False)["count"].sum()
        return ", ".join(f"{count} for {reason}" for reason, count in reasons.items()) or "nothing"

    return f"Left out were:{facts.of_datasets(describe)}"


def preparation(facts: Facts) -> str:
    """What became of the pixels."""
    size = facts.job.resolution
    return f"Every image was decoded and brought to {size} x {size} pixels in RGB."


def subsets(facts: Facts) -> str:
    """Limits on the images of a label."""
    limits = {name: data.max_per_label for name, data in facts.job.data.items() if data.max_per_label}
    if not limits:
        return "No: all usable images with a configured label were used."
    return "At most so many images of a label were kept: " + ", ".join(f"{name} {n}" for name, n in limits.items())


def identities(facts: Facts) -> str | None:
    """De-identification."""
    return NO_PATIENTS if facts.phantoms else None


def acquisition(facts: Facts) -> str | None:
    """Scanners and protocols."""
    return "They were rendered by the run." if facts.phantoms else None


def reference(facts: Facts) -> str:
    """What a label means, and who says what it looks like."""
    label = "The label with which an image was rendered" if facts.phantoms else "The label that each image came with"
    return (
        f"{label}. What a label looks like is described by texts and a checklist, written by the provider"
        f" `{facts.job.knowledge}`; the run does not know whether a clinician has reviewed them."
    )


def annotators(facts: Facts) -> str | None:
    """Who labelled, with which agreement."""
    return "Nobody: labels are attributes of the rendering." if facts.phantoms else None


def partitions(facts: Facts) -> str:
    """Shares and seed."""

    def describe(name: str) -> str:
        data = facts.job.data[name]
        shares = ", ".join(f"{split} {getattr(data.splits, split):.0%}" for split in REAL_SPLITS)
        return f"{shares} (seed {data.split_seed})"

    return f"By a hash of the group and a seed, where the data name no split themselves.{facts.of_datasets(describe)}"


def level(facts: Facts) -> str:
    """By patient or by image, and what is alike across splits."""

    def describe(name: str) -> str:
        if facts.is_phantom(name):
            by = "by rendered image"
        elif name in facts.job.unnamed_patients:
            by = "by image, since the data name no patients"
        else:
            by = "by patient, or the group that the data name"
        return f"{by}; {facts.counts[name]['twins_elsewhere'].sum()} images have a near-identical one in another split"

    return f"By dataset:{facts.of_datasets(describe)}"


def sample_size(facts: Facts) -> str:
    """Test images; nobody calculated it."""
    return f"No size was calculated. Test images:{facts.of_datasets(lambda name: str(facts.images(name, 'test')))}"


def models(facts: Facts) -> str:
    """Generator, methods and judges."""
    ways = ", ".join(f"`{name}` ({way.kind})" for name, way in facts.job.ways.items())
    judges = ", ".join(
        f"`{each.name}` ({each.kind}, {each.family or 'family unknown'}, {each.role})" for each in facts.job.judges
    )
    return f"Generator: {foundation(facts)}. Methods: {ways}. Judges: {judges}."


def foundation(facts: Facts) -> str:
    """The generator in a few words."""
    job = facts.job
    if job.generator is None:
        return "none, other programs made the images"
    return "a latent diffusion model, " + ("trained by this run" if job.generator_trained else f"`{job.generator}`")


def software(facts: Facts) -> str:
    """Versions, commit and machine."""
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    cost = facts.tables["cost"]
    spent = {
        what: float(cost["value"][cost["metric"] == f"{what}_seconds"].sum()) for what in ("cpu", "gpu") if len(cost)
    }
    took = ", ".join(f"{seconds / 60:.1f} {what.upper()} minutes" for what, seconds in spent.items() if seconds)
    return (
        f"Code: commit {facts.commit}, as it was when this file was written. {versions}."
        f" This file was written on: {facts.machine}; on a cluster, other jobs may have run elsewhere."
        + (f" Trainings and sampling of all methods took {took} for each seed." if took else "")
    )


def starts(facts: Facts) -> str:
    """From which weights."""
    ways = {name: way for name, way in facts.job.ways.items() if way.training}
    if not ways:
        return "This run trains no generator."
    told = ", ".join(
        f"`{name}` from {f'`{way.start}`' if way.start else 'the foundation'}" for name, way in ways.items()
    )
    return f"{told}; foundation: {foundation(facts)}. Seeds: {', '.join(map(str, facts.job.seeds))}."


def training(facts: Facts) -> str:
    """The main settings of every training."""
    told = [
        f"`{name}`: {each.steps} steps at most of {each.batch} images, {each.optimizer},"
        f" learning rate {each.learning_rate:g}"
        for name, way in facts.job.ways.items()
        if (each := way.training)
    ]
    return "; ".join(told) + "." if told else "This run trains no generator."


def choice(facts: Facts) -> str:
    """Which state of a training is kept."""
    ways = {name: way for name, way in facts.job.ways.items() if way.training}
    guarded = [name for name, way in ways.items() if way.guarded]
    last = [name for name, way in ways.items() if not way.guarded]
    told = []
    if guarded:
        told.append(
            f"For {join(guarded)} a guard chose the state by {facts.judges('monitor')}, which is no part of the reward;"
            f" {facts.judges('held_out')}, by which results are reported, had no say in it."
        )
    if last:
        told.append(f"For {join(last)} the last state was kept.")
    return " ".join(told) or "This run trains no generator."


def measures(facts: Facts) -> str:
    """The tables."""
    return "; ".join(f"`{name}.csv`: {table.title}" for name, table in TABLES.items()) + "."


def uncertainty(facts: Facts) -> str:
    """Resamples, what intervals are over, and corrections."""
    scoring, over = facts.job.scoring, sorted(set(facts.tables["cas"]["over"].dropna()))
    seeds = len(facts.job.seeds)
    return (
        f"Intervals of {scoring.confidence:.0%} from {scoring.bootstrap} bootstrap resamples, over {'; '.join(over)}."
        f" Paired comparisons from {scoring.comparison_resamples} resamples, p-values corrected after Holm."
        f" {seeds} seed{'s' * (seeds != 1)}"
        + ("." if seeds > 1 else ": intervals do not say what another training would have given.")
    )


def robustness(facts: Facts) -> str | None:
    """The studies of the score."""
    studies = facts.tables["validity"]["study"].unique() if len(facts.tables["validity"]) else []
    return f"Studies of the score itself: {join(studies)}." if len(studies) else None


def internal(facts: Facts) -> str:
    """The test split."""
    return "Yes: results are held against the test split, which no training of this run and no choice of a state sees."


def flow(facts: Facts) -> str:
    """Patients and images in all."""

    def describe(name: str) -> str:
        patients = facts.counts[name]["patients"]
        named = patients.notna().all() and not facts.is_phantom(name)
        known = f"{int(patients.sum())} patients, once for every label of theirs; " if named else ""
        splits = ", ".join(f"{split} {facts.images(name, split)}" for split in REAL_SPLITS)
        return f"{known}{facts.images(name)} images ({splits})"

    return f"By dataset:{facts.of_datasets(describe)}"


def patients(facts: Facts) -> str | None:
    """Demographics."""
    return NO_PATIENTS if facts.phantoms else None


def performance(facts: Facts) -> str:
    """Held-out CAS of real test images and of every method."""
    found = describe_rows(facts, "cas", "cas", [REAL, *facts.job.methods])
    return f"Mean CAS (Clinical Alignment Score, in 0 to 1) under a held-out evaluator:{found}"


def failures(facts: Facts) -> str:
    """Held-out tail rates of what is compared."""
    found = describe_rows(facts, "tail", "tail_rate", [REAL, *(facts.job.compared or facts.job.methods)])
    share = facts.job.scoring.tail_quantile
    return f"Share of images below the CAS that {share:.0%} of real test images fall below:{found}"


def describe_rows(facts: Facts, table: str, metric: str, methods: list[str]) -> str:
    """Values with intervals of methods, dataset by dataset."""

    def describe(name: str) -> str:
        rows = facts.held_out(table, name, metric).set_index("method")
        known = [(method, rows.loc[method]) for method in methods if method in rows.index]
        told = [f"`{method}` {row['value']:.3f}{interval(row['low'], row['high'])}" for method, row in known]
        return ", ".join(told) or "no value"

    return facts.of_datasets(describe)


def interval(low: float, high: float) -> str:
    """An interval between brackets; nothing where there is none."""
    return "" if math.isnan(low) or math.isnan(high) else f" ({low:.3f}-{high:.3f})"


def limits(facts: Facts) -> str | None:
    """What can be said of limits without an author."""
    if not facts.phantoms:
        return None
    return "Phantoms show how a method behaves, not how good it is on patients. The rest is for the authors to say."


def protocol(facts: Facts) -> str:
    """The settings of every job."""
    return "The settings of every job lie beside its results; code and configuration together make the run again."


def availability(facts: Facts) -> str:
    """Licences as far as they are known."""
    if facts.phantoms:
        terms = "The phantoms are made by the code."
    else:
        terms = "Licences of the data, and of models trained on them, are not known to the run."
    return f"The code is licensed under Apache-2.0. `craft export` writes generators and images. {terms}"
