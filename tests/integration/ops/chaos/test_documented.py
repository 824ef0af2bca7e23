"""The table of docs/chaos.md that leads from each kind of fault to its small deterministic test."""

import re
from pathlib import Path

from ops.chaos.faults.embedded import EMBEDDED_FAULTS
from ops.chaos.faults.engine import CLOCK_FAULTS, ENGINE_FAULTS
from ops.chaos.faults.local_real import LOCAL_REAL_FAULTS
from ops.chaos.faults.processes import PROCESS_FAULTS, SCALE_FAULTS

_INTEGRATION = Path(__file__).resolve().parents[2]
_DOCUMENT = _INTEGRATION.parents[1] / "docs" / "chaos.md"
_HEADING = "## One small test a kind of fault"


def _rows() -> dict[str, list[str]]:
    """Kind -> its tests as ``file::name``, or a whole file."""
    section = _DOCUMENT.read_text().split(_HEADING)[1].split("\n## ")[0]
    rows = [re.findall(r"\| (.*?) (?=\|)", line) for line in section.splitlines() if line.startswith("| `")]
    return {kind: re.findall(r"`(.*?)`", tests) for kinds, tests in rows for kind in re.findall(r"`(.*?)`", kinds)}


def test_every_kind_of_fault_has_a_small_test() -> None:
    """Of both profiles; and every test that is named is there."""
    tables = (PROCESS_FAULTS, SCALE_FAULTS, ENGINE_FAULTS, CLOCK_FAULTS, EMBEDDED_FAULTS, LOCAL_REAL_FAULTS)
    rows = _rows()
    assert rows.keys() == {kind for table in tables for kind in table}
    for kind, tests in rows.items():
        assert tests, kind
        for test in tests:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (_INTEGRATION / file).read_text() or not name, test
