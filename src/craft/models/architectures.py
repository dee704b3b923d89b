"""The small architectures that are trained from scratch, as plain transformers and diffusers configurations."""

from craft.models.encoders import load_tower
from craft.models.evaluators import ImageTextEvaluator
from craft.models.families import FAMILIES
from craft.models.locked import LockedEvaluator, LockedModel
from craft.models.settings import EvaluatorTraining, FoundationTraining

# the small towers read images scaled to [-1, 1]
HALF = [0.5, 0.5, 0.5]


def build_evaluator(training: EvaluatorTraining, tokenizer, resolution: int) -> ImageTextEvaluator:
    """An untrained evaluator of a family (`craft.models.families`)."""
    from transformers import VisionTextDualEncoderConfig, VisionTextDualEncoderModel

    family = FAMILIES[training.family]
    vision, text = family.configure(training, tokenizer)
    if family.tower:
        return LockedEvaluator(LockedModel(load_tower(family.tower), text, training.width), tokenizer)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=training.width)
    return ImageTextEvaluator(VisionTextDualEncoderModel(config), tokenizer, resolution, HALF, HALF)


def build_autoencoder(training: FoundationTraining, resolution: int):
    """An AutoencoderKL that shrinks by a factor of two per channel level after the first."""
    from diffusers import AutoencoderKL

    levels = len(training.autoencoder_channels)
    return AutoencoderKL(
        sample_size=resolution,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(training.autoencoder_channels),
        layers_per_block=1,
        latent_channels=training.latent_channels,
        norm_num_groups=8,
    )


def build_unet(training: FoundationTraining, latent_size: int, latent_channels: int, text_width: int):
    """A UNet2DConditionModel with cross-attention at every level but the first, where it would cost most."""
    from diffusers import UNet2DConditionModel

    deeper = len(training.unet_channels) - 1
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * deeper,
        up_block_types=("CrossAttnUpBlock2D",) * deeper + ("UpBlock2D",),
        block_out_channels=tuple(training.unet_channels),
        layers_per_block=training.unet_layers or 1,
        attention_head_dim=4,
        cross_attention_dim=text_width,
        norm_num_groups=16,
    )


def build_scheduler():
    """DDIM with v-prediction and zero terminal signal-to-noise ratio, so that few steps reach true black and white."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=True,
    )
