"""From what publishers put into text fields to plain text: HTML, entities, control characters, odd blanks."""

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

__all__ = ["plain_text", "single_line"]

_BLOCK_TAGS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "footer", "form", "header"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th"}
    | {"tr", "ul"}
)
_HIDDEN_TAGS = frozenset({"script", "style"})
_INLINE_TAGS = frozenset({"a", "abbr", "b", "em", "font", "i", "s", "small", "span", "strong", "sub", "sup", "u"})
# A tag without attributes that only breaks lines or means nothing here. Most ads have no other markup, and splitting at
# these takes a fraction of the parser's time.
_BARE_TAG = re.compile(rf"<(/?)({'|'.join(sorted(_BLOCK_TAGS | _INLINE_TAGS))})(?:(?<!li) ?/)?>", re.IGNORECASE)
_PIECES_A_TAG = 3
# A tag or an entity somewhere: only then is the parser worth its time, and "a < b" stays what it is.
_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>|&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
# Words of printable ASCII with one blank between them, no markup: most values of a posting, and nothing to do there.
_PLAIN = re.compile(r"[!-%'-;=-~]++(?: [!-%'-;=-~]++)*+")
# Escaped twice is common in feeds ("&amp;lt;p&amp;gt;"); more often than this it is not markup any more.
_MAX_UNESCAPE_ROUNDS = 3


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _HIDDEN_TAGS:
            self._hidden_depth += 1
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN_TAGS:
            self._hidden_depth = max(0, self._hidden_depth - 1)
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden_depth:
            self.parts.append(data)


def _strip_markup(text: str) -> str:
    for _ in range(_MAX_UNESCAPE_ROUNDS):
        # Most texts have neither character after the first round, and to see that takes no regular expression.
        if ("<" not in text and "&" not in text) or not _MARKUP.search(text):
            break
        pieces = _BARE_TAG.split(text)
        is_bare = text.count("<") == len(pieces) // _PIECES_A_TAG
        text = _without_bare_tags(pieces) if is_bare else _parsed(text)
    return text


def _parsed(text: str) -> str:
    collector = _TextCollector()
    collector.feed(text)
    collector.close()
    return "".join(collector.parts)


def _without_bare_tags(pieces: list[str]) -> str:
    """What :func:`_parsed` says of a text whose every ``<`` begins a bare tag.

    Args:
        pieces: The text, split by ``_BARE_TAG``: text, then of each tag its slash, its name, and the text behind it.
    """
    parts = pieces[:1]
    for slash, tag, between in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        name = tag.lower()
        if name in _BLOCK_TAGS:
            parts.append("\n- " if name == "li" and not slash else "\n")
        parts.append(between)
    return "".join(map(unescape, parts))


def _is_kept(char: str) -> bool:
    # Cc: controls (NUL, BEL ...), Cs: lone surrogates, Co/Cn stay out of prompts too. Cf holds joiners that Indic and
    # Arabic scripts and emoji need, so it stays, except the byte order mark.
    return char == "\n" or (unicodedata.category(char) not in {"Cc", "Cs", "Co", "Cn"} and char != "\ufeff")


def _without_dropped(text: str) -> str:
    if text.replace("\n", "").isprintable():
        return text
    # Each different character is looked at once: a page of text has some sixty.
    dropped = {ord(char): None for char in set(text) if not _is_kept(char)}
    return text.translate(dropped) if dropped else text


def plain_text(value: str) -> str:
    r"""Readable text: markup removed (list items become ``- `` lines), NFC, no controls, runs of blanks collapsed.

    Args:
        value: Text or HTML, possibly escaped more than once. Lone surrogates are dropped.

    Returns:
        Text that encodes to UTF-8, lines separated by single ``\n``; may be empty.
    """
    if _PLAIN.fullmatch(value) and value != "-":
        return value
    text = _strip_markup(value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = _without_dropped(unicodedata.normalize("NFC", text))
    lines = text.split("\n")
    if not _is_evenly_spaced(text):
        lines = [" ".join(line.split()) for line in lines]
    return "\n".join([line for line in lines if line and line != "-"])


def _is_evenly_spaced(text: str) -> bool:
    """Whether single blanks inside lines are all its blanks; of texts beyond ASCII it is not known."""
    framed = f"\n{text}\n"
    return text.isascii() and "  " not in text and " \n" not in framed and "\n " not in framed


def single_line(value: str) -> str:
    """:func:`plain_text` on one line."""
    return " ".join(plain_text(value).split())
