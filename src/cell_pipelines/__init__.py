"""Train, evaluate and use cell models on microscopy images."""

import os
import warnings

__version__ = "0.2.0"

# MLflow looks at it once, when it is first imported, so this stands where nothing of ours can be imported before.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

# Raised by Kedro's configuration loader with OmegaConf 2.4, once per run; nothing a user could do about it.
warnings.filterwarnings("ignore", message=".*register_new_resolver.*")
