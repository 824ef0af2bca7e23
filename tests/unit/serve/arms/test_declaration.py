"""The arms file: what it may say, and how it is followed."""

from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from serve.arms.declaration import ArmConfig, parse_declaration
from serve.arms.file import ArmsFile

_SETTINGS_ARM = ArmConfig(bundle=Path("of-the-settings"))
_FILE = """
champion = "v1"
salt = "2026-11"
[arms.v1]
url = ["http://a:1", "http://b:1"]
[arms.v2]
url = "http://c:1"
bundle = "v2"
share = 0.1
shadow = 0.05
[arms.v3]
bundle = "/bundles/v3"
"""


def _parsed(text: str):
    return parse_declaration(text, Path("folder"), _SETTINGS_ARM)


def test_roles_are_read_from_the_file():
    """What an arm does not say is taken from the settings; bundles are named from where the file lies."""
    declared = _parsed(_FILE)
    v1 = ArmConfig(name="v1", url="http://a:1,http://b:1", bundle=Path("of-the-settings"))
    v2 = ArmConfig(name="v2", url="http://c:1", bundle=Path("folder/v2"))
    v3 = ArmConfig(name="v3", bundle=Path("/bundles/v3"))
    assert (declared.champion, declared.challenger, declared.share) == (v1, v2, 0.1)
    assert (declared.shadows, declared.standbys, declared.salt) == (((v2, 0.05),), (v3,), "2026-11")
    assert declared.arms == (v1, v2, v3)


def test_a_challenger_is_promoted_by_one_line():
    """It is the same arm before and after; its share says nothing any more, and the old champion stands by."""
    before, after = _parsed(_FILE), _parsed(_FILE.replace('champion = "v1"', 'champion = "v2"'))
    assert after.champion == before.challenger
    assert after.challenger is None
    assert before.champion in after.standbys
    assert set(after.arms) == set(before.arms)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("champion = ", "not TOML"),
        ('champion = "v9"\n[arms.v1]', "'v9', which is no arm: v1"),
        ('champion = "a"\n[arms.a]\n[arms.b]\nshare = 0.1\n[arms.c]\nshare = 0.1', "b and c each have a share"),
        ('champion = "a"\n[arms.a]\nshare = 2', "arms.a.share"),
        ('champion = "a"\n[arms.a]\nprefix = 2', "arms.a.prefix"),
        ('champion = "A"\n[arms.A]', "arms.A"),
        ('champion = "a0"\n' + "".join(f"[arms.a{n}]\n" for n in range(5)), "at most 4"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(text: str, complaint: str):
    """The message says where."""
    with pytest.raises(ConfigurationError, match=complaint):
        _parsed(text)


async def test_a_broken_file_is_not_followed_and_says_why_until_it_is_mended(tmp_path):
    """A bad or missing file changes nothing; each good text is told once, also where it is the old one again."""
    path = tmp_path / "arms.toml"
    path.write_text('champion = "a"\n[arms.a]')
    file = ArmsFile(path, _SETTINGS_ARM)
    first = await file.read()
    assert await file.changed() is None
    path.write_text("champion")
    assert await file.changed() is None
    assert "not TOML" in (file.problem or "")
    path.unlink()
    assert await file.changed() is None
    assert "cannot be read" in (file.problem or "")
    path.write_text('champion = "a"\n[arms.a]')
    assert await file.changed() == first
    assert file.problem is None
    path.write_text('champion = "b"\n[arms.b]')
    assert (await file.changed()).champion.name == "b"
    assert await file.changed() is None


async def test_a_scorer_does_not_start_on_a_file_that_it_cannot_read(tmp_path):
    """There is nothing else that it could follow."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await ArmsFile(tmp_path / "arms.toml", _SETTINGS_ARM).read()
