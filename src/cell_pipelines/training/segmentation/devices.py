"""Choose devices and number formats of a training, and start one process per device where there are several."""

import logging
import multiprocessing
import os
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from cell_pipelines.models.accelerators import Kind, choose_kind, processor_has_bfloat16, supports_bfloat16
from cell_pipelines.models.ultralytics_home import use_all_cores
from cell_pipelines.processes import end_with_parent
from cell_pipelines.quiet_loggers import quiet_loggers
from cell_pipelines.training.segmentation.settings import Precision, SegmentationTraining

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Devices:
    """Devices of a training.

    Attributes:
        kind: ``cpu``, ``cuda`` or ``mps``.
        count: How many.
        precision: In Lightning's words.
    """

    kind: Kind
    count: int
    precision: str


def choose_devices(training: SegmentationTraining) -> Devices:
    """Return what a training runs on here.

    Raises:
        ValueError: Asked for more GPUs than there are, the batch can't be shared out evenly, or the encoder would
            join the training later.
    """
    import torch

    kind = choose_kind(training.device)
    there = torch.cuda.device_count() if kind == "cuda" else 1
    count = training.devices if training.devices != "auto" else there
    if kind != "cpu" and count > there:
        raise ValueError(f"`devices` must be at most the number of GPUs ({there}), got {count}.")
    if training.batch % count:
        raise ValueError(f"`batch` must be a multiple of the number of devices ({count}), got {training.batch}.")
    if count > 1 and 0 < training.frozen.frozen_encoder < 1:
        raise ValueError(f"`frozen_encoder` must be 0 or 1 on several devices, got {training.frozen.frozen_encoder}.")
    return Devices(kind, count, _choose_precision(training.precision, kind))


def _choose_precision(precision: Precision, kind: Kind) -> str:

    if precision not in ("auto", "float32", "bfloat16", "mixed"):
        raise ValueError(f"`precision` must be auto, float32, bfloat16 or mixed, got {precision!r}.")
    if kind == "cpu":
        if precision == "bfloat16" and not processor_has_bfloat16():
            logger.warning("this processor has no bfloat16 instructions; float32 is faster here.")
        return "bf16-mixed" if precision == "bfloat16" else "32-true"
    if precision == "float32" or (kind == "mps" and precision == "auto"):
        return "32-true"  # Apple's GPU gains little by fewer bits
    if kind == "mps" and precision == "bfloat16" and not supports_bfloat16(kind):
        raise ValueError("`precision` is bfloat16, which Apple's GPU has from macOS 14 on; use auto or float32.")
    return "bf16-mixed" if supports_bfloat16(kind) or precision == "bfloat16" else "16-mixed"


def share_cores(devices: Devices) -> None:
    """Let PyTorch use every processor, or this process's share of them; ``OMP_NUM_THREADS`` says otherwise."""
    import torch

    use_all_cores()
    if devices.count > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // devices.count))


def on_each_device(
    work: Callable[[Any, int, Callable[[Any], None]], None], job: Any, count: int, emit: Callable[[Any], None]
) -> None:
    """Do the work in a process for each device; what the first one emits is emitted here, in this thread.

    Args:
        work: Called with the job, the number of the device, and what takes its reports; to be found by its name.
        job: Anything that can be pickled.
        count: How many devices.
        emit: Takes the reports.

    Raises:
        Exception: What one of them raised; the others are ended.
    """
    # Never forked: CUDA doesn't outlive it, and this process may have used it to look for a learning rate.
    context = multiprocessing.get_context("spawn")
    reports: Any = context.SimpleQueue()
    port = _free_port()
    running = [
        context.Process(target=_work_on_device, args=(work, job, (rank, count, port), reports)) for rank in range(count)
    ]
    try:
        for process in running:
            process.start()
        codes: list[int | None] = [None]
        while None in codes:
            wait([process.sentinel for process in running if process.is_alive()], timeout=0.2)
            # Asked before the reports are read: who has ended by then has reported all.
            codes = [process.exitcode for process in running]
            _pass_on(reports, emit)
            if any(codes):
                raise RuntimeError(f"the process of a device ended unexpectedly; exit codes {codes}.")
    finally:
        for process in running:
            if process.is_alive():
                # The others wait for the one that failed, and Lightning puts off a polite request.
                process.kill()
                process.join()


def _pass_on(reports: Any, emit: Callable[[Any], None]) -> None:
    while not reports.empty():
        report = reports.get()
        if isinstance(report, Exception):
            raise report
        emit(report)


def _work_on_device(work: Any, job: Any, place: tuple[int, int, int], reports: Any) -> None:
    rank, count, port = place
    end_with_parent()
    # With these set Lightning takes this process as one of several that somebody else started.
    os.environ.update(
        LOCAL_RANK=str(rank), NODE_RANK="0", WORLD_SIZE=str(count), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    try:
        work(job, rank, reports.put if rank == 0 else _nobody)
    except Exception as error:  # noqa: BLE001, whatever it is, the other process raises it
        error.add_note(f"On device {rank}:\n{traceback.format_exc()}")
        reports.put(_as_plain(error))
        # At once, since all that would be tidied up waits for the other devices.
        os._exit(1)


def _as_plain(error: Exception) -> Exception:
    """Return the error if it survives the way to the other process, else what it says."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001, any error at all may fail to be pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _nobody(_: Any) -> None:
    """Take a report that the first device gives, too."""


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice and notes out of the log while the block runs; its errors still come."""
    import warnings

    import lightning

    names = ("lightning", "lightning.pytorch", "lightning.fabric", "pytorch_lightning", "lightning_fabric")
    with warnings.catch_warnings(), quiet_loggers(*names):
        warnings.filterwarnings("ignore", module=r"lightning\.")
        warnings.filterwarnings("ignore", category=lightning.fabric.utilities.warnings.PossibleUserWarning)
        yield
