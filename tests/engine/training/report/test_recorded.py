"""Recorded runs: read, checked, and never passed off as new."""

import json

import pytest

from models.training.report.recorded import config_digest, read_recorded, recorded_chapter
from schemas.errors import ConfigurationError

CONFIG = {"steps": 10, "seeds": [1, 2], "w": 0.4}


def _run(**changes):
    return {
        "name": "gspo",
        "title": "GSPO",
        "command": "precis train gspo",
        "date": "2026-11-28",
        "config": CONFIG,
        "config_sha256": config_digest(CONFIG),
        "figures": [{"name": "gspo_relative", "says": "what it costs", "value": -0.01, "low": -0.02, "high": 0.0}],
        "tables": [{"title": "Grid", "head": ["w"], "rows": [["0.4"]]}],
        "remarks": ["Three seeds."],
        **changes,
    }


def test_the_digest_does_not_depend_on_the_order_of_keys():
    """The known digest of the config above, by `printf '{"seeds":[1,2],"steps":10,"w":0.4}' | sha256sum`."""
    expected = "b93b350921d5f9b9108e9c77dd3d004f107a414fcefb969f7cfd673760ec534f"
    assert config_digest(dict(reversed(CONFIG.items()))) == config_digest(CONFIG)
    assert config_digest(CONFIG) == expected


def test_a_run_becomes_figures_that_say_they_were_recorded(tmp_path):
    """With date, the beginning of the hash, and the command."""
    (tmp_path / "gspo.json").write_text(json.dumps(_run()))
    chapter = recorded_chapter(read_recorded(tmp_path))
    (figure,) = chapter.figures
    assert (figure.name, figure.interval.low, figure.recomputed) == ("gspo_relative", -0.02, False)
    assert chapter.tables[0].rows == [["GSPO", "2026-11-28", config_digest(CONFIG)[:12], "`precis train gspo`"]]
    assert chapter.tables[1].title == "GSPO: Grid"
    assert chapter.remarks == ["GSPO: Three seeds."]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"config": {**CONFIG, "steps": 11}}, "changed since"),
        ({"date": None}, "date"),
        ({"guess": 1}, "guess"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused_by_name(tmp_path, changes, says):
    """A config that was changed afterwards is no record of the run."""
    (tmp_path / "bad.json").write_text(json.dumps(_run(**changes)))
    with pytest.raises(ConfigurationError, match=rf"bad\.json.*{says}"):
        read_recorded(tmp_path)


def test_no_folder_is_no_runs(tmp_path):
    """Nothing was recorded yet."""
    assert read_recorded(tmp_path / "none") == []
