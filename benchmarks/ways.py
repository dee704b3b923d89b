"""The ways of training that `reward_per_compute.py` compares: what each changes of a method of the configuration."""

from typing import Any

from craft.training.methods import METHODS

Changes = dict[str, dict[str, Any]]

AVERAGED = {"ema": 0.95}
# samples that cost half of what those of generation do
DPM_4 = {"scheduler": "dpmsolver++", "steps": 4, "guidance_scale": 2.0}
# no real images to denoise, half as many checks
LEAN = {"objective": {"gamma": 0.0}, "guard": {"every": 20}}


def direct(**backprop: Any) -> dict[str, Any]:
    """Changes of the gradient in mode `direct`."""
    return {"backprop": {"mode": "direct", **backprop}}


def matched(**objective: Any) -> dict[str, Any]:
    """Changes of the objective, in mode `direct`."""
    return direct() | {"objective": objective}


def recipe(objective: dict[str, Any], **training: Any) -> dict[str, Any]:
    """TRL's AlignProp at K = 1: the reward alone, without anchor, denoising term or limit."""
    unbounded = {"match": "maximise", "beta": 0.0, "gamma": 0.0, **objective}
    return {"backprop": {"mode": "last", "steps": 1}, "objective": unbounded, "training": training}


# of the reward method, under its guard
REWARD: Changes = {
    "last_1": {"backprop": {"mode": "last", "steps": 1}},
    "last_2": {"backprop": {"mode": "last", "steps": 2}},
    "last_1_lv2": {"backprop": {"mode": "last", "steps": 1, "lv": 2}},
    "random": {"backprop": {"mode": "random"}},
    "refl": {"backprop": {"mode": "refl"}},
    "refl_ema": {"backprop": {"mode": "refl"}, "training": AVERAGED},
    "refl_median": {"backprop": {"mode": "refl"}, "objective": {"saturation": [0.5]}},
    "refl_ranks": {"backprop": {"mode": "refl"}, "objective": {"match": "ranks"}},
    "drtune_2": {"backprop": {"mode": "drtune", "steps": 2}},
    "full": {"backprop": {"mode": "full"}},
    "direct": direct(),
    "direct_uses_2": direct(uses=2),
    "direct_uses_8": direct(uses=8),
    "direct_low_levels": direct(levels=[0.05, 0.4]),
    "direct_high_levels": direct(levels=[0.3, 0.9]),
    "direct_long_span": direct(span=0.3),
    "direct_guided": direct(guidance_scale=2.0),
    "direct_rollout_dpm_4": direct(rollout=DPM_4),
    "direct_rollout_unguided": direct(rollout={"scheduler": "ddim", "steps": 8, "guidance_scale": 1.0}),
    "direct_fast": direct() | {"training": {"learning_rate": 6e-3}},
    "direct_without_denoising": matched(gamma=0.0),
    "direct_rare_guard": direct() | {"guard": {"every": 20}},
    "direct_lean": direct(rollout=DPM_4) | LEAN,
    "direct_lean_fast": direct(rollout=DPM_4) | LEAN | {"training": {"learning_rate": 6e-3}},
    "direct_lean_ranks": direct(rollout=DPM_4) | LEAN | {"objective": {"gamma": 0.0, "match": "ranks"}},
    "direct_lean_muon": direct(rollout=DPM_4) | LEAN | {"training": {"optimizer": "muon"}},
    "direct_median": matched(saturation=[0.5]),
    "direct_ranks": matched(match="ranks"),
    "direct_ranks_two_sided": matched(match="ranks_two_sided"),
    "direct_diversity": matched(diversity=5.0),
    "direct_ranks_diversity": matched(match="ranks", diversity=5.0),
}
# of the reward method, without a guard, as TRL has none: at the run's learning rate or TRL's own
RECIPES: Changes = {
    "trl_recipe": recipe({}),
    "trl_recipe_own_rate": recipe({}, learning_rate=1e-3),
    "trl_recipe_unaugmented": recipe({"augment": False}),
}
# of the supervised method that the reward method starts from
SUPERVISED: Changes = {
    "supervised": {},
    "supervised_ema": {"training": AVERAGED},
    "supervised_min_snr": {"min_snr_gamma": 5.0},
    "supervised_muon": {"training": {"optimizer": "muon"}},
    "supervised_convolutions": {"lora": {"convolutions": True}},
    "supervised_convolutions_muon": {"lora": {"convolutions": True}, "training": {"optimizer": "muon"}},
    "supervised_rank_32": {"lora": {"rank": 32, "alpha": 32}},
    "supervised_rank_32_muon": {
        "lora": {"rank": 32, "alpha": 32, "convolutions": True},
        "training": {"optimizer": "muon"},
    },
    "whole": {"kind": "full"},
    "whole_muon": {"kind": "full", "training": {"optimizer": "muon"}},
    "whole_muon_slow": {"kind": "full", "training": {"optimizer": "muon", "learning_rate": 5e-4}},
}
WAYS = REWARD | RECIPES | SUPERVISED


def changed(settings: Any, changes: dict[str, Any]) -> Any:
    """The settings of a method with some of its keys replaced; all sections but `backprop` keep their other keys.

    Of another kind it keeps the keys that this kind has.
    """
    kind = METHODS[changes.get("kind", settings.kind)]
    values = {key: value for key, value in settings.model_dump().items() if key in kind.model_fields}
    for key, value in changes.items():
        values[key] = values[key] | value if key in ("training", "objective", "guard") else value
    return kind(**values)
