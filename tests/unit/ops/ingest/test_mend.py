"""JSON of web pages: what is mended, and what stays an error."""

import json

import pytest

from ops.ingest.mend import read_page_json

GOOD = {"a": "b, }", "c": [1, 2]}
TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n  {TEXT}\n",
        f"<!--\n{TEXT}\n-->",
        f"//<![CDATA[\n{TEXT}\n//]]>",
        f"/* <![CDATA[ */\n{TEXT}\n/* ]]> */",
        f"<!--//--><![CDATA[//><!--\n{TEXT}\n//--><!]]>",
        f"\ufeff{TEXT}",
        f"{TEXT};",
        '{"a": "b, }", "c": [1, 2,],}',
        '{"a": "b, }", "c": [1, 2 , ] , }',
        TEXT.replace('"', "&quot;"),
    ],
)
def test_marks_around_and_commas_at_the_end_are_mended(text):
    """Each mend alone gives the document; what stands in strings is not touched."""
    assert read_page_json(text) == GOOD


def test_raw_line_breaks_in_strings_are_taken_as_they_stand():
    """What editors paste into a description."""
    assert read_page_json('{"a": "one\ntwo\r\n\tthree", }') == {"a": "one\ntwo\r\n\tthree"}


def test_escapes_in_a_readable_script_are_its_text():
    """A script that can be read is not unescaped: its entities belong to its strings."""
    assert read_page_json('{"a": "&quot;b&quot; &amp; c"}') == {"a": "&quot;b&quot; &amp; c"}


def test_mended_text_is_held_to_the_same_rules():
    """Lone surrogates become question marks in a mended script too."""
    assert read_page_json('{"a": "\\ud800",}') == {"a": "?"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '{"a": "b"', '{"a" "b"}', "{'a': 'b'}", '{"a": "b" "c": 1}', '{"a": NaN}', '{"a": NaN,}', "{a: 1}"),
        *("[1,,2]", ",", "[" * 100_000, '"' + "\\" * 100_001, '{"a": ' + '",' * 50_000),
    ],
)
def test_nothing_is_guessed(text):
    """A missing bracket, quote or comma stays an error, however long the text."""
    with pytest.raises(ValueError, match=r".+"):
        read_page_json(text)
