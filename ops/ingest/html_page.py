"""JSON-LD scripts of a saved web page: which there are, and the page's own address.

A linear scan instead of a whole parse: saved pages are megabytes of markup that means nothing here, and
``html.parser`` needs quadratic time on marks that are never closed. It reads each tag that the scan finds.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

__all__ = ["Page", "decode_page", "read_page"]

_JSON_LD = "application/ld+json"
# Where a script is no script: in a comment, and in elements whose content is text.
_LANDMARK = re.compile(
    r"<!--|<(script|style|textarea|title|xmp|iframe|noembed|link|base|meta)(?=[\s/>])", re.IGNORECASE
)
# Most links and metas are not about the address: they are not worth a parser.
_OF_INTEREST = {"link": "canonical", "meta": "og:url"}
_WITHOUT_CONTENT = frozenset({"link", "base", "meta"})
_TAG_END = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_MAX_TAG_CHARS = 8_192
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_CHARSET_WITHIN = 4_096
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Browsers read these labels as the encoding on the right; a label that says UTF-16 in ASCII letters is wrong.
_READ_AS = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "utf-16": "utf-8"}
_READ_AS |= {"utf-16-le": "utf-8", "utf-16-be": "utf-8", "shift_jis": "cp932", "euc_kr": "cp949", "iso8859-9": "cp1254"}
_ENCODINGS = re.compile(
    r"utf-8|cp(?:125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-roman|gb18030|big5(?:hkscs)?|euc_jp|iso2022_jp"
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds.

    Attributes:
        scripts: Content of each JSON-LD script, in order.
        url: The page's own address as it says (canonical link, `og:url` or base); empty where it says none.
    """

    scripts: tuple[str, ...]
    url: str


class _Attributes(HTMLParser):
    """Reads one tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in reversed(attrs):  # of two of one name the first one counts
            self.found[name] = value or ""


def decode_page(content: bytes) -> str:
    """The text of a page: by its byte order mark, by the `charset` that it declares, as UTF-8, as windows-1252.

    The first way that reads every byte is taken; windows-1252 reads what it can, as browsers do.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    declared = _CHARSET.search(content[:_CHARSET_WITHIN])
    for encoding in (*((_encoding(declared[1].decode()),) if declared else ()), "utf-8"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", "replace")


def _encoding(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return "utf-8"
    name = _READ_AS.get(name, name)
    # Python knows "encodings" that are none (zlib, rot13, idna): a page does not choose them.
    return name if _ENCODINGS.fullmatch(name) else "utf-8"


def read_page(text: str) -> Page:
    """The JSON-LD scripts of a page, and its address. Nothing in it can make this raise."""
    scripts: list[str] = []
    urls: dict[str, str] = {}
    for tag, attributes, content in _elements(text):
        if tag == "script":
            if attributes.get("type", "").split(";")[0].strip().lower() == _JSON_LD:
                scripts.append(content)
        elif tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
            urls.setdefault("link", attributes.get("href", "").strip())
        elif tag == "meta" and attributes.get("property", "").lower() == "og:url":
            urls.setdefault("meta", attributes.get("content", "").strip())
        elif tag == "base":
            urls.setdefault("base", attributes.get("href", "").strip())
    found = (urls.get(tag, "") for tag in ("link", "meta", "base"))
    return Page(tuple(scripts), next((url for url in found if url.startswith(("https://", "http://"))), ""))


def _elements(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Tag, attributes and content of each element that matters here."""
    at = 0
    while landmark := _LANDMARK.search(text, at):
        if landmark[1] is None:
            end = text.find("-->", landmark.start() + 2)
            if end < 0:
                return  # a comment that is never closed hides the rest of the page
            at = end + len("-->")
            continue
        tag = landmark[1].lower()
        tag_end = _TAG_END.match(text, landmark.end(), landmark.end() + _MAX_TAG_CHARS)
        if tag_end is None:
            at = landmark.end() + _MAX_TAG_CHARS
            continue
        at = tag_end.end()
        if tag in _OF_INTEREST and _OF_INTEREST[tag] not in text[landmark.start() : at].lower():
            continue
        content = ""
        if tag not in _WITHOUT_CONTENT:
            closing = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(text, at)
            if closing is None:
                return  # as with comments
            content, at = text[at : closing.start()], closing.end()
        yield tag, _attributes(text[landmark.start() : tag_end.end()]), content


def _attributes(tag: str) -> dict[str, str]:
    parser = _Attributes()
    parser.feed(tag)
    return parser.found
