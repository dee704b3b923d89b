"""The small architectures that are trained from nothing, as plain transformers and diffusers configurations."""

from craft.core.config import EvaluatorTraining, FoundationTraining


def text_config(tokenizer, width: int, layers: int):
    """A CLIP text encoder for `tokenizer`."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def build_evaluator(training: EvaluatorTraining, tokenizer, resolution: int):
    """An untrained image-text model of one of three families; their inputs are images scaled to [-1, 1]."""
    builders = {"clip_vit": clip_vit, "clip_convnext": clip_convnext, "siglip_vit": siglip_vit}
    return builders[training.family](training, tokenizer, resolution)


def clip_vit(training: EvaluatorTraining, tokenizer, resolution: int):
    """CLIP with a vision transformer."""
    from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig

    vision = CLIPVisionConfig(
        image_size=resolution,
        patch_size=training.patch_size,
        hidden_size=training.width,
        intermediate_size=3 * training.width,
        num_hidden_layers=training.layers,
        num_attention_heads=4,
    )
    text = text_config(tokenizer, training.width, 2)
    return CLIPModel(
        CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=training.width)
    )


def clip_convnext(training: EvaluatorTraining, tokenizer, resolution: int):
    """CLIP with a convolutional backbone."""
    from transformers import ConvNextConfig, VisionTextDualEncoderConfig, VisionTextDualEncoderModel

    width = training.width
    vision = ConvNextConfig(
        image_size=resolution,
        patch_size=4,
        num_stages=3,
        hidden_sizes=[width // 2, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, training.layers // 2, training.layers // 2],
        layer_scale_init_value=0.1,
    )
    text = text_config(tokenizer, width, 2)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=width)
    return VisionTextDualEncoderModel(config)


def siglip_vit(training: EvaluatorTraining, tokenizer, resolution: int):
    """SigLIP: attention pooling over the image, no causal mask on the text, trained with a sigmoid loss."""
    from transformers import SiglipConfig, SiglipModel, SiglipTextConfig, SiglipVisionConfig

    width = training.width
    vision = SiglipVisionConfig(
        image_size=resolution,
        patch_size=training.patch_size,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=training.layers,
        num_attention_heads=4,
    )
    text = SiglipTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return SiglipModel(SiglipConfig(text_config=text.to_dict(), vision_config=vision.to_dict()))


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
        layers_per_block=1,
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
