"""Keys, and the file that they are read from."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.errors import ConfigurationError
from serve.access.key_file import KeySource
from serve.access.keys import ApiKey, KeyRing, digest_of, new_key


def write(file: Path, *keys: tuple[str, str], more: str = "") -> None:
    """Replace the file, as editors and orchestrators do."""
    new = file.with_suffix(".new")
    new.write_text("".join(f'[[keys]]\nname = "{n}"\nsha256 = "{digest_of(k)}"\n' for n, k in keys) + more)
    new.replace(file)


def test_a_key_is_found_by_its_digest_alone():
    """And what is kept does not hold it."""
    key = new_key()
    ring = KeyRing([ApiKey(name="other", sha256=digest_of(new_key())), ApiKey(name="shop", sha256=digest_of(key))])
    found = ring.find(key)
    assert found is not None
    assert found.name == "shop"
    assert key not in repr(ring.keys)
    assert ring.find(key + "x") is None
    assert ring.find(digest_of(key)) is None


def test_two_keys_of_one_name_are_refused():
    """Log lines and limits could not tell them apart."""
    with pytest.raises(ConfigurationError, match="shop"):
        KeyRing([ApiKey(name="shop", sha256=digest_of(key)) for key in "ab"])


def test_a_burst_needs_a_rate():
    """Alone it would limit nothing."""
    with pytest.raises(ValidationError, match="tokens_per_s"):
        ApiKey(name="shop", sha256=digest_of("a"), burst=5)


def test_a_changed_file_is_read_again_within_a_second(tmp_path):
    """And not looked at more often than that."""
    file = tmp_path / "keys.toml"
    write(file, ("shop", "one"))
    source = KeySource(file=file)
    assert not source.refresh(0.0)
    write(file, ("shop", "one"), ("app", "two"))
    assert not source.refresh(0.9)
    assert source.ring.find("two") is None
    assert source.refresh(1.0)
    assert source.ring.find("two") is not None


def test_a_broken_or_missing_new_file_keeps_the_old_keys_and_says_so(tmp_path):
    """Nobody is locked out, and nobody let in, by a typing error; a mended file counts again."""
    file = tmp_path / "keys.toml"
    write(file, ("shop", "one"))
    source = KeySource(file=file)
    write(file, more="keys = [")
    assert not source.refresh(1.0)
    assert source.is_stale
    file.unlink()
    source.refresh(2.0)
    assert source.is_stale
    assert source.ring.find("one") is not None
    write(file, ("shop", "three"))
    assert source.refresh(3.0)
    assert not source.is_stale
    assert source.ring.find("one") is None


def test_a_file_without_keys_does_not_open_the_service(tmp_path):
    """Open is only who names neither keys nor a file."""
    file = tmp_path / "keys.toml"
    write(file)
    assert not KeySource(file=file).is_open
    assert KeySource().is_open


def test_a_key_in_place_of_its_digest_is_not_repeated_in_the_error(tmp_path):
    """The message goes to logs."""
    file = tmp_path / "keys.toml"
    file.write_text(f'[[keys]]\nname = "shop"\nsha256 = "{(key := new_key())}"\n')
    with pytest.raises(ConfigurationError, match=r"keys\.0\.sha256") as caught:
        KeySource(file=file)
    assert key not in str(caught.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path):
    """With the remedy."""
    with pytest.raises(ConfigurationError, match="precis key new"):
        KeySource(file=tmp_path / os.devnull.lstrip("/"))
