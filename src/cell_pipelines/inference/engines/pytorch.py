"""PyTorch as an engine, on the processor or on a GPU; what all others are compared with."""

from typing import Any

from cell_pipelines.inference.engines.deployed import DeployedNetwork
from cell_pipelines.typing import Float32Array


class PyTorch:
    """A network on PyTorch.

    Args:
        deployed: The network; moved to the device.
        device: ``cpu``, ``cuda`` or ``mps``.
        threads: Processors it may use; None leaves PyTorch as it is.
    """

    def __init__(self, deployed: DeployedNetwork, *, device: str = "cpu", threads: int | None = None) -> None:
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device(device)
        layout = torch.channels_last
        network: Any = deployed.network
        self._network = network.to(self._device, memory_format=layout)

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        """Return the outputs of images (B, C, H, W), brought to the device and back."""
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(images).to(self._device, memory_format=torch.channels_last)
            found = self._network(given)
        return tuple(one.cpu().numpy() for one in found)
