"""A small decoder that stands in for the autoencoder's where a gradient is wanted."""

from torch import nn

from craft.core.errors import CraftError
from craft.models.weights import check_hashes, load_whole, loading


def load_tiny_decoder(path: str, vae: nn.Module) -> nn.Module:
    """A frozen AutoencoderTiny that reads the latents of `vae`.

    Raises:
        CraftError: if it cannot be loaded or its latents have another shape.
    """
    from diffusers import AutoencoderTiny

    with loading("tiny decoder", path):
        check_hashes(path)
        tiny = load_whole(AutoencoderTiny.from_pretrained, path).requires_grad_(False).eval().to(vae.device)
    channels = [model.config.latent_channels for model in (tiny, vae)]
    enlarged = [
        2 ** (len(model.config[key]) - 1)
        for model, key in ((tiny, "decoder_block_out_channels"), (vae, "block_out_channels"))
    ]
    if channels[0] != channels[1] or enlarged[0] != enlarged[1]:
        raise CraftError(
            f"the tiny decoder {path!r} turns {channels[0]} latent channels into images {enlarged[0]} times as large,"
            f" the foundation {channels[1]} into {enlarged[1]} times; name one distilled from this foundation's decoder"
        )
    return tiny
