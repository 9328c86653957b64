"""Networks that watch a training and change nothing of it: averages of its weights, other batch statistics."""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from cell_pipelines.models import checkpoint, registry

DECAYS = (0.9, 0.97)
State = dict[str, torch.Tensor]


def copied(state: dict[str, Any]) -> State:
    return {name: value.detach().clone() for name, value in state.items()}


class Watchers:
    """Networks that follow a training: the state of each at any time."""

    def __init__(self, network: nn.Module, batches: Callable[[], Iterator[Any]], *, few: bool) -> None:
        self.network, self.batches, self.few = network, batches, few
        self.averages = {f"ema_{decay}": copied(network.state_dict()) for decay in DECAYS}
        self.slow = copied(network.state_dict())
        self.before = copied(network.state_dict())
        self.steps, self.seconds = 0, dict.fromkeys((*self.averages, "slow_statistics", "new_statistics"), 0.0)

    @torch.no_grad()
    def follow(self) -> None:
        """Follow a step."""
        self.steps += 1
        now = self.network.state_dict()
        for decay, (name, average) in zip(DECAYS, self.averages.items(), strict=True):
            started = time.process_time()
            share = 1 - min(decay, (1 + self.steps) / (10 + self.steps))
            for key, value in average.items():
                value.lerp_(now[key], share) if value.is_floating_point() else value.copy_(now[key])
            self.seconds[name] += time.process_time() - started
        for key in (key for key in now if key.endswith(("running_mean", "running_var"))):
            batch = (now[key] - 0.9 * self.before[key]) / 0.1
            self.slow[key].lerp_(batch, max(0.02, 1 / self.steps))
            self.before[key].copy_(now[key])

    def states(self) -> dict[str, State]:
        """Return what each watcher's network is now."""
        raw = copied(self.network.state_dict())
        found = {"raw": raw, **{name: copied(state) for name, state in self.averages.items()}}
        if not self.few:
            slow = {key: value for key, value in self.slow.items() if "running_" in key}
            found |= {"slow_statistics": raw | slow, "new_statistics": self._with_new_statistics()}
        return found

    @torch.no_grad()
    def _with_new_statistics(self) -> State:
        started, network = time.process_time(), copy.deepcopy(self.network).train()
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.reset_running_stats()
                layer.momentum = None
        for batch, _ in zip(self.batches(), range(8), strict=False):
            network(batch["image"].contiguous(memory_format=torch.channels_last))
        self.seconds["new_statistics"] += time.process_time() - started
        return copied(network.state_dict())


def use_group_norm() -> None:
    """Let every network that is created from now on have group instead of batch normalisation."""
    create = registry.create_network

    def create_with_groups(*args: Any, **options: Any) -> nn.Module:
        return with_group_norm(create(*args, **options))

    registry.create_network = checkpoint.create_network = create_with_groups


def with_group_norm(network: nn.Module) -> nn.Module:
    """Return a network with its batch replaced by group normalisation, eight channels per group."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, nn.BatchNorm2d):
            parent = network.get_submodule(name.rpartition(".")[0]) if "." in name else network
            channels = layer.num_features
            setattr(parent, name.rpartition(".")[2], nn.GroupNorm(max(1, channels // 8), channels))
    return network
