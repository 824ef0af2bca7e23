"""``docs/depth.md`` shows what the command printed, kept beside it."""

import json
from pathlib import Path

from ops.bench.depth import SHARES
from ops.bench.depth_tables import depth_tables
from ops.demo.samples import read_judged

_DOCS = Path(__file__).parents[3] / "docs"


def test_the_documented_tables_are_those_of_the_kept_result():
    """Every share, both orders; the queries are those that are shipped."""
    result = json.loads((_DOCS / "depth.json").read_text())
    assert [row["depth_share"] for row in result["rows"]] == list(SHARES)
    assert result["num_queries"] == len(read_judged())
    assert depth_tables(result) in (_DOCS / "depth.md").read_text()
