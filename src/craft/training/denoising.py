"""The denoising loss of diffusion training, shared by the foundation, the supervised methods and CRAFT."""

from torch import Tensor

from craft.core.seeds import Draws


def target_of(scheduler, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the model should predict: the noise, the velocity (Salimans & Ho 2022), or the clean latents."""
    if scheduler.config.prediction_type == "v_prediction":
        return scheduler.get_velocity(latents, noise, timesteps)
    return latents if scheduler.config.prediction_type == "sample" else noise


def draw_noise(scheduler, latents: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Noise of the shape of latents (n, ...), and uniform timesteps (n,) for them."""
    noise = draws.normal(*latents.shape).to(latents)
    return noise, draws.integers(scheduler.config.num_train_timesteps, len(latents)).to(latents.device)


def denoising_errors(unet, scheduler, latents: Tensor, states: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Mean squared prediction error of every image, shape (n,).

    Args:
        unet: the denoiser.
        scheduler: the foundation's `noise_schedule`.
        latents: scaled latents, shape (n, channels, height, width).
        states: text states, shape (n, window, width).
        noise: of the latents' shape.
        timesteps: shape (n,).
    """
    noisy = scheduler.add_noise(latents, noise, timesteps)
    prediction = unet(noisy, timesteps, encoder_hidden_states=states).sample
    return (prediction - target_of(scheduler, latents, noise, timesteps)).square().mean((1, 2, 3))


def denoising_loss(
    unet, scheduler, latents: Tensor, states: Tensor, draws: Draws, min_snr_gamma: float | None = None
) -> Tensor:
    """Mean squared prediction error at drawn timesteps; see `denoising_errors` for the other arguments.

    Args:
        draws: of timesteps and noise.
        min_snr_gamma: cap on the signal-to-noise ratio in the weight of a timestep (Min-SNR, Hang et al. 2023).
    """
    noise, timesteps = draw_noise(scheduler, latents, draws)
    errors = denoising_errors(unet, scheduler, latents, states, noise, timesteps)
    if min_snr_gamma is None:
        return errors.mean()
    return (min_snr_weights(scheduler, timesteps, min_snr_gamma) * errors).mean()


def min_snr_weights(scheduler, timesteps: Tensor, gamma: float) -> Tensor:
    """min(SNR, gamma) as a weight on the error of the clean image, turned into one on the prediction's; shape (n,).

    The noise's error is SNR times the clean image's, the velocity's SNR + 1 times. Finite at any SNR, 0 included.
    """
    from diffusers.training_utils import compute_snr

    snr = compute_snr(scheduler, timesteps)
    if scheduler.config.prediction_type == "epsilon":
        return (gamma / snr).clamp(max=1)
    weights = snr.clamp(max=gamma)
    return weights / (snr + 1) if scheduler.config.prediction_type == "v_prediction" else weights
