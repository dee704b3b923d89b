"""Which code speaks for which provider."""

import importlib
from pathlib import Path

from craft.knowledge.providers.cache import CachedModel
from craft.knowledge.settings import LanguageModelSettings


def open_model(settings: LanguageModelSettings, device: str = "cpu") -> CachedModel:
    """The language model of a settings; nothing is loaded or sent before a question that the cache does not answer.

    Args:
        settings: provider `openai` or `transformers`, and its settings.
        device: where a local model runs.
    """
    # by name, so that a job that asks no model neither needs nor waits for a provider's libraries
    provider = importlib.import_module(f"craft.knowledge.providers.{settings.provider}")
    return CachedModel(provider.connect(settings, device), Path(settings.cache), settings.re_asks)
