"""A RegNet-Y: grouped convolutions, squeeze and excitation (Radosavovic et al. 2020)."""


def configure(width: int):
    """The `transformers` configuration of a tower that pools 2 * width features."""
    from transformers import RegNetConfig

    return RegNetConfig(
        embedding_size=width // 2,
        hidden_sizes=[width // 2, width // 2, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 2, 1],
        groups_width=16,
        layer_type="y",
    )


TOWER = configure
