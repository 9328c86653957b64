"""Access to the page: a token where one is asked for, and requests of the page itself only."""

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from cell_pipelines.app.settings import LOCAL_USER, AppSettings, check_user

COOKIE = "cell_pipelines_token"
_SAFE = ("GET", "HEAD", "OPTIONS")


def cookie_value(token: str) -> str:
    """Return what the browser keeps in place of a token."""
    return hashlib.sha256(b"cell_pipelines\0" + token.encode()).hexdigest()


def user_of_token(settings: AppSettings, token: str) -> str | None:
    """Return the user who was given a token; None where nobody was."""
    return _find(settings, cookie_value(token))


def _find(settings: AppSettings, value: str) -> str | None:
    found = None
    for token, user in settings.tokens.items():  # all of them, so that the time tells nothing
        if hmac.compare_digest(cookie_value(token).encode(), value.encode("utf-8", "replace")):
            found = user
    return found


def current_user(request: Request) -> str:
    """Return who sends a request.

    Raises:
        HTTPException: 403 where another page sends it, 401 where a token is asked for and none is given.
    """
    settings: AppSettings = request.app.state.settings
    _refuse_other_pages(request)
    user: str | None = LOCAL_USER
    if settings.tokens:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        value = cookie_value(token.strip()) if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        user = _find(settings, value)
    if user is None:
        is_sent = COOKIE in request.cookies or "authorization" in request.headers
        start = "this token is not known" if is_sent else "a token is needed"
        raise HTTPException(401, f"{start}: log in, or send yours as `Authorization: Bearer TOKEN`.")
    return _user_by_proxy(request, settings.user_header) if settings.user_header else user


def _user_by_proxy(request: Request, header: str) -> str:
    try:
        return check_user(request.headers.get(header, ""))
    except ValueError as error:
        raise HTTPException(403, f"the reverse proxy must say in {header} who this is: {error}.") from error


def _refuse_other_pages(request: Request) -> None:
    """Refuse what a page of another host makes a browser send."""
    origin = request.headers.get("origin")
    if request.method in _SAFE or origin is None:
        return
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    if urlsplit(origin).netloc not in hosts:
        raise HTTPException(403, "this request comes from another page.")
