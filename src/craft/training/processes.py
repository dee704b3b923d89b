"""Several processes on one training: equal weights everywhere, gradients averaged, one process that writes.

`torchrun --nproc-per-node N scripts/finetune_reward.py ...` starts N processes (the rules do so where the configuration
asks for several); alone, a process is a crew of one and nothing here costs anything.
"""

from collections.abc import Callable

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast, broadcast_object_list
from accelerate.utils import gather as gather_rows
from torch import Tensor, nn


def make_accelerator(device: torch.device, precision: str = "auto") -> Accelerator:
    """The processes of a training, on the device's kind; `precision` is that of `craft.training.settings`."""
    on_gpu = device.type == "cuda"
    # torch says yes of older devices too, which emulate it at a fraction of their speed
    has_bf16 = on_gpu and torch.cuda.get_device_capability(device)[0] >= 8
    bf16 = precision == "bf16" or (precision == "auto" and has_bf16)
    return Accelerator(cpu=not on_gpu, mixed_precision="bf16" if bf16 else "no")


def is_main_process() -> bool:
    """Whether this process writes results."""
    return PartialState().is_main_process


def join(accelerator: Accelerator, tensors: list[Tensor], reduction: str) -> list[Tensor]:
    """Mean or sum of every tensor over the processes, of all tensors in one message."""
    # flatten, not view: gradients may lie in memory channels last
    joined = accelerator.reduce(torch.cat([tensor.flatten() for tensor in tensors]), reduction=reduction)
    parts = joined.split([tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def average_gradients(accelerator: Accelerator, parameters: list[nn.Parameter]) -> None:
    """Replace every process's gradients by their mean over the processes; a missing gradient counts as zero."""
    if accelerator.num_processes == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    means = join(accelerator, [parameter.grad for parameter in parameters], "mean")
    for parameter, mean in zip(parameters, means, strict=True):
        parameter.grad.copy_(mean)


def share_work(accelerator: Accelerator, function: Callable[[Tensor], Tensor], tensors: list[Tensor]) -> list[Tensor]:
    """A function that keeps shapes, of every tensor: each is worked out by one process and given to all."""
    count, own = accelerator.num_processes, accelerator.process_index
    if count == 1:
        return [function(tensor) for tensor in tensors]
    largest_first = sorted(range(len(tensors)), key=lambda index: -tensors[index].numel())
    done = [torch.zeros_like(tensor) for tensor in tensors]
    for index in largest_first[own::count]:
        done[index] = function(tensors[index])
    return join(accelerator, done, "sum")


def average_logs(accelerator: Accelerator, logs: dict[str, float]) -> dict[str, float]:
    """Mean over the processes of what each of them logged of one step."""
    if accelerator.num_processes == 1:
        return logs
    values = torch.tensor(list(logs.values()), dtype=torch.float64, device=accelerator.device)
    return dict(zip(logs, accelerator.reduce(values, reduction="mean").tolist(), strict=True))


def sum_logs(accelerator: Accelerator, logs: dict[str, float]) -> dict[str, float]:
    """Sum over the processes of what each of them has."""
    if accelerator.num_processes == 1:
        return logs
    return {name: value * accelerator.num_processes for name, value in average_logs(accelerator, logs).items()}


def gather(tensor: Tensor) -> Tensor:
    """The tensors of all processes under each other, in every process; shape (processes, ...)."""
    return tensor[None] if PartialState().num_processes == 1 else gather_rows(tensor[None].contiguous())


def agree(accelerator: Accelerator, value):
    """The main process's value, in every process."""
    if accelerator.num_processes == 1:
        return value
    return broadcast_object_list([value])[0]


@torch.no_grad()
def share_weights(accelerator: Accelerator, parameters: list[nn.Parameter]) -> None:
    """Give every process the main process's weights."""
    if accelerator.num_processes > 1:
        for parameter in parameters:
            parameter.copy_(broadcast(parameter.detach().clone()))


def largest(accelerator: Accelerator, number: int) -> int:
    """The largest of the processes' numbers."""
    if accelerator.num_processes == 1:
        return number
    return int(accelerator.gather(torch.tensor([number], device=accelerator.device)).max())
