import random
from collections import Counter
from pathlib import Path

from ops.chaos.engine.moods import Mood, Orders, Script
from ops.chaos.launch.clock import read_shift, write_shift


def _script(mood: Mood) -> Script:
    return Script(Orders(mood=mood), random.Random(1))


def test_a_request_gets_at_most_two_answers_that_count_as_tries() -> None:
    """Resets and cuts do not: they are failures of the engine, whoever asks. Also over a change of orders and back."""
    script = _script(Mood.BROKEN)
    kinds = Counter(script.breakage(b"one") for _ in range(100))
    script.obey(Orders(mood=Mood.WELL))
    script.obey(Orders(mood=Mood.BROKEN))
    kinds += Counter(script.breakage(b"one") for _ in range(100))
    assert kinds["not_json"] + kinds["other_form"] == 2
    assert min(kinds["reset"], kinds["cut"], kinds["none"]) > 10
    assert sum(script.breakage(b"other") in {"not_json", "other_form"} for _ in range(100)) == 2


def test_garbage_is_all_that_comes() -> None:
    """No answer is in the agreed form, however often it is asked."""
    script = _script(Mood.GARBAGE)
    assert {script.breakage(b"one") for _ in range(50)} == {"not_json", "other_form"}


def test_a_slow_engine_takes_ten_times_as_long() -> None:
    """On average; the same seed, the same times."""
    slow, well = ([script.service_s() for _ in range(200)] for script in (_script(Mood.SLOW), _script(Mood.WELL)))
    assert sum(slow) / sum(well) > 9
    assert 0.08 < sum(well) / len(well) < 0.12


def test_a_shift_of_the_clock_is_seen_at_once_by_who_follows_the_file(tmp_path: Path) -> None:
    """Without reading the file again: the processes are running."""
    file = tmp_path / "clock"
    write_shift(file, 0.0)
    shift_s = read_shift(file)
    assert shift_s() == 0.0
    write_shift(file, -3600.5)
    assert shift_s() == -3600.5
