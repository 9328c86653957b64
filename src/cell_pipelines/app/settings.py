"""What a server of the web page is started with."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Who works where no token is asked for.
LOCAL_USER = "local"
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AppSettings(BaseModel):
    """Settings of a server.

    Attributes:
        folder: Holds all jobs and the queue; each user has a folder in it.
        host: Address that it listens on; any but this machine's own needs a token.
        port: Port.
        tokens: Name of the user by the token that the user gives; without any, whoever reaches the page may use it.
        root_path: Prefix of the page's address behind a reverse proxy, such as ``/cells``.
        upload_mb: Most megabytes of one upload.
        upload_files: Most files of one upload, those of archives included.
        keep_days: Ended jobs are deleted after so many days; None keeps them.
        works: Whether this process also takes jobs off the queue; one process per folder does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    folder: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8700
    tokens: dict[str, str] = {}
    root_path: str = ""
    upload_mb: Annotated[float, Field(gt=0)] = 4000.0
    upload_files: Annotated[int, Field(ge=1)] = 5000
    keep_days: Annotated[float, Field(gt=0)] | None = None
    works: bool = True

    @field_validator("root_path")
    @classmethod
    def _begin_with_slash(cls, value: str) -> str:
        path = value.strip("/")
        return f"/{path}" if path else ""

    @model_validator(mode="after")
    def _ask_for_tokens(self) -> "AppSettings":
        if self.host not in _LOOPBACK and not self.tokens:
            raise ValueError(
                f"other machines can reach a page on {self.host}, so it needs a token: name one for each user by "
                "`--token NAME:SECRET`"
            )
        for user in self.tokens.values():
            if not _USER.fullmatch(user):
                raise ValueError(f"a user's name must be letters, digits and ._@-, got {user!r}")
        return self
