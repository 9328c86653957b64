"""Project settings."""

import logging
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf.resolvers import oc


def _create_hooks() -> tuple[Any, ...]:
    # MLflow warns of a class of kedro-mlflow's while that is imported; conf/logging.yml says which warnings are shown.
    logging.captureWarnings(True)
    from cell_pipelines.hooks import TrackingHooks

    return (TrackingHooks(),)


HOOKS = _create_hooks()
# Its hooks are inherited by ours; kedro-viz would write .viz/ on every run; nothing is sent anywhere.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro-telemetry", "kedro-viz")
CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"]},
    # Without it a study that sets one key of a group loses its sisters.
    "merge_strategy": {"parameters": "soft", "globals": "soft", "mlflow": "soft"},
    "custom_resolvers": {"oc.env": oc.env},
}
