"""An evaluator whose image tower is a frozen vision encoder: only a projection and a text tower belong to it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from craft.core.errors import CraftError
from craft.core.files import write_json
from craft.core.reading import read_json
from craft.models.encoders import VisionEncoder, load_tower
from craft.models.evaluators import ImageTextEvaluator
from craft.models.families.base import TOWER
from craft.models.weights import check_hashes, load_state, loading

WEIGHTS = "model.safetensors"


class LockedModel(nn.Module):
    """A frozen encoder, a projection of its standardised features, and a text tower.

    Args:
        encoder: the image tower; it is no part of the weights.
        text: `transformers` configuration of the text tower.
        width: length of the embeddings.
    """

    def __init__(self, encoder: VisionEncoder, text, width: int):
        super().__init__()
        from transformers import AutoModel

        # in a tuple, so that the encoder's weights are neither trained nor saved with the others
        self._encoder = (encoder,)
        visual = encoder.embed(torch.zeros(1, 3, encoder.size, encoder.size)).shape[1]
        self.text_model = AutoModel.from_config(text)
        self.text_projection = nn.Linear(text.hidden_size, width, bias=False)
        self.visual_projection = nn.Linear(visual, width, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))
        self.register_buffer("centre", torch.zeros(visual))
        self.register_buffer("spread", torch.ones(visual))
        self.config = SimpleNamespace(model_type="locked")

    @property
    def encoder(self) -> VisionEncoder:
        return self._encoder[0]

    def _apply(self, function, recurse: bool = True) -> Self:
        """Move or convert the encoder too, which `nn.Module` does not know of."""
        self.encoder._apply(function, recurse)
        return super()._apply(function, recurse)

    def standardise(self, visual: Tensor) -> None:
        """Set the standardisation from features of training images, shape (n, visual width)."""
        self.centre.copy_(visual.mean(0))
        self.spread.copy_(visual.std(0).clamp_min(1e-3))

    def project(self, visual: Tensor) -> Tensor:
        """Embeddings (n, width), not normalised, of the encoder's features (n, visual width)."""
        return self.visual_projection((visual - self.centre) / self.spread)

    def get_text_features(self, **tokens: Tensor) -> Tensor:
        """Embeddings (n, width), not normalised, of tokenised texts."""
        return self.text_projection(self.text_model(**tokens).pooler_output)


class LockedEvaluator(ImageTextEvaluator):
    """An evaluator on a frozen vision encoder."""

    def __init__(self, model: LockedModel, tokenizer):
        encoder = model.encoder
        super().__init__(
            model, tokenizer, encoder.size, encoder.mean.flatten().tolist(), encoder.std.flatten().tolist()
        )

    @property
    def tower(self) -> tuple[str, str]:
        """See `ImageTextEvaluator.tower`."""
        return self.model.encoder.origin

    def project(self, visual: Tensor) -> Tensor:
        """See `ImageTextEvaluator.project`."""
        return F.normalize(self.model.project(visual), dim=-1)

    def encode_images(self, images: Tensor) -> Tensor:
        """See `ImageTextEvaluator.encode_images`."""
        return self.project(self.model.encoder.encode_images(images))

    def save(self, folder: Path) -> None:
        """Save the projection, the text tower and the tokenizer, weights in half precision, and the tower's name."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.half().contiguous() for name, tensor in self.model.state_dict().items()}
        save_file(state, folder / WEIGHTS)
        loader, path = self.tower
        text = self.model.text_model.config.to_diff_dict()
        write_json(folder / TOWER, {"loader": loader, "path": path, "text": text, "width": self.width})
        self.tokenizer.save_pretrained(folder)

    @property
    def width(self) -> int:
        """Length of the embeddings."""
        return self.model.text_projection.out_features

    @classmethod
    def load(cls, path: str, device: str = "cpu") -> Self:
        """Load a frozen evaluator from its folder, in float32.

        Raises:
            CraftError: if it is not there, or its tower cannot be loaded.
        """
        from transformers import AutoConfig, AutoTokenizer

        folder = Path(path)
        if missing := [name for name in (TOWER, WEIGHTS) if not (folder / name).is_file()]:
            raise CraftError(f"no evaluator on a locked tower can be loaded from {path!r}: it has no {missing[0]}")
        with loading("evaluator on a locked tower", path):
            check_hashes(path)
            known = read_json(folder / TOWER)
            text = AutoConfig.for_model(**known["text"])
            model = LockedModel(load_tower((known["loader"], known["path"])), text, known["width"])
            load_state(folder / WEIGHTS, model)
            tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            evaluator = cls(model, tokenizer).requires_grad_(False).eval()
            evaluator.try_out()
            return evaluator.to(device)
