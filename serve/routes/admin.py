"""Admin calls that change something: never open to everybody."""

from fastapi import HTTPException, Request

__all__ = ["require_admin"]


def require_admin(request: Request) -> None:
    """Dependency of such routes. The admin port lets in only keys with ``is_admin``, but all where there are no keys.

    Raises:
        HTTPException: 403: no API key is configured, so nobody can show that it may.
    """
    if request.app.state.guard.is_open:
        raise HTTPException(403, "this call needs an API key with is_admin = true, and no API keys are configured")
