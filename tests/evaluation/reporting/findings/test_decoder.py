"""What the autoencoder alone costs."""

import pandas as pd

from craft.evaluation.reporting.findings.decoder import find_decoder


def test_decoder_costs_what_decoded_test_images_lose(cas, make_table, run):
    columns = "dataset method evaluator role metric value"
    rows = [
        ("chest", "real", "stranger", "held_out", "cas", 0.75),
        ("chest", "decoded", "stranger", "held_out", "cas", 0.5),
        ("chest", "decoded", "judge", "reward", "cas", 0.0),
        ("skin", "real", "stranger", "held_out", "cas", 0.75),
    ]
    scored = pd.concat([cas, make_table(columns, *rows, label="all")])
    tail = make_table(
        columns,
        ("chest", "real", "stranger", "held_out", "tail_rate", 0.125),
        ("chest", "decoded", "stranger", "held_out", "tail_rate", 0.25),
        label="all",
    )
    found = find_decoder({"cas": scored, "tail": tail}, run)
    assert found == [{"evaluator": "stranger", "dataset": "chest", "cas": -0.25, "tail": 0.125}]
