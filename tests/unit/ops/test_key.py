"""`precis key new`."""

import tomllib

from typer.testing import CliRunner

from ops.cli import app
from serve.access.key_file import KeySource


def test_a_new_key_and_its_entry_fit_each_other(tmp_path):
    """The entry, put into the file, lets the key in; it does not hold the key."""
    run = CliRunner().invoke(app, ["key", "new", "shop", "--tokens-per-s", "500", "--burst", "9000", "--admin"])
    assert run.exit_code == 0
    key, entry = run.stdout.strip(), run.stderr
    assert key not in entry
    file = tmp_path / "keys.toml"
    file.write_text(entry)
    found = KeySource(file=file).ring.find(key)
    assert found is not None
    assert (found.name, found.tokens_per_s, found.burst, found.is_admin) == ("shop", 500, 9000, True)
    assert len(tomllib.loads(entry)["keys"]) == 1
    assert CliRunner().invoke(app, ["key", "new", "shop"]).stdout.strip() != key


def test_a_name_that_no_metric_could_carry_is_refused():
    """With the field."""
    run = CliRunner().invoke(app, ["key", "new", "a shop"])
    assert run.exit_code != 0
    assert "name" in str(run.exception)
