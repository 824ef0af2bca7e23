"""JSON that every other client and store can hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import read_json

TEXT = st.lists(st.sampled_from(["\ud800", "\udc00", "a", "é", "😀", "\\u", "\0", "["]), max_size=4).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans(), st.booleans())
def test_what_is_read_encodes_and_differs_by_lone_surrogates_alone(value, is_escaped, is_bytes):
    """Whether they come as escapes, as characters, or as bytes that are no UTF-8."""
    text = json.dumps(value, ensure_ascii=is_escaped)
    raw = text.encode("utf-8", "surrogatepass") if is_bytes else text
    clean = json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace")
    assert read_json(raw) == json.loads(clean)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_is_nested_too_deep_is_refused(opening):
    """As a ValueError, like all that is not JSON."""
    closing = {"[": "]", '{"a":': "}"}[opening]
    with pytest.raises(ValueError, match="nested too deep"):
        read_json(opening * 200_000 + "1" + closing * 200_000)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_of_json_are_read_alike(encoding):
    """An escape in them is seen, too."""
    assert read_json('["\\ud800", "é"]'.encode(encoding)) == ["?", "é"]


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999", "[1e400]"])
def test_numbers_that_are_not_finite_are_refused(text):
    """No other client could read them."""
    with pytest.raises(ValueError, match="finite"):
        read_json(text)
