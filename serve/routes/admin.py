"""Who may make admin calls: whoever presents the key whose SHA-256 the configuration has."""

import hashlib
import hmac

from fastapi import HTTPException, Request

from serve.parts import parts_of

__all__ = ["require_admin"]


def require_admin(request: Request) -> None:
    """Dependency of admin routes.

    Raises:
        HTTPException: 403: no key is configured, or another one was presented. Says which of the two.
    """
    expected = parts_of(request).config.admin_key_sha256
    if not expected:
        raise HTTPException(403, "admin calls are off: set scorer.admin_key_sha256 to the SHA-256 of a key")
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest()
    # Both are always compared, and in constant time: how long a refusal takes says nothing about the key.
    if not hmac.compare_digest(digest, expected) or scheme.lower() != "bearer":
        raise HTTPException(403, "not the admin key: send it as `Authorization: Bearer KEY`")
