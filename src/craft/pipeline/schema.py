"""`python -m craft.pipeline.schema` writes `configs/schema.json`; a test fails when the two differ."""

import json
from pathlib import Path

from craft.pipeline.config import Config

SCHEMA = Path("configs/schema.json")


def schema_text() -> str:
    """The JSON schema of the configuration, as the file holds it."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
