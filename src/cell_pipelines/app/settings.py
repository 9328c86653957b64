"""Settings that a server of the web page is started with."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Who works where no token is asked for.
LOCAL_USER = "local"
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
#: Names of this machine that no other machine reaches.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


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
        open_jobs: Most jobs of a user that wait or run at once.
        keep_days: Ended jobs are deleted after so many days; None keeps them.
        user_header: Name of the header by which a reverse proxy that logs people in says who it is; each of them has an
            own folder then. Whoever reaches the server past the proxy can say anything there, so beyond this machine
            the proxy must also send a token.
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
    open_jobs: Annotated[int, Field(ge=1)] = 200
    keep_days: Annotated[float, Field(gt=0)] | None = None
    user_header: str = ""
    works: bool = True

    @field_validator("root_path")
    @classmethod
    def _begin_with_slash(cls, value: str) -> str:
        path = value.strip("/")
        return f"/{path}" if path else ""

    @model_validator(mode="after")
    def _ask_for_tokens(self) -> "AppSettings":
        if self.host not in LOOPBACK and not self.tokens:
            raise ValueError(
                f"other machines can reach a page on {self.host}, so it needs a token: name one for each user by "
                "`--token NAME:SECRET`"
            )
        for user in self.tokens.values():
            check_user(user)
        if self.user_header and not _HEADER.fullmatch(self.user_header):
            raise ValueError(f"the name of a header must be letters, digits and -, got {self.user_header!r}")
        return self


def check_user(name: str) -> str:
    """Return the name of a user, which names a folder.

    Raises:
        ValueError: It has other characters than letters, digits and ._@-, or too many.
    """
    if not _USER.fullmatch(name):
        raise ValueError(f"a user's name must be 1 to 64 letters, digits and ._@-, got {name!r}")
    return name
