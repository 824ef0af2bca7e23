"""What engines are asked: the same every time, as many as wanted, awkward ones always among them."""

from collections import Counter

import pytest

from models.bundle import Role
from ops.engine.parity.edges import MIN_PAIRS, MIN_TEXTS
from ops.engine.parity.inputs import LONG_KIND, Pack, ranker_packs, summarizer_prompts
from schemas.errors import ConfigurationError
from tests.unit.ops.engine.builders import shipped

AWKWARD = {"short", "empty", "doubled", "scripts", "seams", LONG_KIND, "canary"}


def packs(num_pairs: int = 240, seed: int = 0) -> tuple[Pack, ...]:
    return ranker_packs(shipped(Role.RANKER), num_pairs=num_pairs, seed=seed)


@pytest.mark.parametrize("num_pairs", [MIN_PAIRS, 240, 245])
def test_there_are_as_many_pairs_as_wanted(num_pairs: int) -> None:
    """And of every awkward kind some, however few are wanted; half of them or more are ordinary."""
    found = packs(num_pairs)
    counts: Counter[str] = Counter()
    for pack in found:
        counts[pack.kind] += len(pack.items)
    assert counts.total() == num_pairs
    assert counts.keys() == AWKWARD | {"sample"}
    assert counts["sample"] >= 21


def test_the_same_seed_asks_the_same() -> None:
    """And another one other samples."""
    assert packs() == packs()
    assert packs(seed=1) != packs()


def test_the_long_pack_is_as_long_as_the_limits_and_differs_in_its_tail_only() -> None:
    """An engine that cuts it reads the same prompt several times."""
    limits = shipped(Role.RANKER).manifest.limits
    (pack,) = (pack for pack in packs() if pack.kind == LONG_KIND)
    assert len(pack.query_ids) == 1 + limits.query
    assert {len(item) for item in pack.items} == {1 + limits.header + 1 + limits.summary + 1}
    assert len({item[:-32] for item in pack.items}) == 1  # 24 tokens, the mark, and what is left of a word
    assert len({item[-25:] for item in pack.items}) == len(pack.items)


def test_the_doubled_pack_holds_items_twice() -> None:
    """Their scores must not depend on the copy."""
    (pack,) = (pack for pack in packs() if pack.kind == "doubled")
    assert sorted(Counter(pack.items).values()) == [2, 3]


def test_marks_in_texts_stay_texts() -> None:
    """A posting that says `<|relevant|>` has none of the template's marks but its own."""
    marks = {ids for pack in packs() for item in pack.items for ids in item[1:-1] if ids < 7}
    assert marks == set()


def test_more_pairs_than_there_are_is_said() -> None:
    """With the number that is too many."""
    with pytest.raises(ConfigurationError, match="100000 pairs are more than the samples give"):
        packs(100_000)


def test_texts_hold_the_awkward_ones_and_one_of_full_length() -> None:
    """In this order, so that few hold them too."""
    bundle = shipped(Role.SUMMARIZER)
    found = summarizer_prompts(bundle, num_texts=MIN_TEXTS, seed=0)
    assert len(found) == MIN_TEXTS
    assert {"awkward", LONG_KIND, "canary"} <= {prompt.kind for prompt in found}
    assert max(len(prompt.ids) for prompt in found) == bundle.manifest.limits.body + 2
    assert len(summarizer_prompts(bundle, num_texts=16, seed=0)) == 16
