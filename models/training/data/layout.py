"""Sections of an ad, rendered as HTML or plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Section", "render"]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (may be empty) over sentences of running text and list items; either may be missing."""

    heading: str
    sentences: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


def render(sections: Sequence[Section], *, html: bool) -> str:
    """The sections as one text: HTML with headings, paragraphs and lists, or lines of plain text."""
    return "".join(map(_as_html, sections)) if html else "\n\n".join(map(_as_text, sections))


def _as_html(section: Section) -> str:
    parts = []
    if section.heading:
        parts.append(f"<h3>{_safe(section.heading)}</h3>")
    if section.sentences:
        parts.append(f"<p>{_safe(' '.join(section.sentences))}</p>")
    if section.items:
        parts.append("<ul>" + "".join(f"<li>{_safe(item)}</li>" for item in section.items) + "</ul>")
    return "".join(parts)


def _as_text(section: Section) -> str:
    lines = [section.heading, " ".join(section.sentences), *(f"- {item}" for item in section.items)]
    return "\n".join(filter(None, lines))


def _safe(text: str) -> str:
    return escape(text, quote=False)
