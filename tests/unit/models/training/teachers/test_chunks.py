"""A posting as passages."""

import re

from models.training.teachers.chunks import MAX_HEADER_TOKENS, passages


def words(text):
    """A token a word, or a part of four letters of one, as word pieces are."""
    return [match.span() for match in re.finditer(r"\w{1,4}", text)]


def cut(header, body, max_tokens=10, max_passages=8):
    return passages(header, body, words, max_tokens=max_tokens, max_passages=max_passages)


def test_what_fits_is_one_passage():
    """Header, then body; alone where the other is missing."""
    assert cut("Cook | Ulm", "two of us") == ["Cook | Ulm\ntwo of us"]
    assert cut("Cook | Ulm", "") == ["Cook | Ulm"]
    assert cut("", "two of us") == ["two of us"]


def test_a_long_body_is_cut_in_equal_parts_each_under_the_header():
    """Eight tokens of room, twelve of body: two parts of six."""
    body = "a b c d e f g h i j k l"
    assert cut("Cook | Ulm", body) == ["Cook | Ulm\na b c d e f", "Cook | Ulm\ng h i j k l"]


def test_no_word_is_cut():
    """Its last pieces go with its first."""
    parts = cut("Cook | Ulm", "a b c d e f g accommodation h i j k l m n")
    assert " ".join(part.partition("\n")[2] for part in parts) == "a b c d e f g accommodation h i j k l m n"
    assert any(part.startswith("Cook | Ulm\naccommodation") or " accommodation" in part for part in parts)


def test_what_is_beyond_the_last_passage_is_not_read():
    """Two full passages of eight tokens each."""
    parts = cut("Cook | Ulm", " ".join("abcdefghijklmnopqrstuvwxyz"), max_passages=2)
    assert [part.partition("\n")[2] for part in parts] == ["a b c d e f g h", "i j k l m n o p"]


def test_a_header_leaves_room_for_the_body():
    """Of an endless list of skills the first ones are kept."""
    (part,) = cut(" ".join(["x"] * 300), "body", max_tokens=MAX_HEADER_TOKENS + 1)
    assert part == " ".join(["x"] * MAX_HEADER_TOKENS) + "\nbody"
