"""A Big Transfer tower: bottlenecks, group normalisation, standardised weights (Kolesnikov et al. 2020)."""


def configure(width: int):
    """The `transformers` configuration of a tower that pools 2 * width features."""
    from transformers import BitConfig

    return BitConfig(
        embedding_size=width // 2,
        hidden_sizes=[width // 2, width, width, 2 * width],
        hidden_size=2 * width,
        depths=[1, 1, 1, 1],
        layer_type="bottleneck",
        num_groups=8,
    )


TOWER = configure
