"""Letters on a terminal and as JSON."""

import base64
import io
import json

import pytest
from rich.console import Console

from ops.dlq.letters import Box, read_letter
from ops.dlq.present import letter_fields, letter_view, letters_table, original_fields, print_lines, render_bytes
from schemas.errors import BackendProtocolError, InvalidInput, PostingTooLarge, PromptTooLong, UnknownSchema
from tests.unit.ops.dlq.letter_records import NOON, letter_record, refused


def printed(renderable, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def box_of(*records):
    box = Box()
    for record in records:
        box.add(record)
    return box


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none: a tombstone)"),
        (b"", "(empty)"),
        (b'{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'),
        ("{broken é".encode(), "{broken é"),
        (b"a\x1b[31mred\x00", "a\\x1b[31mred\\x00"),
        (b"\xff\x00job", "00000000  ff 00 6a 6f 62                                   ..job"),
    ],
)
def test_bytes_are_shown_so_that_people_can_read_them(value, shown):
    """JSON indented, text without control characters, anything else in hexadecimal."""
    assert render_bytes(value, as_hex=False) == shown


def test_hexadecimal_is_shown_on_request_and_long_values_are_cut():
    """With the number of bytes, and where to get all of them."""
    assert render_bytes(b"job", as_hex=True).startswith("00000000  6a 6f 62")
    assert render_bytes(b"x" * 70_000, as_hex=False).endswith("... 70000 bytes in all: --json has every one")


def test_the_table_names_each_letter_in_80_columns():
    """Place, reason and origin are there; what looks like markup in a message is text."""
    box = box_of(letter_record(0, of=refused(17), error=InvalidInput("[bold]title[/] is missing")))
    text = printed(letters_table(box.letters, box, now=NOON))
    assert all(part in text for part in ("0@0", "job-1", "InvalidInput", "[bold]title[/]"))
    assert "replayed" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (InvalidInput("x"), "Mend the publisher"),
        (UnknownSchema("x"), "upgrade the service"),
        (PostingTooLarge("x"), "shorten the posting"),
        (PromptTooLong("x"), "full context"),
        (BackendProtocolError("x", backend="summarizer", operation="complete"), "canaries"),
        (ZeroDivisionError("x"), "traceback"),
    ],
)
def test_a_letter_in_full_says_what_to_do(error, advice):
    """Each class of error has its remedy; headers and bytes stand there too."""
    record = letter_record(0, error=error)
    text = printed(letter_view(read_letter(record), record, box_of(record), as_hex=False), width=1000)
    assert advice in text
    assert f"dlq.error: {type(error).__name__}" in text
    assert "{broken" in text


def test_json_keeps_every_byte():
    """Base64 of key and value, text where it is text; one line each, however long."""
    record = letter_record(0, of=refused(value=b"\xff" * 500))
    box = box_of(record)
    fields = original_fields(box.letters[0], record, box)
    console = Console(file=io.StringIO(), width=40)
    print_lines(console, [fields, letter_fields(box.letters[0], box)])
    first, second = console.file.getvalue().splitlines()
    assert base64.b64decode(json.loads(first)["value_base64"]) == record.value
    assert json.loads(first)["value"] is None
    assert json.loads(second)["origin"]["partition"] == 2
