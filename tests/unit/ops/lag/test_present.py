"""Lag on a terminal and as JSON."""

import io
import json

from rich.console import Console

from ops.lag.lanes import Lane
from ops.lag.measure import LaneLag, PartitionLag
from ops.lag.present import lag_fields, lag_table

LANE = LaneLag(
    Lane("resummarise", "job-updates.resummarise", "precis-nearline.resummarise"),
    (PartitionLag(0, None, 345_678, 345_678, 7_200.0), PartitionLag(1, 4, 4, 0, None)),
)


def test_a_lane_and_its_partitions_stand_in_80_columns():
    """Nothing is cut; what was never committed and what has no age is a dash."""
    console = Console(file=io.StringIO(), width=80)
    console.print(lag_table([LANE]))
    header, total, first, second = (line.split() for line in console.file.getvalue().splitlines())
    assert header == ["lane", "topic", "part", "committed", "end", "lag", "oldest"]
    assert total == ["resummarise", "job-updates.resummarise", "all", "345678", "2.0", "h"]
    assert first == ["0", "-", "345678", "345678", "2.0", "h"]
    assert second == ["1", "4", "4", "0", "-"]


def test_json_has_sums_and_parts():
    """In records and seconds; null where nothing is committed or behind."""
    fields = json.loads(json.dumps(lag_fields(LANE)))
    assert (fields["lag"], fields["oldest_age_s"]) == (345_678, 7_200.0)
    assert fields["partitions"][0]["committed"] is None
    assert fields["partitions"][1]["oldest_age_s"] is None
