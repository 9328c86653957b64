"""TensorRT as an engine, on an NVIDIA GPU."""

from pathlib import Path
from typing import Any

from cell_pipelines.typing import Float32Array


class TensorRt:
    """An exported network on TensorRT, compiled for this GPU, which takes minutes.

    Args:
        path: File of `export_onnx`.
        most_images: Largest batch that it will be given.

    Raises:
        RuntimeError: TensorRT can't compile the network.
    """

    def __init__(self, path: Path, *, most_images: int = 32) -> None:
        import tensorrt
        import torch

        log = tensorrt.Logger(tensorrt.Logger.ERROR)
        plan = _compile(tensorrt, log, path, most_images)
        # The engine lives as long as its runtime.
        self._runtime: Any = tensorrt.Runtime(log)
        self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
        self._context: Any = self._engine.create_execution_context()
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        names = [self._engine.get_tensor_name(place) for place in range(self._engine.num_io_tensors)]
        self._input = next(n for n in names if self._engine.get_tensor_mode(n) == tensorrt.TensorIOMode.INPUT)
        self._outputs = [name for name in names if name != self._input]

    def __call__(self, images: Float32Array) -> tuple[Float32Array, ...]:
        """Return the outputs of images (B, C, H, W), brought to the GPU and back."""
        import torch

        with torch.cuda.stream(self._stream):
            given = torch.from_numpy(images).cuda(non_blocking=True).contiguous()
            self._context.set_input_shape(self._input, tuple(given.shape))
            self._context.set_tensor_address(self._input, given.data_ptr())
            found = []
            for name in self._outputs:
                found.append(torch.empty(tuple(self._context.get_tensor_shape(name)), device="cuda"))
                self._context.set_tensor_address(name, found[-1].data_ptr())
            if not self._context.execute_async_v3(self._stream.cuda_stream):
                raise RuntimeError("TensorRT could not run the network.")
        self._stream.synchronize()
        return tuple(one.cpu().numpy() for one in found)


def _compile(tensorrt: Any, log: Any, path: Path, most_images: int) -> Any:
    builder = tensorrt.Builder(log)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, log)
    if not parser.parse(path.read_bytes()):
        reasons = "; ".join(str(parser.get_error(place)) for place in range(parser.num_errors))
        raise RuntimeError(f"{path.name}: TensorRT can't read the network: {reasons[:300]}")
    images = network.get_input(0)
    shape = tuple(images.shape)[1:]
    profile = builder.create_optimization_profile()
    profile.set_shape(images.name, (1, *shape), (min(8, most_images), *shape), (most_images, *shape))
    settings = builder.create_builder_config()
    settings.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, settings)
    if plan is None:
        raise RuntimeError(f"{path.name}: TensorRT can't compile the network for this GPU.")
    return plan
