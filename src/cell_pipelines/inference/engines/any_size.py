"""A segmentation network on another engine than PyTorch, for tiles of any size."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cell_pipelines.inference.engines.deployed import load_deployed
from cell_pipelines.inference.engines.export import export_onnx
from cell_pipelines.inference.engines.registry import create_engine
from cell_pipelines.models.any_size import pad_by_mirroring

if TYPE_CHECKING:
    import torch


class ExportedTiles:
    """A network exported to ONNX that gives the activated outputs of tiles, padded inside as PyTorch's are.

    Args:
        checkpoint: File of a segmentation model.
        engine: Of `registry.ENGINES`, on the processor.
        threads: Processors it may use.

    Raises:
        EngineError: The engine can't be used here.
        ExportError: The network can't be exported, or gives something else then.
    """

    def __init__(self, checkpoint: Path, engine: str, *, threads: int) -> None:
        deployed = load_deployed(checkpoint, any_size=True)
        self._step, self._least = deployed.step, deployed.least
        self._stride = int(deployed.record["stride"])
        with tempfile.TemporaryDirectory(prefix="engine-") as folder:
            exported = Path(folder) / "network.onnx"
            export_onnx(deployed, exported)
            self._engine = create_engine(engine, checkpoint, exported, threads=threads)

    def __call__(self, images: "torch.Tensor") -> "torch.Tensor":
        """Return the activated outputs (B, K * C, h, w) of images (B, C, H, W) on the processor."""
        import torch

        height, width = images.shape[-2:]
        padded = images
        if self._step is not None:
            step, least = self._step, self._least
            padded = pad_by_mirroring(images, *(max(-(-side // step) * step, least) for side in (height, width)))
        (outputs,) = self._engine(padded.contiguous().numpy())
        return torch.from_numpy(outputs)[..., : -(-height // self._stride), : -(-width // self._stride)]
