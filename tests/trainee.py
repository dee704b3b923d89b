"""A tiny CRAFT run as a process of its own, for tests that kill it or start several of it.

python trainee.py ADAPTER FOLDER CHANGES: trains from the adapter with its checkpoints in FOLDER/checkpoints and leaves
the weights of every process in FOLDER/rank<N>.safetensors. CHANGES is a JSON object of training settings.
"""

import json
import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from runs import reward_method, reward_run, weights  # noqa: E402

from craft.core.errors import CraftError  # noqa: E402

if __name__ == "__main__":
    torch.set_num_threads(1)
    adapter, folder, changes = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    try:
        foundation, history = reward_run(adapter, folder / "checkpoints", reward_method(**changes))
    except CraftError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    trained = {str(index): weight for index, weight in enumerate(weights(foundation))}
    save_file(trained, folder / f"rank{os.environ.get('RANK', '0')}.safetensors")
    (folder / "losses.json").write_text(json.dumps([row.get("loss") for row in history]))
