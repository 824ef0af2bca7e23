"""`precis prune` on a random bundle of the tiny shape: from the command line to bundles that engines load."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from models.bundle import RankerCanary, Role, load_bundle
from models.engine.checkpoint import open_bundle
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.weights import load_model
from models.training.export import load_weights
from models.training.pruning import recovery
from models.training.pruning.__main__ import main
from models.training.pruning.lessons import Lesson
from models.training.pruning.plan import read_plan
from models.training.pruning.recovery import RecoverConfig
from models.training.random_bundle import RandomConfig
from models.training.random_bundle import main as make_random
from models.training.reference import score_alone
from tests.doubles.killed import Killed

FEW = ("--calibration-queries", "4")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ranker of random weights: of its MLP nothing can be spared, so a wrong cut shows."""
    folder = tmp_path_factory.mktemp("prune") / "ranker"
    make_random(RandomConfig(folder, "tiny", Role.RANKER, seed=3))
    return folder


def run(*arguments: str | Path) -> None:
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def plan(original: Path) -> Path:
    """Half of the neurons, one of two key-value heads, three of four layers."""
    file = original.parent / "plan.json"
    cut = ("--mlp-keep", "0.5", "--kv-heads-keep", "0.5", "--drop-layers", "1")
    run("plan", "--bundle", original, "--out", file, *cut, *FEW)
    return file


@pytest.fixture(scope="module")
def pruned(original: Path, plan: Path) -> Path:
    folder = original.parent / "pruned"
    run("apply", "--bundle", original, "--plan", plan, "--out", folder)
    return folder


def engine_scores(folder: Path, canaries: Sequence[RankerCanary], labels: Sequence[int]) -> list[float]:
    model = load_model(open_bundle(folder), device=torch.device("cpu"), dtype=torch.float32)
    groups = [Group(Prefix(Prompt(canary.query_ids)), [Prompt(canary.item_ids)]) for canary in canaries]
    return label_logits(model, encode_pass(model, groups), list(labels)).softmax(-1)[:, 0].tolist()


def test_a_pruned_bundle_scores_alike_in_transformers_and_the_local_engine(original: Path, pruned: Path) -> None:
    """A stock, smaller bundle: its canaries are its own, and both agree with them."""
    bundle, whole = load_bundle(pruned, Role.RANKER), load_bundle(original, Role.RANKER)
    config = json.loads((pruned / "config.json").read_bytes())
    sizes = ("intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    assert [config[name] for name in sizes] == [256, 3, 2, 1]
    assert len(config["layer_types"]) == 3
    canaries, labels = bundle.manifest.canaries, bundle.manifest.label_token_ids
    assert len(canaries) == len(whole.manifest.canaries) == 8
    model = load_weights(pruned)
    alone = [score_alone(model, canary.query_ids, canary.item_ids, labels) for canary in canaries]
    scores = [canary.score for canary in canaries]
    assert alone == pytest.approx(scores, abs=1e-6)
    assert engine_scores(pruned, canaries, labels) == pytest.approx(scores, abs=1e-5)
    assert scores != pytest.approx([canary.score for canary in whole.manifest.canaries], abs=1e-3)
    assert (pruned / "tokenizer.json").read_bytes() == (original / "tokenizer.json").read_bytes()


def test_a_pruned_bundle_says_what_it_was_made_from(original: Path, plan: Path, pruned: Path) -> None:
    """Name and revision of the source, the plan's digest, parameters as planned."""
    manifest, planned = load_bundle(pruned, Role.RANKER).manifest, read_plan(plan)
    made_from = manifest.provenance["made_from"]
    assert made_from["revision"] == load_bundle(original, Role.RANKER).revision == planned.bundle.revision
    assert manifest.provenance["plan_sha256"] == planned.sha256
    assert manifest.metrics["parameters"] == planned.after.parameters < 0.6 * planned.before.parameters
    assert manifest.metrics["mean_neurons_loss"] == pytest.approx(
        sum(entry.neurons_loss for entry in planned.layers) / 3, rel=1e-6
    )
    assert manifest.name == "ranker-tiny-random-pruned"


def test_the_same_plan_gives_the_same_bundle_and_a_changed_one_another(
    original: Path, plan: Path, pruned: Path, tmp_path: Path
) -> None:
    """Indices changed by hand are obeyed, and the rest is refitted to them."""
    run("apply", "--bundle", original, "--plan", plan, "--out", tmp_path / "again")
    revision = load_bundle(pruned, Role.RANKER).revision
    assert load_bundle(tmp_path / "again", Role.RANKER).revision == revision
    changed = json.loads(plan.read_bytes())
    changed["layers"][0]["kept_neurons"] = list(range(256))
    (tmp_path / "plan.json").write_text(json.dumps(changed))
    run("apply", "--bundle", original, "--plan", tmp_path / "plan.json", "--out", tmp_path / "changed")
    first, kept = (load_weights(folder).model.layers[0].mlp for folder in (tmp_path / "changed", original))
    assert torch.equal(first.gate_proj.weight, kept.gate_proj.weight[:256])
    assert not torch.equal(first.down_proj.weight, kept.down_proj.weight[:, :256])


def test_what_a_method_without_refit_keeps_stays_as_it_was(original: Path, tmp_path: Path) -> None:
    """Layers alone, too, can be dropped: by their numbers."""
    plan, out = tmp_path / "plan.json", tmp_path / "out"
    run("plan", "--bundle", original, "--out", plan, "--method", "magnitude", "--mlp-keep", "0.25", *FEW)
    run("apply", "--bundle", original, "--plan", plan, "--out", out)
    kept = list(read_plan(plan).layers[2].kept_neurons)
    found, whole = (load_weights(folder).model.layers[2].mlp.down_proj.weight for folder in (out, original))
    assert torch.equal(found, whole[:, kept])
    run("plan", "--bundle", original, "--out", plan, "--drop", "0", "2", *FEW)
    run("apply", "--bundle", original, "--plan", plan, "--out", out)
    found, whole = load_weights(out), load_weights(original)
    assert len(found.model.layers) == 2
    assert torch.equal(found.model.layers[1].mlp.down_proj.weight, whole.model.layers[3].mlp.down_proj.weight)


def test_full_text_calibrates_on_whole_bodies(original: Path, tmp_path: Path) -> None:
    """The same pairs, several times the tokens."""
    counts = {}
    for text in ("--summaries", "--full-text"):
        run("plan", "--bundle", original, "--out", tmp_path / "plan.json", "--drop-layers", "1", text, *FEW)
        counts[text] = read_plan(tmp_path / "plan.json").calibration
    assert counts["--full-text"].prompts == counts["--summaries"].prompts > 4 * 6
    assert counts["--full-text"].tokens > 3 * counts["--summaries"].tokens
    assert counts["--full-text"].sha256 != counts["--summaries"].sha256


@pytest.mark.parametrize("lesson", list(Lesson))
def test_recovery_brings_scores_nearer_to_what_it_teaches(
    original: Path, pruned: Path, tmp_path: Path, lesson: Lesson
) -> None:
    """Each lesson runs to a bundle with canaries of its own; distillation moves them towards the teacher's."""
    out = tmp_path / "recovered"
    # A teacher of random weights says another thing of every pair: a few steps are chance, two dozen are not.
    little = ("--steps", "24" if lesson is Lesson.DISTILLATION else "4", "--postings", "200", "--queries", "60")
    run("recover", "--bundle", pruned, "--from", original, "--out", out, "--lesson", lesson, *little)
    bundle = load_bundle(out, Role.RANKER)
    assert bundle.manifest.provenance["lesson"] == lesson
    assert bundle.manifest.name == "ranker-tiny-random-pruned-recovered"
    teacher, before, after = (
        torch.tensor([canary.score for canary in load_bundle(folder, Role.RANKER).manifest.canaries])
        for folder in (original, pruned, out)
    )
    assert not torch.equal(before, after)
    if lesson is Lesson.DISTILLATION:
        assert (after - teacher).abs().mean() < (before - teacher).abs().mean()


def test_a_killed_recovery_ends_with_the_bytes_of_an_undisturbed_one(
    original: Path, pruned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoint lies beside the bundle, and is gone in the end."""

    def config(name: str) -> RecoverConfig:
        return RecoverConfig(pruned, original, tmp_path / name, steps=4, postings=200, queries=60)

    torch.set_num_threads(1)
    recovery.recover(config("whole"))
    losses_of, loop_config = recovery.losses_of, recovery.LoopConfig

    def until_killed(*arguments: object) -> object:
        def of_step(step: int) -> Iterator[torch.Tensor]:
            if step == 2:
                raise Killed
            yield from losses_of(*arguments)(step)

        return of_step

    monkeypatch.setattr(recovery, "LoopConfig", lambda *given: loop_config(*given, checkpoint_every_s=0.0))
    monkeypatch.setattr(recovery, "losses_of", until_killed)
    with pytest.raises(Killed):
        recovery.recover(config("broken"))
    monkeypatch.setattr(recovery, "losses_of", losses_of)
    assert (tmp_path / "broken.checkpoint").exists()
    recovery.recover(config("broken"))
    assert not (tmp_path / "broken.checkpoint").exists()
    revisions = [load_bundle(tmp_path / name, Role.RANKER).revision for name in ("whole", "broken")]
    assert revisions[0] == revisions[1]


def test_compare_measures_each_way_and_goes_on_where_it_was(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row a method and ratio, each with one figure a query; the second run computes nothing and says the same."""
    asked = ["compare", "--bundle", original, "--ratios", "0.5", "--methods", "osscar", "random", "--queries", "3"]
    asked += ["--drop-layers", "0", "1", "--work", tmp_path, *FEW]
    run(*asked, "--json")
    first = capsys.readouterr().out
    found = json.loads(first)
    rows = [(row["method"], row["removed"], row["dropped_layers"]) for row in found["rows"]]
    assert rows == [
        ("osscar", 0.5, []),
        ("random", 0.5, []),
        (None, 0.0, [3]),
        ("osscar", 0.5, [3]),
        ("random", 0.5, [3]),
    ]
    assert [row["dropped_layers"] for row in found["single_layers"]] == [[0], [1], [2], [3]]
    assert {len(row["ndcg_at_10"]) for row in [found["unpruned"], *found["rows"], *found["single_layers"]]} == {3}
    assert found["rows"][0]["loss"] < found["rows"][1]["loss"]
    assert found["rows"][2]["ndcg_at_10"] == found["single_layers"][3]["ndcg_at_10"]
    kept = (tmp_path / "rows.jsonl").read_text()
    run(*asked, "--json")
    assert capsys.readouterr().out == first
    assert (tmp_path / "rows.jsonl").read_text() == kept
    run(*asked)
    assert "one layer dropped:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--out", "{tmp}/p", "--mlp-keep", "0.005"], "rounds to none of them in steps of 8"),
        (["plan", "--out", "{tmp}/p"], "nothing would be pruned"),
        (["plan", "--out", "{tmp}/p", "--drop-layers", "4"], "give 0 to 3"),
        (["apply", "--plan", "{tmp}/none.json", "--out", "{tmp}/o"], "cannot be read"),
        (["apply", "--plan", "{plan}", "--out", "{bundle}"], "give another folder"),
        (["recover", "--from", "{bundle}", "--out", "{bundle}", "--steps", "1"], "give another folder"),
        (["compare", "--ratios", "0.999"], "rounds to none"),
        (["recover", "--from", "{tmp}", "--out", "{tmp}/o", "--steps", "1"], "lacks config.json"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_status_2(
    arguments: list[str], said: str, original: Path, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback; what, where, remedy."""
    filled = [text.format(tmp=tmp_path, plan=plan, bundle=original) for text in arguments]
    few = FEW if arguments[0] in {"plan", "compare"} else ()
    assert main([filled[0], "--bundle", str(original), *filled[1:], *few]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("error: ConfigurationError: ")
    assert said in message


def test_a_plan_of_another_bundle_or_of_other_prompts_is_refused(
    original: Path, plan: Path, pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By digests, before any weight is touched."""
    apply = ["apply", "--plan", str(plan), "--out", str(tmp_path / "out")]
    assert main([*apply, "--bundle", str(pruned)]) == 2
    assert "the plan is for ranker-tiny-random" in capsys.readouterr().err
    other = json.loads(plan.read_bytes())
    other["calibration"]["sha256"] = "0" * 64
    (tmp_path / "plan.json").write_text(json.dumps(other))
    apply[2] = str(tmp_path / "plan.json")
    assert main([*apply, "--bundle", str(original)]) == 2
    assert "make the plan anew" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [["plan", "--method", "best"], ["compare", "--queries", "0"], ["plan", "--ridge", "0"], ["nothing"], []],
)
def test_wrong_usage_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As argparse says it."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: precis prune" in capsys.readouterr().err
