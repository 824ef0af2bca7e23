"""Options that are passed on to a module and looked at on the way."""

import pytest

from ops.commands.modules import option


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
