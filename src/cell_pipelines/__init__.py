"""Annotated microscopy images in; trained, evaluated cell models and traced counts out."""

import warnings

__version__ = "0.1.0"

# Raised by Kedro's configuration loader with OmegaConf 2.4, once per run; nothing a user could do about it.
warnings.filterwarnings("ignore", message=".*register_new_resolver.*")
