"""Options that are passed on to a module and looked at on the way."""

from pathlib import Path

import pytest

from ops.commands.modules import option, with_found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scale", "small"], "small"),
        (["--json", "--scale=small"], "small"),
        (["--scaled", "small"], None),
        (["small"], None),
        (["--scale"], ""),
        ([], None),
    ],
)
def test_an_option_is_found_in_either_form(arguments, said):
    """And no other that begins alike."""
    assert option(arguments, "--scale") == said


def test_what_was_found_is_added_where_nothing_was_typed():
    """What was typed stands, and what was not found is left to the module to ask for."""
    found = {"--base": Path("/cache/base"), "--teachers": Path("/cache/teachers"), "--ranker": None}
    typed = ["--out", "x", "--base=mine"]
    assert with_found(typed, found) == ["--teachers", "/cache/teachers", *typed]
