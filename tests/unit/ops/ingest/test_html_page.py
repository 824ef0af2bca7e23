"""Finding the JSON-LD scripts of a page, and its encoding and address."""

import codecs

import pytest

from ops.ingest.html_page import decode_page, read_page

SCRIPT = '<script type="application/ld+json">{"a": 1}</script>'


@pytest.mark.parametrize(
    ("page", "scripts"),
    [
        (SCRIPT, ['{"a": 1}']),
        (f"<html><head>{SCRIPT}</head><body>{SCRIPT}", ['{"a": 1}', '{"a": 1}']),
        ("<SCRIPT TYPE='Application/LD+JSON; charset=utf-8'>x</SCRIPT >", ["x"]),
        ("<script\n id=1 data-x='a>b' type=application/ld+json\n>x</script>", ["x"]),
        ('<script type="application/ld&#43;json">x</script>', ["x"]),
        ('<script type="text/javascript">x</script><script>y</script>', []),
        (f"<!-- {SCRIPT} -->{SCRIPT}", ['{"a": 1}']),
        (f"<textarea>{SCRIPT}</textarea>", []),
        ("<script>var s = '<script type=\"application/ld+json\">x';</script>" + SCRIPT, ['{"a": 1}']),
        ('<script type="application/ld+json">"a <b>c</b> <!-- d -->"</script>', ['"a <b>c</b> <!-- d -->"']),
        ('<script type="application/ld+json">never closed', []),
        (f"<!-- never closed {SCRIPT}", []),
        ("<scripture type='application/ld+json'>x</scripture>", []),
        ("", []),
        ("\x00<script", []),
    ],
)
def test_scripts_are_found_where_a_browser_finds_them(page, scripts):
    """Spelling of tags and attributes does not matter; comments and text elements hold no scripts."""
    assert list(read_page(page).scripts) == scripts


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ('<link rel="canonical" href="https://example.com/1">', "https://example.com/1"),
        ('<meta property="og:url" content="https://example.com/2"/>', "https://example.com/2"),
        (
            '<base href="https://example.com/"><meta property="og:url" content=""><link rel="x canonical" href="https://a/3">',
            "https://a/3",
        ),
        ('<link rel="canonical" href="/relative"><base href="http://example.com/">', "http://example.com/"),
        ('<link rel="stylesheet" href="https://example.com/a.css">', ""),
    ],
)
def test_the_address_is_what_the_page_says(page, url):
    """Canonical link first, then ``og:url``, then base; relative ones are none."""
    assert read_page(page).url == url


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Bäcker".encode(), "Bäcker"),
        (codecs.BOM_UTF8 + "Bäcker".encode(), "Bäcker"),
        (codecs.BOM_UTF16_LE + "Bäcker".encode("utf-16-le"), "Bäcker"),
        (codecs.BOM_UTF16_BE + "Bäcker".encode("utf-16-be"), "Bäcker"),
        ("Bäcker".encode("latin-1"), "Bäcker"),
        ('<meta charset="iso-8859-1">Bäcker “x”'.encode("cp1252"), '<meta charset="iso-8859-1">Bäcker “x”'),
        ('<meta charset="Shift_JIS">看護師'.encode("cp932"), '<meta charset="Shift_JIS">看護師'),
        ("<meta charset=windows-1251>Москва".encode("cp1251"), "<meta charset=windows-1251>Москва"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">看护'.encode("gb18030"),
            '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">看护',
        ),
        ('<meta charset="utf-16">Bäcker'.encode(), '<meta charset="utf-16">Bäcker'),
        ('<meta charset="zlib">Bäcker'.encode(), '<meta charset="zlib">Bäcker'),
        ('<meta charset="nonsense">Bäcker'.encode(), '<meta charset="nonsense">Bäcker'),
        ('<meta charset="ascii">Bäcker'.encode("latin-1"), '<meta charset="ascii">Bäcker'),
        (b"<meta charset=utf-8>B\xe4cker", "<meta charset=utf-8>Bäcker"),
        (b"\xc3\x81\x9d\xff", "Ã\ufffd\ufffdÿ"),
    ],
)
def test_encodings_are_told_as_browsers_tell_them(content, text):
    """Mark, declaration, UTF-8, windows-1252; a declaration that is no text encoding counts for nothing."""
    assert decode_page(content) == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["<!--", "<script ", '<script a="', "<script>", "<meta ", "</script", "<", "<link>", "a", "<a"]
)
def test_huge_pages_take_time_in_proportion(piece):
    """Marks that are never closed: a scan that went back for each would run into this test's time limit."""
    page = read_page(piece * (2_000_000 // len(piece)))
    assert page.scripts == ()
