"""Dead letters as people read them, and as one JSON object a line."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ops.dlq.advice import advice
from ops.dlq.letters import Box, Letter
from ops.numbers import age_text
from stream.source import Record

__all__ = ["letter_fields", "letter_view", "letters_table", "original_fields", "print_lines", "render_bytes"]

_MAX_MESSAGE_CHARS = 160
_MAX_SHOWN_BYTES = 64 * 1024
_HEX_WIDTH = 16


def letters_table(letters: Sequence[Letter], box: Box, *, now: datetime) -> Table:
    """A row a letter, in the order given; narrow enough for 80 columns."""
    is_any_replayed = any(box.replays(letter) for letter in letters)
    table = Table(header_style="dim", box=None, padding=(0, 1))
    table.add_column("place", no_wrap=True, style="bold")
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("job id", ratio=2, min_width=6, overflow="fold")
    table.add_column("why", ratio=5, min_width=16)
    table.add_column("came from", ratio=2, min_width=8, style="dim", overflow="fold")
    table.add_column("tries", justify="right", no_wrap=True)
    if is_any_replayed:
        table.add_column("replayed", justify="right", no_wrap=True)
    for letter in letters:
        cells = [
            str(letter.place),
            age_text((now - letter.buried_at).total_seconds()),
            escape(letter.job_id) or "[dim]none",
            f"[red]{escape(letter.error)}[/] {escape(_shorten(letter.message))}",
            escape(letter.origin_place),
            str(letter.attempts),
        ]
        if is_any_replayed:
            replays = box.replays(letter)
            cells.append(f"{age_text((now - replays[-1].at).total_seconds())} ago" if replays else "")
        table.add_row(*cells)
    return table


def letter_view(letter: Letter, record: Record, box: Box, *, as_hex: bool) -> RenderableType:
    """One letter in full: reason, history, headers, bytes, and what to do."""
    replays, relatives = box.replays(letter), box.relatives(letter)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    rows = {
        "letter": str(letter.place),
        "job id": letter.job_id or "none",
        "error": letter.error,
        "message": letter.message or "none",
        "came from": letter.origin_place,
        "written there": letter.origin.log_time.isoformat() if letter.origin else "unknown",
        "dead-lettered": letter.buried_at.isoformat(),
        "tries": str(letter.attempts),
        "replays": "; ".join(f"{mark.at.isoformat()} to {mark.to}" for mark in replays) or "none",
        "same record": ", ".join(f"{other.place} ({other.attempts} tries)" for other in relatives) or "no other letter",
    }
    for name, value in rows.items():
        facts.add_row(name, Text(value))
    headers = Text("\n".join(f"  {name}: {_text_of(value)}" for name, value in record.headers) or "  none")
    return Group(
        facts,
        Text("\nheaders", style="dim"),
        headers,
        Text(f"\nvalue ({_size(letter)})", style="dim"),
        Text(render_bytes(record.value, as_hex=as_hex)),
        Text("\nwhat to do", style="dim"),
        Text(advice(letter, num_replays=len(replays))),
    )


def letter_fields(letter: Letter, box: Box) -> dict[str, Any]:
    """A letter as one JSON object."""
    return {
        "place": str(letter.place),
        "job_id": letter.job_id,
        "error": letter.error,
        "message": letter.message,
        "attempts": letter.attempts,
        "dead_lettered_at": letter.buried_at.isoformat(),
        "origin": letter.origin.model_dump(mode="json") if letter.origin else None,
        "num_bytes": letter.num_bytes,
        "replays": [{"at": mark.at.isoformat(), "to": mark.to} for mark in box.replays(letter)],
    }


def original_fields(letter: Letter, record: Record, box: Box) -> dict[str, Any]:
    """The same with headers, bytes (as text where they are UTF-8, always in base64) and advice."""
    value = record.value
    return letter_fields(letter, box) | {
        "headers": [[name, _text_of(content)] for name, content in record.headers],
        "key_base64": None if record.key is None else base64.b64encode(record.key).decode(),
        "value_base64": None if value is None else base64.b64encode(value).decode(),
        "value": _utf8(value) if value is not None else None,
        "same_record": [str(other.place) for other in box.relatives(letter)],
        "advice": advice(letter, num_replays=len(box.replays(letter))),
    }


def render_bytes(value: bytes | None, *, as_hex: bool) -> str:
    """The bytes for a person: JSON indented, other text as it is, anything else in hexadecimal; long ones cut."""
    if value is None:
        return "(none: a tombstone)"
    if not value:
        return "(empty)"
    text = None if as_hex else _utf8(value)
    shown = _hex_dump(value[:_MAX_SHOWN_BYTES]) if text is None else _pretty(text)[:_MAX_SHOWN_BYTES]
    is_cut = len(value) > _MAX_SHOWN_BYTES
    return f"{shown}\n... {len(value)} bytes in all: --json has every one" if is_cut else shown


def print_lines(console: Console, objects: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, whatever the width of the terminal."""
    for fields in objects:
        console.file.write(json.dumps(fields, ensure_ascii=False) + "\n")


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):  # what is here is often what could not be read
        return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)


def _hex_dump(value: bytes) -> str:
    lines = []
    for start in range(0, len(value), _HEX_WIDTH):
        row = value[start : start + _HEX_WIDTH]
        as_text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004 - printable ASCII
        lines.append(f"{start:08x}  {row.hex(' '):<{3 * _HEX_WIDTH}} {as_text}")
    return "\n".join(lines)


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _text_of(value: bytes) -> str:
    text = _utf8(value)
    return value.hex(" ") if text is None else text


def _shorten(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _MAX_MESSAGE_CHARS else f"{line[:_MAX_MESSAGE_CHARS]} …"


def _size(letter: Letter) -> str:
    return "none" if letter.num_bytes is None else f"{letter.num_bytes:,} bytes"
