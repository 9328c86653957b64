"""Load what the first count needs before it comes."""

import logging
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Count the cells of a small blank image, so that libraries and compiled code are loaded."""
    import numpy as np

    from cell_pipelines import api

    try:
        with tempfile.TemporaryDirectory(prefix="cell_pipelines_") as folder:
            image = np.zeros((64, 64), dtype=np.uint8)
            image[24:40, 24:40] = 200
            api.count(image).save(Path(folder) / "out")
    except Exception:  # a person who counts is told what is wrong
        logger.warning("The first count could not be prepared.", exc_info=True)
