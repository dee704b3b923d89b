"""What was drawn for every phantom of a corpus, as numbers that an encoder can learn to tell."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# names the label, not what is seen
LABEL = "label"


@dataclass(frozen=True)
class Attributes:
    """Drawn attributes of n images of several datasets.

    Attributes:
        names: 'modality/attribute' of every column, or 'modality/attribute_value' of a word.
        values: shape (n, columns); standardised within the dataset.
        known: whether the column belongs to the image's dataset, shape (n, columns).
    """

    names: list[str]
    values: np.ndarray
    known: np.ndarray

    @classmethod
    def read(cls, attributes: Sequence[str], dataset: np.ndarray, modalities: Sequence[str]) -> "Attributes":
        """From the image tables' column `attributes`.

        Args:
            attributes: JSON of every image, '' where nothing was drawn, length n.
            dataset: index of every image's dataset, shape (n,).
            modalities: of the datasets.
        """
        names, blocks, rows_of_blocks = [], [], []
        for number in np.unique(dataset):
            rows = np.flatnonzero((dataset == number) & (np.asarray(attributes, object) != ""))
            if not len(rows):
                continue
            table = pd.DataFrame([json.loads(attributes[row]) for row in rows]).drop(columns=LABEL, errors="ignore")
            # booleans count as 0 and 1, words as one column each
            words = list(table.select_dtypes(exclude=["number", "bool"]))
            table = pd.get_dummies(table, columns=words).astype(float)
            table = table.loc[:, table.std() > 1e-9]
            names += [f"{modalities[number]}/{name}" for name in table]
            blocks.append(((table - table.mean()) / table.std()).to_numpy(np.float32))
            rows_of_blocks.append(rows)
        values = np.zeros((len(dataset), len(names)), np.float32)
        known = np.zeros(values.shape, bool)
        first = 0
        for block, rows in zip(blocks, rows_of_blocks, strict=True):
            place = np.ix_(rows, np.arange(first, first + block.shape[1]))
            values[place], known[place] = block, True
            first += block.shape[1]
        return cls(names, values, known)
