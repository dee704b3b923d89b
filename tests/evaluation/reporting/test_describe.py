"""What the paper is told about a run."""

from craft.evaluation.reporting.describe import name_arms


def test_training_sets_are_named_in_words():
    assert name_arms(["real", "real+craft", "real+lora_enriched@2", "other"]) == {
        "real": "Train images",
        "real+craft": "Train images + CRAFT",
        "real+lora_enriched@2": "Train images + LoRA (enriched) ×2",
        "other": "Other",
    }
