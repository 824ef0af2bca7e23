"""Adapters on a tiny Llama: untrained they change nothing, trained they are the merged weights."""

import json

import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file

from models.bundle import MANIFEST, Manifest, PromptLimits, Role, load_bundle
from models.training.small.adapter import adapter_digest, load_adapter, merge_adapter, save_adapter, with_adapter
from models.training.small.bundles import BASE, write_bundle, write_models
from models.training.small.reference import Golden, answer_of
from models.training.small.speed import keep_frozen_matrices_short
from schemas.errors import BackendProtocolError, ConfigurationError
from tests.engine.training.small.packages import TOKENS, pack, random_llama

pytestmark = pytest.mark.training

IDS = torch.tensor([[3, 9, 27, 5, 81, 40]])
MANIFEST_OF_A_RANKER = Manifest(role=Role.RANKER, name="r", prompt_version="ranker/1", limits=PromptLimits())


def trained(model, rank=2, layers=1):
    """An adapter that one large step moved away from zero."""
    adapted = with_adapter(model, rank, layers)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data = 0.2 * torch.randn_like(parameter)
            assert "lora" in name
    return adapted


@pytest.fixture
def adapter(tmp_path):
    """Saved, with a manifest."""
    folder = tmp_path / "ranker-any"
    model = random_llama(is_head_tied=True).to(torch.bfloat16).float()
    save_adapter(trained(model), folder)
    (folder / MANIFEST).write_text(MANIFEST_OF_A_RANKER.model_dump_json(), encoding="utf-8")
    return folder


def test_an_untrained_adapter_changes_no_answer():
    """B begins at zero."""
    model = random_llama(is_head_tied=True)
    before = model(IDS).logits
    with_adapter(model, 2, 1)
    torch.testing.assert_close(model(IDS).logits, before, rtol=0, atol=0)


def test_only_the_last_layers_have_one():
    """The first layer stays as it is and needs no gradient."""
    model = random_llama(is_head_tied=True)
    with_adapter(model, 2, 1)
    learns = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(learns) == 7 * 2
    assert all(name.startswith("model.layers.1.") for name in learns)


def test_frozen_matrices_in_bfloat16_give_the_same_training_step():
    """Autocast would have cast them: not one bit of a gradient differs."""
    gradients = []
    for is_short in (False, True):
        model = random_llama(is_head_tied=True).to(torch.bfloat16).float()
        trained(model)
        if is_short:
            keep_frozen_matrices_short(model)
        with torch.autocast("cpu", torch.bfloat16):
            model.model(input_ids=IDS, use_cache=False).last_hidden_state.float().square().mean().backward()
        gradients.append([weight.grad for weight in model.parameters() if weight.requires_grad])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_training_goes_on_from_an_adapter(adapter):
    """The model answers as the one that was saved did, but for the rounding of what is stored."""
    model = random_llama(is_head_tied=True).to(torch.bfloat16).float()
    load_adapter(with_adapter(model, 2, 1), adapter)
    other = random_llama(is_head_tied=True).to(torch.bfloat16).float()
    trained(other)
    torch.testing.assert_close(model(IDS).logits, other(IDS).logits, rtol=0, atol=0.1)
    assert (model(IDS).logits - random_llama(is_head_tied=True)(IDS).logits).abs().max() > 0.5


@pytest.mark.parametrize(("rank", "layers"), [(3, 1), (2, 2)])
def test_an_adapter_of_another_shape_is_not_gone_on_from(adapter, rank, layers):
    """Another rank, other layers."""
    with pytest.raises(ConfigurationError, match="another rank or other layers"):
        load_adapter(with_adapter(random_llama(is_head_tied=True), rank, layers), adapter)


def test_a_folder_without_an_adapter_is_named(tmp_path):
    """Both for going on and for its digest."""
    model = with_adapter(random_llama(is_head_tied=True), 2, 1)
    for reads in (lambda: load_adapter(model, tmp_path), lambda: adapter_digest(tmp_path)):
        with pytest.raises(ConfigurationError, match=f"{tmp_path}.*cannot be read"):
            reads()


def test_merged_weights_answer_as_the_adapted_model(adapter):
    """In float64, so that only the rounding of what is stored is between them."""
    model = random_llama(is_head_tied=True).to(torch.bfloat16).float()
    stored = {name: tensor.to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    merged = merge_adapter(stored, adapter)
    changed = {name for name in stored if not torch.equal(stored[name], merged[name])}
    assert {name.split(".")[2] for name in changed} == {"1"}
    assert len(changed) == 7
    trained(model)
    for name, parameter in model.named_parameters():
        if "lora" in name:  # as they are stored
            parameter.data = parameter.data.to(torch.bfloat16).float()
    plain = random_llama(is_head_tied=True)
    plain.load_state_dict({name: tensor.float() for name, tensor in merged.items()})
    found, expected = plain(IDS).logits, model(IDS).logits
    assert (found - expected).abs().max() < 0.03 * expected.std()


def test_what_is_saved_says_nothing_of_this_machine(adapter):
    """Two files beside the manifest; the settings name no folder."""
    assert {file.name for file in adapter.iterdir()} == {"adapter_config.json", "adapter_model.safetensors", MANIFEST}
    settings = json.loads((adapter / "adapter_config.json").read_bytes())
    assert settings["base_model_name_or_path"] == ""
    assert "/" not in json.dumps(settings).replace("lora_A/", "")
    assert all(tensor.dtype == torch.bfloat16 for tensor in load_file(adapter / "adapter_model.safetensors").values())


def test_an_adapter_of_another_model_is_refused(adapter):
    """By the name of the first matrix that does not fit."""
    with pytest.raises(ConfigurationError, match=r"is of another model: model\.layers\.1\..*does not fit"):
        merge_adapter({"model.layers.1.self_attn.q_proj.weight": torch.zeros(4, 4)}, adapter)
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        merge_adapter({}, adapter)


def test_base_and_bundles_are_written_together_or_not_at_all(tmp_path, adapter):
    """The same bytes each time; an adapter that does not fit, or other golden numbers, leave nothing."""
    package = pack(tmp_path, Kind.Q8_0)
    golden = Golden(answers=(answer_of(package.model, "a job", [TOKENS.index("a"), TOKENS.index("Ġjob")]),))
    out = tmp_path / "to" / "out"
    with pytest.raises(ConfigurationError, match="special tokens"):  # the tiny vocabulary has three
        write_models(package.source, package.wheel, golden, [adapter], out)
    with pytest.raises(ConfigurationError, match=MANIFEST):
        write_models(package.source, package.wheel, golden, [tmp_path], out)
    off = with_other_numbers(golden)
    with pytest.raises(BackendProtocolError):
        write_models(package.source, package.wheel, off, [], out)
    assert list(out.parent.iterdir()) == []
    write_models(package.source, package.wheel, golden, [], out)
    assert [folder.name for folder in out.iterdir()] == [BASE]


def with_other_numbers(golden):
    (answer,) = golden.answers
    changed = tuple(value - 0.2 for value in answer.log_probs)
    return Golden(answers=(answer.model_copy(update={"log_probs": changed}),))


def test_a_bundle_has_marks_and_the_adapters_manifest(tmp_path, adapter):
    """What `precis engine run` asks of a directory."""
    package = pack(tmp_path, Kind.Q8_0, num_special=8)
    write_models(package.source, package.wheel, Golden(answers=()), [adapter], tmp_path / "out")
    bundle = load_bundle(tmp_path / "out" / adapter.name, Role.RANKER)
    assert bundle.manifest == MANIFEST_OF_A_RANKER
    write_bundle(tmp_path / "out" / BASE, adapter, tmp_path / "again")
    assert load_bundle(tmp_path / "again", Role.RANKER).revision == bundle.revision
    assert content_of(tmp_path / "again") == content_of(bundle.path)


def content_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}
