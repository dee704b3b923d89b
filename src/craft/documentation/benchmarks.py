"""What the committed benchmarks measured, chosen metrics by name."""

from pathlib import Path

from craft.core.errors import CraftError
from craft.core.files import ROOT
from craft.core.reading import read_json
from craft.documentation.markdown import code, make_table

RESULTS = ROOT / "benchmarks/results"
ENGINE = {
    "peers": {
        "cpu_ratio_to_trl_k1_checkpointed": "CPU time of a step against TRL's AlignProp, last step with gradient,"
        " activations recomputed as by default",
        "cpu_ratio_to_trl_k1": "the same, activations kept",
        "cpu_ratio_to_trl_k1_lv2": "the same, activations kept, the last step repeated once from fresh noise",
        "gradient_difference_to_trl_k1": "relative difference of the two gradients",
    },
    "activation_memory": {
        "peak_step_mib_sd15_256": "most memory of a step at Stable Diffusion size beyond what is held before it,"
        " activations recomputed as by default",
        "peak_step_mib_sd15_256_unchecked": "the same, activations kept",
        "saved_activation_mib_sd15_256": "of it kept for the backward pass, activations recomputed",
        "saved_activation_mib_sd15_256_unchecked": "the same, activations kept",
    },
}
SCORING = {
    "scoring": {
        "scoring_share_of_encoder": "speed of scoring as a share of the bare image encoder's",
        "scoring_ratio_to_naive": "speed of scoring against a naive loop",
        "scoring_peak_mib_20k": "most memory while 20 000 images are scored",
        "neighbour_search_seconds_20k": "neighbour search of 20 000 among 20 000 images",
    }
}
COVERED = {
    "mean_cas": "mean CAS",
    "tail_rate": "tail rate, threshold resampled",
    "paired_difference": "paired difference",
    "auroc": "AUROC of classifiers on shared test images",
    "small_share": "a share of 2 %",
}
BIOMARKERS = {
    "biomarkers": {
        f"phantom_balanced_accuracy_{name}": f"mean balanced accuracy of the items, phantoms of {name}"
        for name in ("chest_xray", "dermoscopy", "fundus", "histopathology")
    }
    | {
        "ham10000_auroc_sum": "melanoma against nevus in HAM10000, AUROC: asymmetry, border and colour, nothing fitted",
        "ham10000_auroc_sum_unseen_half": "the same on lesions that no measure was chosen on",
        "ham10000_auroc_skin_texture": "the same told from the texture of the skin outside the lesion",
        "fundus_auroc_red_lesion_count_unseen_half": "fundus grade 2 or more against 0: red lesions, unseen patients",
        "fundus_auroc_bright_lesion_count_unseen_half": "the same: bright lesions, unseen patients",
        "lc25000_auroc_colon_nuclear_share": "adenocarcinoma against benign colon in LC25000: share covered by nuclei",
        "lc25000_auroc_lung_nuclear_share": "the same for lung",
    }
}


def write_metrics(chosen: dict[str, dict[str, str]], results: Path = RESULTS) -> str:
    """A table of some metrics, with the file that holds each.

    Args:
        chosen: benchmark -> metric -> what it says.
        results: folder of the benchmarks' results.

    Raises:
        CraftError: if a benchmark has no such metric.
    """
    rows = []
    for benchmark, metrics in chosen.items():
        found = {entry["metric"]: entry for entry in read_json(results / f"{benchmark}.json")["metrics"]}
        for name, title in metrics.items():
            if name not in found:
                raise CraftError(f"{results / benchmark}.json has no metric {name!r}: run the benchmark again")
            unit = "" if found[name]["unit"] == "1" else f" {found[name]['unit']}"
            rows.append([title, short(found[name]["value"]) + unit, code(f"benchmarks/{benchmark}.py")])
    return make_table(("what", "measured", "by"), rows)


def write_reward_per_compute(results: Path = RESULTS) -> str:
    """CAS gained per UNet evaluation by every way of training that was tried, under the judge that its name says."""
    entries = read_json(results / "reward_per_compute.json")["metrics"]
    return make_table(
        ("way", entries[0]["unit"]), [[code(entry["metric"]), short(entry["value"])] for entry in entries]
    )


def write_coverage(results: Path = RESULTS) -> str:
    """How often simulated 95 % intervals hold the truth, one row per statistic."""
    found = {entry["metric"]: entry["value"] for entry in read_json(results / "interval_coverage.json")["metrics"]}

    def cell(name: str) -> str:
        return f"{100 * found[name]:.1f}" if name in found else ""

    rows = [
        [title, *(cell(f"coverage_{name}_{kind}") for kind in ("1", "1_of_all_seeds", "3"))]
        for name, title in COVERED.items()
    ]
    false = [cell(f"false_findings_{kind}") for kind in ("1", "1_over_seeds", "3")]
    rows.append(["two equal methods: p below 0.05", *false])
    return make_table(
        (
            "share of simulated runs, %",
            "one seed, of its own truth",
            "one seed, of the truth over seeds",
            "three seeds",
        ),
        rows,
    )


def short(value: float) -> str:
    """A number with three digits that count, or all digits of its whole part."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
