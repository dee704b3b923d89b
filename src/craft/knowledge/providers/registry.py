"""Which code speaks for which provider."""

import importlib
from pathlib import Path

from craft.core.config.knowledge import LanguageModelSource
from craft.knowledge.providers.cache import CachedModel


def open_model(source: LanguageModelSource, device: str = "cpu") -> CachedModel:
    """The language model of a source; nothing is loaded or sent before a question that the cache does not answer.

    Args:
        source: provider `openai` or `transformers`, and its settings.
        device: where a local model runs.
    """
    # by name, so that a job that asks no model neither needs nor waits for a provider's libraries
    provider = importlib.import_module(f"craft.knowledge.providers.{source.provider}")
    return CachedModel(provider.connect(source, device), Path(source.cache), source.re_asks)
