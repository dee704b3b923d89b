"""The ways of training that `reward_per_compute.py` compares: what each changes of a method of the configuration."""

from typing import Any

from craft.training.methods import METHODS

Changes = dict[str, dict[str, Any]]

AVERAGED = {"ema": 0.95}
# samples that cost half of what those of generation do
ROLLOUT = {"scheduler": "dpmsolver++", "steps": 4, "guidance_scale": 2.0}
SATURATED = {"objective": {"match": "saturate"}}


def direct(**backprop: Any) -> dict[str, Any]:
    """Changes of the gradient in mode `direct`."""
    return {"backprop": {"mode": "direct", "rollout": ROLLOUT} | backprop}


def optimised(optimizer: str, learning_rate: float) -> dict[str, Any]:
    """Changes of the optimiser."""
    return {"training": {"optimizer": optimizer, "learning_rate": learning_rate}}


def recipe(objective: dict[str, Any], **training: Any) -> dict[str, Any]:
    """TRL's AlignProp at K = 1: the reward alone, without anchor, denoising term or limit."""
    unbounded = {"match": "maximise", "beta": 0.0, "gamma": 0.0, **objective}
    return {"backprop": {"mode": "last", "steps": 1}, "objective": unbounded, "training": training}


# of the reward method, under its guard
REWARD: Changes = {
    "direct": {},
    "last_1": {"backprop": {"mode": "last", "steps": 1}},
    "last_1_lv2": {"backprop": {"mode": "last", "steps": 1, "lv": 2}},
    "random": {"backprop": {"mode": "random"}},
    "refl": {"backprop": {"mode": "refl"}},
    "refl_saturate": {"backprop": {"mode": "refl"}} | SATURATED,
    "drtune_2": {"backprop": {"mode": "drtune", "steps": 2}},
    "full": {"backprop": {"mode": "full"}},
    "direct_uses_2": direct(uses=2),
    "direct_uses_8": direct(uses=8),
    "direct_low_levels": direct(levels=[0.05, 0.4]),
    "direct_high_levels": direct(levels=[0.3, 0.9]),
    "direct_long_span": direct(span=0.3),
    "direct_guided": direct(guidance_scale=2.0),
    "direct_rollout_as_sampled": direct(rollout=None),
    "direct_rollout_unguided": direct(rollout=ROLLOUT | {"guidance_scale": 1.0}),
    "direct_slow": optimised("adamw", 2e-4),
    "direct_fast": optimised("adamw", 1e-3),
    "direct_muon": optimised("muon", 2e-3),
    "direct_ema": {"training": AVERAGED},
    "direct_denoising": {"objective": {"gamma": 0.3}},
    "direct_saturate": SATURATED,
    "direct_median": {"objective": {"match": "saturate", "saturation": [0.5]}},
    "direct_two_sided": {"objective": {"match": "ranks_two_sided"}},
    "direct_diversity": {"objective": {"diversity": 5.0}},
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
    "supervised_slow": optimised("muon", 3e-3),
    "supervised_fast": optimised("muon", 3e-2),
    "supervised_adamw": optimised("adamw", 5e-3),
    "supervised_attention": {"lora": {"rank": 8, "alpha": 8}} | optimised("adamw", 2e-3),
    "whole": {"kind": "full"} | optimised("muon", 4e-3),
    "whole_adamw": {"kind": "full"} | optimised("adamw", 1e-3),
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
