"""A ResNet of basic residual blocks with batch normalisation (He et al. 2016)."""


def configure(width: int):
    """The `transformers` configuration of a tower that pools 2 * width features."""
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=width // 4,
        hidden_sizes=[width // 4, width // 2, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 1, 1],
        layer_type="basic",
    )


TOWER = configure
