"""What is taught: where gradients go, what is compared with what, and that it can be learnt."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.corpora import Corpus
from models.training.embedding_tokens.encoder import Encoder, encoder_of
from models.training.embedding_tokens.material import Material, Materials, Stage
from models.training.embedding_tokens.objective import Objective, lengths
from models.training.embedding_tokens.places import Source
from models.training.loop import LoopConfig, train
from models.training.optimiser import OptimiserConfig
from models.training.ranker_data import RankerData
from tests.doubles.killed import Killed

SHORT = Stage(share=1.0, lessons=4, other_facts=2, other_sentences=1)


@pytest.mark.parametrize("is_joint", [False, True])
def test_gradients_reach_the_encoder_through_the_rankers_input(
    bundle: Bundle, ranker: Qwen3ForCausalLM, encoder: Encoder, materials: Materials, *, is_joint: bool
) -> None:
    """Every part of the encoder learns; the ranker only where it is asked to."""
    objective = Objective(encoder, ranker, bundle.manifest.label_token_ids, is_joint=is_joint)
    (loss,) = objective.of_steps(materials, 10, 7, [SHORT])(0)
    loss.backward()
    for name, parameter in encoder.named_parameters():
        used = parameter.grad is not None and bool(parameter.grad.any())
        assert used, name
    assert (ranker.model.layers[0].mlp.down_proj.weight.grad is not None) is is_joint


def test_the_ranker_learns_from_text_as_well_where_it_learns(
    bundle: Bundle, ranker: Qwen3ForCausalLM, encoder: Encoder, materials: Materials, corpus: Corpus
) -> None:
    """Joint training has one loss more, of the soft labels and text; so both forms can be held against each other."""
    items = materials.whole(Random(1), corpus.postings[:2], queries=2)
    labels = bundle.manifest.label_token_ids
    frozen = Objective(encoder, ranker, labels, is_joint=False).of_pairs(items, 2)
    joint = Objective(encoder, ranker, labels, is_joint=True).of_pairs(items, 2)
    assert frozen.shape == joint.shape == (sum(len(each.asked) for each in items),)
    assert (joint > frozen).all()


def test_answers_of_text_are_no_target_that_moves_to_meet_the_vectors(
    bundle: Bundle, ranker: Qwen3ForCausalLM, encoder: Encoder, materials: Materials
) -> None:
    """Where no grade is known, only vectors are taught: the text's tokens get no gradient."""
    (lesson, *_) = materials.of_step(0, SHORT)
    told = Material(lesson.read, lesson.item, [*lesson.item[:-1], 3000, lesson.item[-1]], [], lesson.asked)
    objective = Objective(encoder, ranker, bundle.manifest.label_token_ids, is_joint=True)
    objective.of_pairs([told], 1).sum().backward()
    assert not ranker.model.embed_tokens.weight.grad[3000].any()


def test_the_loss_falls_in_a_few_steps_and_a_killed_run_ends_as_one_left_alone(
    bundle: Bundle, ranker: Qwen3ForCausalLM, materials: Materials, tmp_path: Path
) -> None:
    """The same few items again and again are learnt; killed behind a checkpoint and started anew: the same bytes."""
    labels, rates = bundle.manifest.label_token_ids, OptimiserConfig(matrix_rate=2e-3, other_rate=2e-3)
    items = materials.of_step(0, SHORT)
    whole, broken, resumed = (encoder_of(ranker, 4, seed) for seed in (3, 3, 99))
    before = Objective(whole, ranker, labels, is_joint=False).held_out(items, [1, 4])

    def losses(encoder: Encoder, last: int = 99) -> object:
        objective = Objective(encoder, ranker, labels, is_joint=False)

        def of_step(step: int) -> Iterator[torch.Tensor]:
            if step == last:
                raise Killed
            yield objective.of_pairs(items, 1 + step % 4).mean()

        return of_step

    train(whole, losses(whole), LoopConfig(16, tmp_path / "a", "x"), rates, "whole")
    assert Objective(whole, ranker, labels, is_joint=False).held_out(items, [1, 4]) < 0.5 * before
    often = LoopConfig(16, tmp_path / "b", "x", checkpoint_every_s=0.0)
    with pytest.raises(Killed):
        train(broken, losses(broken, last=9), often, rates, "broken")
    train(resumed, losses(resumed), often, rates, "resumed")
    for (name, one), two in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two), name


def test_lengths_are_powers_of_two_and_the_most() -> None:
    """A curve over orders of magnitude."""
    assert lengths(1) == [1]
    assert lengths(8) == [1, 2, 4, 8]
    assert lengths(24) == [1, 2, 4, 8, 16, 24]


def test_an_encoder_of_summaries_reads_what_the_teacher_reads(bundle: Bundle, corpus: Corpus) -> None:
    """What has to be found in a body is found already; beside the vectors the ranker reads the same."""
    text, limits = TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits
    prompt = RankerPrompt(text, limits)
    data = RankerData(corpus.judged, text, prompt, limits.header, seed=3)
    of_body, of_summary = (
        Materials(corpus, prompt, data, 3, source).whole(Random(1), corpus.postings[:3], queries=2) for source in Source
    )
    for body, summary in zip(of_body, of_summary, strict=True):
        assert summary.read == summary.told[:-1]
        assert len(body.read) > 3 * len(summary.read)
        assert (body.item, body.told, body.words, body.asked) == (
            summary.item,
            summary.told,
            summary.words,
            summary.asked,
        )
        assert set(body.words) == set(body.told[len(body.item) - 1 : -1])
