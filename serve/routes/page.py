"""``/`` and ``/docs``: static pages for people, without anything from elsewhere, to work behind any firewall."""

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter, Response

__all__ = ["page_router"]

_FOLDER = Path(__file__).parents[1] / "page"
_PAGES = {"/": "index.html", "/docs": "docs.html"}
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def _content_security_policy(html: str) -> str:
    """Only what stands in this very file may run, and it may only talk to the scorer."""
    digests: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        digests[kind].append(f"'sha256-{digest}'")
    sources = "; ".join(" ".join([f"{kind}-src", *(values or ["'none'"])]) for kind, values in digests.items())
    return f"default-src 'none'; {sources}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'"


def page_router() -> APIRouter:
    """The router of the pages, their files read once."""
    router = APIRouter(include_in_schema=False)
    for path, name in _PAGES.items():
        _add_page(router, path, (_FOLDER / name).read_text(encoding="utf-8"))
    return router


def _add_page(router: APIRouter, path: str, html: str) -> None:
    headers = {
        "Content-Security-Policy": _content_security_policy(html),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    @router.get(path)
    async def page() -> Response:
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)
