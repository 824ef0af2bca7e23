"""Plain text out of what publishers write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.text import plain_text, single_line


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>Night shifts.</p><ul><li>ICU</li><li>BLS &amp; ACLS</li></ul>", "Night shifts.\n- ICU\n- BLS & ACLS"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("a < b and c > d", "a < b and c > d"),
        ("<script>alert(1)</script>kept<style>p{}</style>", "kept"),
        ("caf\u0065\u0301\u00a0au\tlait", "café au lait"),
        ("nul\x00 bell\x07 bom\ufeff lone\ud800", "nul bell bom lone"),
        ("日本語の求人<br>夜勤あり", "日本語の求人\n夜勤あり"),
        ("مطلوب ممرض", "مطلوب ممرض"),
        ("\r\n\r\n  \n", ""),
        ("<p>unclosed <b>tags", "unclosed tags"),
    ],
)
def test_markup_entities_and_controls_become_plain_text(raw, expected):
    """HTML, entities, odd blanks and characters that no prompt may hold are removed; scripts of all kinds stay."""
    assert plain_text(raw) == expected


@given(st.text())
def test_plain_text_is_total_and_encodable(raw):
    """Any text, lone surrogates included, becomes text that encodes to UTF-8 and holds no control but the line end."""
    text = plain_text(raw)
    text.encode()
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    assert "\n\n" not in text


@given(st.text())
def test_single_line_has_no_line_end(raw):
    """A single line is one line without outer or repeated blanks."""
    line = single_line(raw)
    assert line.split() == line.split(" ") or line == ""


@given(st.text(st.characters(max_codepoint=0x7F)) | st.text("-a ;<&.\n", max_size=12))
def test_plain_values_are_read_like_all_others(raw):
    """There is a short way for words of printable ASCII; it says what the long way says (an empty tag forces that)."""
    long_way = plain_text(f"<b></b>{raw}") if raw.count("&") == raw.count("<") == 0 else plain_text(raw)
    assert plain_text(raw) == long_way


def test_dropped_characters_are_dropped_wherever_they_stand():
    """Also many times, and between characters of every width."""
    assert plain_text("\x00a\ufeffb\x00é\ue000😀\x07c" * 3) == "abé😀c" * 3


_PIECES = ["<p>", "</P>", "<li>", "</li>", "<LI/>", "<br/>", "<br />", "<b>", "<ul>", "<", ">", "&lt;p&gt;", "&amp"]


@given(st.lists(st.sampled_from([*_PIECES, "<script>", "<!--", ";", "- ", "-", "a", "\n", "é", "&nbsp;"]), max_size=12))
def test_tags_without_attributes_are_read_like_all_others(pieces):
    """There is a short way for them, too; it says what the parser says (an attribute forces that)."""
    raw = "".join(pieces)
    assert plain_text(f"<b></b>{raw}") == plain_text(f'<b id="x"></b>{raw}')
