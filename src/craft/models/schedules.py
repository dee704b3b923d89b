"""Noise schedules: what a pipeline's scheduler says of its training, and the samplers that are made of it.

A scheduler's configuration tells two things: how the model was trained (betas, what it predicts) and how it is sampled.
Training noise is that of DDPM, whatever solver the pipeline brings. Latents are not bound to [-1, 1] as pixels are, so
that no sampler clips them, whatever the defaults of its class are.
"""

from craft.core.errors import CraftError

SAMPLERS = {"ddim": "DDIMScheduler", "dpmsolver++": "DPMSolverMultistepScheduler", "euler": "EulerDiscreteScheduler"}
PREDICTIONS = ("epsilon", "v_prediction", "sample")
# whatever the pipeline's own scheduler says; a class ignores what it does not have
OURS = {"clip_sample": False, "thresholding": False, "algorithm_type": "dpmsolver++"}


def noise_schedule(scheduler):
    """The DDPM schedule of a model that another scheduler samples: `add_noise`, `get_velocity`, `alphas_cumprod`.

    Args:
        scheduler: of a diffusers pipeline.

    Raises:
        CraftError: if the model was trained with noise of another kind, or predicts something else.
    """
    from diffusers import DDPMScheduler

    config, name = scheduler.config, type(scheduler).__name__
    continuous = config.get("timestep_type", "discrete") != "discrete"
    if "beta_schedule" not in config or config.get("use_flow_sigmas") or continuous:
        raise CraftError(
            f"the scheduler {name} has no discrete schedule of betas, as models of DDPM's kind have; name a pipeline of"
            " the Stable Diffusion 1 or 2 family"
        )
    if (prediction := config.get("prediction_type", "epsilon")) not in PREDICTIONS:
        raise CraftError(
            f"the scheduler {name} has the prediction_type {prediction!r}, which is none of {', '.join(PREDICTIONS)};"
            " correct it in scheduler_config.json, or name another pipeline"
        )
    return made_of(DDPMScheduler, scheduler)


def make_sampler(scheduler, kind: str, steps: int, device):
    """A fresh diffusers scheduler of a kind in `SAMPLERS`, with the noise schedule of another one, set to `steps`.

    Raises:
        CraftError: if that kind does not know the noise schedule.
    """
    import diffusers

    sampler = made_of(getattr(diffusers, SAMPLERS[kind]), scheduler)
    sampler.set_timesteps(steps, device=device)
    return sampler


def made_of(kind: type, scheduler):
    """A scheduler of another class with the configuration of one."""
    try:
        return kind.from_config(scheduler.config, **OURS)
    except NotImplementedError as error:
        raise CraftError(
            f"the scheduler {kind.__name__} does not know the beta_schedule {scheduler.config.beta_schedule!r} of the"
            " pipeline; name another in scheduler_config.json or in `sampling`"
        ) from error
