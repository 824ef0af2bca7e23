"""The probe's posting: recognisable, harmless, and new each time."""

import pytest

from ops.probe.posting import probe_job_id, probe_posting
from schemas.errors import ConfigurationError
from stream.content import read_content


def test_every_update_has_another_body():
    """Else the stored summary would be kept, and nothing were measured."""
    bodies = {read_content(probe_posting("p", version, is_long=True)).content_hash for version in range(1, 20)}
    assert len(bodies) == 19


def test_no_word_of_it_is_one_that_people_search_for():
    """Made-up words only, in header and body."""
    content = read_content(probe_posting("p", 7, is_long=True))
    words = f"{content.read.facts.title} {content.read.facts.organisation} {content.read.body}".lower().split()
    assert [word for word in words if not word.startswith("zz")] == []


def test_a_short_body_stays_short():
    """One sentence; the long one is far beyond any target."""
    short, long = (read_content(probe_posting("p", 7, is_long=is_long)).read.body for is_long in (False, True))
    assert len(short) < 60
    assert len(long.split()) >= 72


def test_a_probe_is_found_again_by_its_name():
    """The same name, the same posting; what cannot be part of an id is refused."""
    assert probe_job_id("host-1.local") == "precis-probe-host-1.local"
    for name in ("", "a b", "a/b", "x" * 300):
        with pytest.raises(ConfigurationError, match="probe instance"):
            probe_job_id(name)
