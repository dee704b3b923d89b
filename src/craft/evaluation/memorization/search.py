"""Memorization: is a generated image a real one in disguise, and do generated images betray who was trained on?

Every generated image is compared with the real images that the run *saw*: those that it trained on, those that the
reward's plausibility pulls towards, and those that calibrate and guard it (`SEEN_SPLITS`). It is done in three ways,
each of which sees copies the others miss:

- `features`: 1 - cosine in the features of the held-out encoder (or what is configured), over all seen images;
- `l2`: distance of grey pictures at mean 0 and length 1, mirrored or not, at the best shift of a few pixels;
- `ssim`: 1 - structural similarity of the same windows.

The last two are computed for candidates: the nearest in features and in shifted thumbnails. How near is too near is
measured, not chosen: real *test* images, which the run did not see, are compared in the same way, and an image is
flagged below the distance under which 1 % of them lie. A fresh image is therefore flagged with a chance of about 1 %.
A test image that has a twin among the seen ones (`craft.datasets.twins`) has no say in that: it is no fresh image.

Membership inference by nearest neighbours (Chen et al. 2020, GAN-Leaks): were generated images copies of training
images, training images would lie nearer to them than real test images do. The AUROC of that is 0.5 where nothing leaks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from craft.core.errors import CraftError
from craft.core.images import read_texts, stream_pixels, to_tensor
from craft.core.neighbours import nearest
from craft.core.reading import reading
from craft.core.settings import REAL, match_files
from craft.datasets.splits import SEEN_SPLITS
from craft.evaluation.memorization.alignment import compare, inner_window, thumbnails, to_grey
from craft.evaluation.memorization.results import MEASURES, MEMBERSHIP_COLUMNS, NEIGHBOUR_COLUMNS, without_twins
from craft.evaluation.memorization.settings import MemorizationJob, MemorizationSettings
from craft.evaluation.statistics.tails import tail_threshold
from craft.reward.embeddings import read_embeddings

# pairs of pictures that are compared at a time, and images whose pairs are held at a time
PAIRS, QUERIES = 256, 1024


@dataclass(frozen=True)
class Gallery:
    """Images as they are compared.

    Attributes:
        ids: image ids, n of them.
        labels: their labels.
        splits: their splits.
        features: of an evaluator or encoder, shape (n, width).
        pictures: grey, shape (n, side, side), in [0, 1], in half precision: a hundred thousand are held at a time.
    """

    ids: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    features: Tensor
    pictures: Tensor

    @classmethod
    def load(cls, images: Path, features: Path, name: str, side: int, split: str | None = None) -> "Gallery":
        """Read an image table, or one split of it, and the features that the evaluator or encoder `name` has of it.

        Raises:
            CraftError: if a file is missing or lacks these features, the files do not belong together, or there
                is no image.
        """
        texts = read_texts(images, split)
        ids, labels, splits = texts[["image_id", "label", "split"]].to_numpy(object).T
        pictures, start = torch.empty(len(ids), side, side, dtype=torch.float16), 0
        for frame, pixels in stream_pixels(images, split):
            pictures[start : start + len(frame)] = to_grey(to_tensor(pixels), side)
            start += len(frame)
        return cls(ids, labels, splits, read_embeddings(features, name, ids.tolist()), pictures)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: slice | np.ndarray) -> "Gallery":
        """Some of the images."""
        return Gallery(*(getattr(self, name)[rows] for name in ("ids", "labels", "splits", "features", "pictures")))

    def show(self, rows: slice | Tensor) -> Tensor:
        """The pictures of some rows, in single precision."""
        return self.pictures[rows].float()

    def thumbnails(self, reach: int = 0) -> Tensor:
        """`thumbnails` of the inner windows of all pictures, `reach` pixels from their borders."""
        blocks = (self.show(slice(start, start + QUERIES)) for start in range(0, len(self), QUERIES))
        return torch.cat([thumbnails(inner_window(block, reach)) for block in blocks])

    @classmethod
    def join(cls, galleries: list["Gallery"]) -> "Gallery":
        """The images of several galleries one after another, which are taken from the list as they are joined."""
        whole = len(galleries)
        ids, labels, splits = (
            np.concatenate([getattr(each, name) for each in galleries]) for name in ("ids", "labels", "splits")
        )
        features = torch.cat([each.features for each in galleries])
        pictures, start = torch.empty(len(ids), *galleries[0].pictures.shape[1:], dtype=torch.float16), 0
        for _ in range(whole):
            part = galleries.pop(0)
            pictures[start : start + len(part)] = part.pictures
            start += len(part)
        return cls(ids, labels, splits, features, pictures)


def find_candidates(
    queries: Gallery, seen: Gallery, shadow: Tensor, memorization: MemorizationSettings
) -> pd.DataFrame:
    """Pairs that are worth a comparison as pictures: columns `query`, `neighbour` (row numbers) and `mirrored`.

    Args:
        queries: images that are compared.
        seen: images that the run saw.
        shadow: `Gallery.thumbnails` of these.
        memorization: how many pairs there are of an image.
    """
    found, shown = [], queries.show(slice(None))
    index = nearest(queries.features, seen.features, memorization.candidates).index
    for mirrored in (False, True):
        found.append((index, mirrored))
        pictures = shown.flip(-1) if mirrored else shown
        # a step of two pixels leaves at most one to a thumbnail
        for shift in torch.cartesian_prod(*[torch.arange(-memorization.reach, memorization.reach + 1, 2)] * 2):
            moved = thumbnails(inner_window(pictures, memorization.reach, shift.expand(len(pictures), 2)))
            found.append((nearest(moved, shadow, 1).index, mirrored))
    frames = []
    for rows, mirrored in found:
        query = np.repeat(np.arange(len(rows)), rows.shape[1])
        frames.append(pd.DataFrame({"query": query, "neighbour": rows.flatten().numpy(), "mirrored": mirrored}))
    return pd.concat(frames).drop_duplicates().sort_values(["query", "neighbour", "mirrored"], ignore_index=True)


def compare_pictures(queries: Gallery, seen: Gallery, pairs: pd.DataFrame, reach: int) -> pd.DataFrame:
    """The pairs with their distances `l2` and `ssim` and the shift (`down`, `right`) of the seen picture."""
    parts = []
    for start in range(0, len(pairs), PAIRS):
        part = pairs.iloc[start : start + PAIRS]
        query, neighbour, mirrored = (
            torch.from_numpy(part[name].to_numpy(copy=True)) for name in ("query", "neighbour", "mirrored")
        )
        first = queries.show(query)
        first = torch.where(mirrored[:, None, None], first.flip(-1), first)
        compared = compare(first, seen.show(neighbour), reach)
        down, right = compared.shift.T.numpy()
        parts.append(part.assign(l2=compared.distance.numpy(), ssim=1 - compared.ssim.numpy(), down=down, right=right))
    return pd.concat(parts, ignore_index=True)


def nearest_two(pairs: pd.DataFrame, measure: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance, ratio to the second seen image's, and row number in `pairs` of every query's nearest one."""
    ranked = pairs.sort_values(["query", measure, "neighbour"]).drop_duplicates(["query", "neighbour"])
    place = ranked.groupby("query").cumcount()
    first = ranked[place == 0]
    second = ranked[place == 1].set_index("query")[measure].reindex(range(count)).to_numpy()
    distance = first[measure].to_numpy()
    ratio = np.divide(distance, second, out=np.ones(count), where=np.nan_to_num(second) > 0)
    return distance, ratio, first.index.to_numpy()


@torch.inference_mode()
def find_neighbours(queries: Gallery, seen: Gallery, memorization: MemorizationSettings) -> pd.DataFrame:
    """The nearest seen image of every image by every measure.

    Returns:
        One row per query: `image_id`, `label`; for each measure `<measure>_distance`, `<measure>_ratio` (to the second
        nearest seen image, of the candidates for `l2` and `ssim`), `<measure>_neighbour` (image id) and
        `<measure>_split` (its split); `mirrored`, `down` and `right` say how the nearest by `l2` had to be laid over
        the query.
    """
    shadow = seen.thumbnails(memorization.reach)
    blocks = (queries[start : start + QUERIES] for start in range(0, len(queries), QUERIES))
    return pd.concat([neighbours_of(block, seen, shadow, memorization) for block in blocks], ignore_index=True)


def neighbours_of(queries: Gallery, seen: Gallery, shadow: Tensor, memorization: MemorizationSettings) -> pd.DataFrame:
    """`find_neighbours` of a few images; for `shadow` see `find_candidates`."""
    count = len(queries)
    by_features = nearest(queries.features, seen.features, 2)
    first = by_features.index[:, 0].numpy()
    pairs = compare_pictures(queries, seen, find_candidates(queries, seen, shadow, memorization), memorization.reach)
    columns = {
        "image_id": queries.ids,
        "label": queries.labels,
        "features_distance": by_features.distances[:, 0].numpy(),
        "features_ratio": by_features.ratio.numpy(),
        "features_neighbour": seen.ids[first],
        "features_split": seen.splits[first],
    }
    for measure in ("l2", "ssim"):
        distance, ratio, rows = nearest_two(pairs, measure, count)
        columns |= {f"{measure}_distance": distance, f"{measure}_ratio": ratio}
        found = pairs["neighbour"].to_numpy()[rows]
        columns |= {f"{measure}_neighbour": seen.ids[found], f"{measure}_split": seen.splits[found]}
        if measure == "l2":
            columns |= {name: pairs[name].to_numpy()[rows] for name in ("mirrored", "down", "right")}
    return pd.DataFrame(columns)


def read_twins(path: Path | None) -> set[str]:
    """Ids of the test images that have a twin among the images that the run saw; none without a file.

    Raises:
        CraftError: if the file is missing.
    """
    if path is None:
        return set()
    if not Path(path).is_file():
        raise CraftError(f"no table of twins {path}: run `snakemake {path}` first")
    with reading(path, "a table of twins", "run `snakemake --forcerun prepare_images`"):
        pairs = pd.read_csv(path, dtype=str)[["image_id", "twin_id", "split", "twin_split"]]
    ways = (("image_id", "split", "twin_split"), ("twin_id", "twin_split", "split"))
    return {
        name
        for image, own, other in ways
        for name in pairs.loc[(pairs[own] == "test") & pairs[other].isin(SEEN_SPLITS), image]
    }


def flag_copies(frame: pd.DataFrame, real: pd.DataFrame, flagged: float) -> pd.DataFrame:
    """The frame with a column `<measure>_copied` for each measure, and the share of real images that is `flagged`.

    A copy is nearer than the threshold that this share of real images sets, labels weighed alike
    (`craft.evaluation.statistics.tails.tail_threshold`).
    """
    real = without_twins(real)
    labels = real["label"].to_numpy()
    limits = {name: tail_threshold(real[f"{name}_distance"].to_numpy(), flagged, labels) for name in MEASURES}
    copied = {f"{name}_copied": frame[f"{name}_distance"] < limit for name, limit in limits.items()}
    return frame.assign(**copied, flagged=flagged)


@torch.inference_mode()
def measure_membership(train: Gallery, test: Gallery, generated: Gallery) -> pd.DataFrame:
    """Distance of every training and test image to the nearest generated one, in features and as it stands (`l2`)."""
    frames = []
    shadow = generated.thumbnails()
    for split, gallery in (("train", train), ("test", test)):
        frame = pd.DataFrame({"image_id": gallery.ids, "label": gallery.labels, "split": split})
        frame["features_distance"] = nearest(gallery.features, generated.features, 1).distances[:, 0].numpy()
        frame["l2_distance"] = nearest(gallery.thumbnails(), shadow, 1, "l2").distances[:, 0].numpy()
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def require_width(generated: Gallery, real: Gallery, name: str) -> None:
    """Raise a CraftError if two galleries' features come from different models."""
    own, other = generated.features.shape[1], real.features.shape[1]
    if own != other:
        raise CraftError(
            f"the features of {name} are {own} numbers wide, those of the real images {other}: they come from"
            " different models; run `snakemake --forcerun encode_images score_images`"
        )


def search_copies(
    job: MemorizationJob,
    images: Path,
    features: Path,
    generated: list[Path],
    embeddings: list[Path],
    twins: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Search the images of all methods of one dataset for copies of real images that the run saw.

    Args:
        job: dataset, whose features are compared, whose images are searched, and how.
        images: image table of the dataset.
        features: its feature file.
        generated: image tables of the generated images, in the order of `job.generated`.
        embeddings: feature files of the generated images, in the same order.
        twins: table of the dataset's twins, which have no say in the threshold of a copy.

    Returns:
        Neighbours, one row per image (columns `NEIGHBOUR_COLUMNS`), real test images first; and membership, one row per
        real image, method and seed (columns `MEMBERSHIP_COLUMNS`).

    Raises:
        CraftError: if a file is missing, there is not one for every image set, or files do not belong together.
    """
    settings, name = job.memorization, job.features.name
    tables = match_files(job.generated, generated, "--generated")
    files = match_files(job.generated, embeddings, "--embeddings")
    test, *parts = (
        Gallery.load(images, features, name, settings.resolution, split) for split in ("test", *SEEN_SPLITS)
    )
    seen = Gallery.join(parts)
    # a slice shares the pictures
    train = seen[: int((seen.splits == "train").sum())]
    real = find_neighbours(test, seen, settings)
    real["twin"] = real["image_id"].isin(read_twins(twins))
    shared = {"dataset": job.dataset, "evaluator": name, "role": job.features.role}
    neighbours, membership = [flag_copies(real, real, settings.flagged).assign(method=REAL, seed=0, **shared)], []
    for (each, table), (_, file) in zip(tables, files, strict=True):
        gallery = Gallery.load(table, file, name, settings.resolution)
        require_width(gallery, seen, f"{job.dataset}/{each.method}")
        found = flag_copies(find_neighbours(gallery, seen, settings).assign(twin=False), real, settings.flagged)
        place = {"method": each.method, "seed": each.seed, **shared}
        neighbours.append(found.assign(**place))
        membership.append(measure_membership(train, test, gallery).assign(**place))
    return (
        pd.concat(neighbours, ignore_index=True)[list(NEIGHBOUR_COLUMNS)],
        pd.concat(membership, ignore_index=True)[list(MEMBERSHIP_COLUMNS)],
    )
