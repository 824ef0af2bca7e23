from collections import Counter
from itertools import islice, pairwise

from ops.chaos.records import Broken, Planned, Put
from ops.chaos.workload import Workload
from schemas.errors import InvalidInput
from schemas.events import Tombstone, decode_update


def _planned(seed: int, num_moves: int = 1500) -> list[Planned]:
    return [record for move in islice(Workload(seed, name="w", num_jobs=60).records(), num_moves) for record in move]


def _is_refused(record: Planned) -> bool:
    try:
        decode_update(record.key, record.value)
    except InvalidInput:
        return True
    return False


def test_the_same_seed_makes_the_same_records() -> None:
    """Byte for byte; another seed makes others."""
    assert _planned(1) == _planned(1)
    assert _planned(1, 50) != _planned(2, 50)


def test_every_move_and_every_kind_of_poison_comes() -> None:
    """What the issue names is in the stream, each several times in a segment's worth of records."""
    moves = Counter(record.move for record in _planned(3))
    poison = {name for name in moves if name.startswith("poison:")}
    assert {name.removeprefix("poison:") for name in poison} == {
        "undecodable", "no_title", "unknown_op", "unknown_schema", "version_zero", "wrong_key", "no_key", "oversized",
    }  # fmt: skip
    assert moves["poison:oversized"] == 1
    assert set(moves) - poison == {
        "create", "edit", "edit_header", "edit_both", "repeat", "duplicate", "reorder", "late", "delete", "delete_tie",
        "late_delete", "tombstone", "back", "repost", "repost_tie", "conflict",
    }  # fmt: skip
    assert min(moves[name] for name in set(moves) - poison) >= 5


def test_the_plan_says_of_each_record_what_the_services_read_in_it() -> None:
    """Broken ones cannot be decoded (but for a title that only the posting lacks); the others say what is planned."""
    for record in _planned(4):
        if isinstance(record.meaning, Broken):
            assert _is_refused(record) or record.meaning.reason == "no_title"
            continue
        update = decode_update(record.key, record.value)
        assert update.job_id == record.job_id
        if not isinstance(update, Tombstone):
            assert update.version == record.meaning.version


def test_a_version_conflict_stands_between_undecodable_records_of_its_key() -> None:
    """So no coalescing can join it with the posting that it conflicts with."""
    planned = _planned(5)
    at = [index for index, record in enumerate(planned) if record.move == "conflict"]
    assert at
    for index in at:
        around = planned[index - 1 : index + 2]
        assert [record.move for record in around] == ["poison:undecodable", "conflict", "poison:undecodable"]
        assert len({record.key for record in around}) == 1


def test_bursts_edit_one_job_many_times_in_a_row() -> None:
    """At least seven edits without another job in between."""
    longest = run = 1
    for one, other in pairwise(_planned(6)):
        run = run + 1 if one.job_id == other.job_id and other.move == "edit" else 1
        longest = max(longest, run)
    assert longest >= 7


def test_a_repetition_is_the_posting_that_stands_under_a_higher_version() -> None:
    """To the byte; nothing but the version is new, so nothing but the version is written."""
    standing: dict[str, Put] = {}
    num_repeated = 0
    for record in _planned(8):
        if not isinstance(record.meaning, Put) or record.move == "conflict":
            continue
        before = standing.get(record.job_id)
        if record.move == "repeat":
            assert before is not None
            assert record.meaning.version > before.version
            assert record.meaning.posting == before.posting
            num_repeated += 1
        if before is None or record.meaning.version > before.version:
            standing[record.job_id] = record.meaning
    assert num_repeated > 50


def test_touch_is_a_higher_version_of_the_same_body() -> None:
    """It makes no model call but for a fallback."""
    workload = Workload(7, name="w", num_jobs=5)
    list(islice(workload.records(), 30))
    last = {record.job_id: record.meaning for record in workload.planned if isinstance(record.meaning, Put)}
    job_id, before = next(iter(last.items()))
    touched = workload.touch(job_id).meaning
    assert isinstance(touched, Put)
    assert touched.version > before.version
