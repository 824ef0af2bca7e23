"""Readers of the same weights beside each other, on the tiny model that the test packs.

llama.cpp continues the texts, but how near it is counts on the real weights only (docs/small.md): on this model, whose
heads have 16 values, it was 1.3 off in the mean, and why is not known.
"""

import pytest
from gguf import GGMLQuantizationType as Kind

from models.training.small.checkpoint import write_checkpoint
from models.training.small.measuring import measure
from models.training.small.reference import TEXTS, Golden
from tests.engine.training.small.packages import pack

pytestmark = pytest.mark.training


def test_every_reader_is_near_and_the_rounded_ones_are_farther(tmp_path):
    """In float32 the local engine is as near as transformers; in bfloat16 it is farther."""
    package = pack(tmp_path, Kind.Q8_0)
    write_checkpoint(package.source, package.wheel, tmp_path / "out", Golden(answers=()))
    measured = measure(tmp_path / "tiny.gguf", tmp_path / "out")
    found = {name: distance.mean for name, distance in measured.distances.items()}
    transformers, engine = (found[f"{name}, weights as stored, float32"] for name in ("transformers", "local engine"))
    assert engine == pytest.approx(transformers, rel=1e-2)
    assert 0 < transformers < found["local engine, weights as stored, bfloat16"] < 0.2
    assert len(found) == 5
    assert tuple(answer.text for answer in measured.answers) == TEXTS
    assert measured.num_steps >= len(TEXTS)
