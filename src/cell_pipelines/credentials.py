"""Keep passwords, tokens and keys out of records of a run."""

import re
from collections.abc import Mapping
from typing import Any

# In any position of a name; a person (`AUTHOR`, `AUTHORS`) is no secret.
_SECRET = re.compile(r"key|token|secret|pass(?:w|phrase)|pwd|credential|auth(?!ors?(?:_|$))", re.IGNORECASE)
# User and password before the host of an address; then with a slash in the password, which is no port.
_USER = re.compile(r"://(?:[^/?#\s]*@|[^/@:\s]*:(?!\d*(?:[/?#\s]|$))\S*@)")
# A secret among the arguments of an address, or in a connection string.
_ARGUMENT = re.compile(
    r"([?&;]\s*[\w-]*(?:key|token|secret|password|passwd|pwd|sig|signature|credential)=)[^&;,\s'\"]+", re.IGNORECASE
)


def is_secret(name: str) -> bool:
    """Say whether a variable by its name holds a password, token or key."""
    return _SECRET.search(name) is not None


def without_credentials(text: str) -> str:
    """Return a text whose addresses have no user, password or token any more."""
    return _ARGUMENT.sub(r"\1", _USER.sub("://", text))


def plain_without_credentials(value: Any) -> Any:
    """Return nested mappings, lists and texts with `without_credentials` for each text."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, Mapping):
        return {name: plain_without_credentials(item) for name, item in value.items()}
    return [plain_without_credentials(item) for item in value] if isinstance(value, list | tuple) else value


def public_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those that are secrets by name, and without credentials in their values."""
    return {name: without_credentials(value) for name, value in variables.items() if not is_secret(name)}
