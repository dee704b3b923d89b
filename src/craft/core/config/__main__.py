"""`python -m craft.core.config` writes `configs/schema.json`; a test fails when the two differ."""

import json
from pathlib import Path

from craft.core.config.run import Config

if __name__ == "__main__":
    schema = json.dumps(Config.model_json_schema(), indent=2)
    Path("configs/schema.json").write_text(schema + "\n", encoding="utf-8")
