"""The data-scaling curve, in trainings of one step."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.bundle import Manifest, Role, load_bundle
from models.training import scaling
from models.training.ranker import RankerConfig
from models.training.report.recorded import read_recorded
from schemas.errors import ConfigurationError


@pytest.fixture
def base(tmp_path: Path) -> RankerConfig:
    torch.set_num_threads(1)
    return RankerConfig(tmp_path / "curve", threads=1, steps=1, evaluated=2, postings=480, queries=120)


def test_a_curve_is_trained_by_parts_and_goes_on_where_it_stopped(
    base: RankerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smallest part first; what is finished is read, not trained again, and not mixed with other settings."""
    scaling.main(base, [0.5])
    trained: list[int] = []
    first = load_bundle(base.out / "runs" / "postings-240", Role.RANKER).manifest

    def again(config: RankerConfig) -> Manifest:
        trained.append(config.postings)
        return first

    monkeypatch.setattr(scaling, "train", again)
    table = scaling.main(base, [1.0, 0.5])
    assert trained == [480]
    (record,) = read_recorded(base.out)
    assert [row[:2] for row in record.tables[0].rows] == [("240", "60"), ("480", "120")]
    assert table.count("\n") == 4
    assert record.command == "precis train ranker-scaling --steps 1 --evaluated 2"
    with pytest.raises(ConfigurationError, match=r"postings-240\.json' is of other settings"):
        scaling.main(replace(base, seed=8), [0.5])


@pytest.mark.parametrize("share", [0.0, 1.5, 0.001])
def test_a_share_of_nothing_or_more_than_all_is_refused(base: RankerConfig, share: float) -> None:
    """Before anything is trained."""
    with pytest.raises(ConfigurationError, match="share"):
        scaling.main(base, [0.5, share])
    assert not base.out.exists()
