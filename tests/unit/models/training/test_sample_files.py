"""The shipped sample files."""

import gzip
import json
from pathlib import Path

from models.training.corpora import TRAINING_MIX
from models.training.data import Split, draw_judged, draw_pool, sample_files, write_files
from models.training.data.files import SAMPLE_POSTINGS, SAMPLE_QUERIES, SAMPLE_SEED, digest_of

SHIPPED = Path(__file__).parents[4] / "ops" / "samples"


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """Archives carry no time and no name."""
    first, again = sample_files(9, 60, 5), sample_files(9, 60, 5)
    assert first == again
    assert digest_of(first) == digest_of(again) != digest_of(sample_files(10, 60, 5))
    write_files(tmp_path / "new", first)
    assert (tmp_path / "new" / "judged.jsonl.gz").read_bytes() == first["judged.jsonl.gz"]


def test_the_shipped_sample_is_what_the_generator_makes() -> None:
    """Nobody edited the sample by hand, and the generator has not drifted. Compared unpacked: zlib may differ."""
    made = sample_files(SAMPLE_SEED, SAMPLE_POSTINGS, SAMPLE_QUERIES)
    for name, content in made.items():
        assert gzip.decompress((SHIPPED / name).read_bytes()) == gzip.decompress(content)


def test_judgements_refer_to_shipped_postings() -> None:
    """At least 500 postings; 100 judged queries of about 22 candidates, graded 0 to 4."""
    postings = [json.loads(line) for line in gzip.decompress((SHIPPED / "postings.jsonl.gz").read_bytes()).splitlines()]
    judged = [json.loads(line) for line in gzip.decompress((SHIPPED / "judged.jsonl.gz").read_bytes()).splitlines()]
    ids = {posting["identifier"]["value"] for posting in postings}
    assert len(ids) == len(postings) >= 500
    assert len({entry["query_id"] for entry in judged}) == len(judged) >= 100
    for entry in judged:
        assert entry["grades"].keys() <= ids
        assert 16 <= len(entry["grades"]) <= 30
        assert set(entry["grades"].values()) <= {0, 1, 2, 3, 4}


def test_no_shipped_query_is_in_the_training_data() -> None:
    """The texts of the judged queries never occur among training queries."""
    shipped = {
        json.loads(line)["query"] for line in gzip.decompress((SHIPPED / "judged.jsonl.gz").read_bytes()).splitlines()
    }
    pool = draw_pool(1, 1200, Split.TRAIN, "train")
    trained = draw_judged(1, pool, 3000, Split.TRAIN, TRAINING_MIX, frozenset(shipped))
    assert not shipped & {entry.query.text for entry in trained}
