"""Both commands on the shipped ranker, and what they refuse."""

import json
from pathlib import Path

import pytest
import torch

from models.bundle import Bundle, Role, load_bundle
from models.training.embedding_tokens import evaluation, train
from models.training.embedding_tokens.bundle import EncoderManifest, load_encoder, read_manifest, write_encoder
from models.training.embedding_tokens.config import EmbeddingsConfig, parse_arguments
from models.training.embedding_tokens.encoder import Encoder
from models.training.embedding_tokens.material import Materials, Stage
from models.training.embedding_tokens.measuring import encode
from models.training.embedding_tokens.places import Source
from models.training.pruning.plan import Source as RankerSource
from models.training.report.recorded import read_recorded
from schemas.errors import ConfigurationError


def small(bundle: Bundle, out: Path, **settings: object) -> EmbeddingsConfig:
    return EmbeddingsConfig(
        out, bundle.path, num_vectors=2, steps=2, postings=240, queries=60, measured_every=1, held_out=1, **settings
    )


def test_a_joint_run_writes_encoder_and_ranker_which_are_measured_together(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From options to a recorded run: the encoder belongs to the ranker that learnt with it, and to no other."""
    manifest = train.main(small(bundle, tmp_path / "run", is_joint=True))
    ranker = load_bundle(tmp_path / "run" / "ranker", Role.RANKER)
    assert manifest == read_manifest(tmp_path / "run" / "encoder")
    assert (manifest.ranker.revision, manifest.ranker.name) == (ranker.revision, "ranker-tiny-mixed")
    assert [line.split(",")[0] for line in (tmp_path / "run" / "curve.csv").read_text().splitlines()] == [
        "step",
        "1",
        "2",
    ]
    assert not (tmp_path / "run" / "checkpoint").exists()
    arguments = ["--encoder", str(tmp_path / "run" / "encoder"), "--ranker"]
    assert evaluation.main([*arguments, str(bundle.path)]) == 2
    assert "its vectors mean nothing to another ranker" in capsys.readouterr().err
    options = ["--queries", "1", "--json", "--record", str(tmp_path / "recorded"), "--date", "2026-11-28"]
    assert evaluation.main([*arguments, str(ranker.path), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    read = {(row["reads"], row["k"]) for row in found["rows"]}
    assert read >= {("vectors", 1), ("vectors", 2), ("target summary", 1), ("first tokens", 2), ("whole body", None)}
    two = next(row for row in found["rows"] if (row["reads"], row["k"]) == ("vectors", 2))
    assert (two["tokens"], two["stored_bytes"]) == (2, 2 * 256 * 2)
    assert two["compression"] > 0.99
    (run,) = read_recorded(tmp_path / "recorded")
    assert {figure.name for figure in run.figures} >= {
        "embedding_tokens_joint_body_2_relative",
        "embedding_tokens_joint_body_2_over_text",
    }


def test_a_frozen_ranker_stays_as_it_is(bundle: Bundle, tmp_path: Path) -> None:
    """The store's text and vectors then serve one ranker; what is stored gives vectors that are stored in bfloat16."""
    manifest = train.main(small(bundle, tmp_path, source=Source.SUMMARY))
    assert (manifest.source, manifest.provenance["source"]) == (Source.SUMMARY, "summary")
    assert manifest.ranker.revision == bundle.revision
    assert not (tmp_path / "ranker").exists()
    encoder = load_encoder(tmp_path / "encoder", bundle)
    (vectors,) = encode(encoder, {"a": [3, 40, 41]}).values()
    assert vectors.shape == (2, manifest.hidden_size)
    assert torch.equal(vectors, vectors.bfloat16().float())


def test_items_are_encoded_without_any_query(encoder: Encoder, materials: Materials) -> None:
    """So they can be kept: each item alone, in any company, gives the same vectors, whoever asks."""
    drawn = materials.of_step(0, Stage(share=1.0, lessons=3, other_facts=2))
    items = {str(index): each.read for index, each in enumerate(drawn)}
    together = encode(encoder, items)
    for key, read in items.items():
        assert torch.allclose(encode(encoder, {key: read})[key], together[key], atol=1e-2)  # a bfloat16 may round over


def test_what_cannot_be_trained_or_read_is_one_sentence(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers out of range, a ranker in its own way, an encoder that is none."""
    with pytest.raises(ConfigurationError, match="num_vectors is 0"):
        parse_arguments(["--out", "x", "--ranker", "y", "--num-vectors", "0"])
    with pytest.raises(ConfigurationError, match="matrix_rate"):
        parse_arguments(["--out", "x", "--ranker", "y", "--matrix-rate", "0"])
    with pytest.raises(ConfigurationError, match="lacks"):
        train.main(EmbeddingsConfig(tmp_path, tmp_path))
    arguments = ["--encoder", str(tmp_path), "--ranker", str(bundle.path)]
    assert evaluation.main(arguments) == 2
    assert "precis train embeddings" in capsys.readouterr().err
    assert evaluation.main([*arguments, "--queries", "0"]) == 2
    assert "num_queries is 0" in capsys.readouterr().err
    (tmp_path / "encoder.json").write_text('{"format": "other"}')
    with pytest.raises(ConfigurationError, match="does not fit"):
        load_encoder(tmp_path, bundle)


def test_an_encoder_whose_weights_are_cut_off_is_refused(bundle: Bundle, encoder: Encoder, tmp_path: Path) -> None:
    """Half a file, or other sizes than the manifest says, are no encoder."""
    manifest = EncoderManifest(
        ranker=RankerSource(name="r", revision=bundle.revision), prompt_digest="p", num_vectors=4, hidden_size=256
    )
    write_encoder(encoder, manifest, tmp_path)
    assert load_encoder(tmp_path, bundle).num_slots == 4
    (tmp_path / "encoder.json").write_text(manifest.model_copy(update={"num_vectors": 3}).model_dump_json())
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        load_encoder(tmp_path, bundle)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        load_encoder(tmp_path, bundle)
