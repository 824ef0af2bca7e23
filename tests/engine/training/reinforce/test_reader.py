"""The ranker in process."""

import pytest

from models.bundle import Bundle
from models.training.controls import best_sentences
from models.training.reinforce.reader import Reader, Reading, divergence_loss


def test_it_answers_as_the_bundles_canaries_say(ranker: Bundle, reader: Reader) -> None:
    """The prompt of the reward is the prompt of the service: same text in, same score out, batched and padded."""
    canaries = ranker.manifest.canaries
    answers = reader.answers([Reading(canary.query, canary.header, canary.summary) for canary in canaries])
    assert answers == pytest.approx([canary.score for canary in canaries], abs=1e-5)


def test_answers_come_in_order_and_repeat(reader: Reader) -> None:
    """Batches are made by length; what is asked twice has one answer."""
    texts = ("nights only", "", "days " * 40, "nights only")
    readings = [Reading("night nurse", "Nurse | Leeds", text) for text in texts]
    answers = reader.answers(readings)
    assert answers == pytest.approx([reader.answers([reading])[0] for reading in readings], abs=1e-5)
    assert answers[0] == answers[3]
    assert len(set(answers)) == 3
    assert reader.answers([]) == []


def test_a_body_is_read_beyond_the_length_of_a_summary(ranker: Bundle, reader: Reader) -> None:
    """What stands after token 96 counts."""
    filler = "We are a friendly team. " * 30
    assert reader.count_tokens(filler) > ranker.manifest.limits.summary
    short, long = reader.answers(
        [Reading("night nurse", "Nurse | Leeds", text) for text in (filler, filler + "Nights only.")]
    )
    assert short != long


def test_the_ranker_chooses_the_sentence_that_it_answers_by(reader: Reader) -> None:
    """The loss of what p_raw is read from is 0; the best sentence is the one with the least loss."""
    body = "A pension plan. Nights only. We are a friendly team."
    loss = divergence_loss(reader, ["night nurse", "nurse with pension"], "Nurse | Leeds", "Nights only.")
    losses = loss(["Nights only.", "A pension plan.", ""])
    assert losses[0] == pytest.approx(0.0, abs=1e-6)
    assert min(losses[1:]) > 1e-5
    assert best_sentences(body, 6, reader.count_tokens, loss) == "Nights only."
