"""The rewards of samples, by the shipped ranker."""

import pytest
import torch

from models.prompts import sentences
from models.training.reinforce.divergence import divergence_reward
from models.training.reinforce.episodes import Episode
from models.training.reinforce.length import Penalty
from models.training.reinforce.reader import Reader, Reading
from models.training.reinforce.rewards import reward_functions


class CountingReader:
    """The real reader, and which texts it read."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.texts: list[str] = []

    def answers(self, readings: list[Reading]) -> list[float]:
        self.texts += [reading.text for reading in readings]
        return self.reader.answers(readings)


def rewards_of(episodes: list[Episode], reader: object, penalty: Penalty = Penalty.QUADRATIC) -> dict[str, object]:
    functions = reward_functions({episode.job_id: episode for episode in episodes}, reader, penalty)
    return {function.__name__: function for function in functions}


def test_trl_finds_the_three_under_their_names(reader: Reader, episodes: list[Episode]) -> None:
    """The order is that of the weights in the trainer."""
    assert list(rewards_of(episodes, reader)) == ["divergence", "length", "faithfulness"]


def test_divergence_asks_the_queries_of_the_posting(reader: Reader, episodes: list[Episode]) -> None:
    """Each sample with its own header and queries. The reference loses nothing; an empty summary is read too."""
    first, second = episodes[:2]
    job_ids, texts = [first.job_id, second.job_id, second.job_id], ["nights only", "", second.reference]
    got = rewards_of(episodes, reader)["divergence"](prompts=job_ids, summary=texts, num_tokens=[2, 0, 9])
    for reward, episode, text in zip(got, (first, second, second), texts, strict=True):
        answers = [
            torch.tensor([reader.answers([Reading(query, episode.header, read)])[0] for query in episode.queries])[None]
            for read in (text, episode.reference)
        ]
        assert reward == pytest.approx(divergence_reward(*answers).item(), abs=1e-5)
    assert got[1] < 0
    assert got[2] == pytest.approx(0.0, abs=1e-6)


def test_a_body_is_read_once(reader: Reader, episodes: list[Episode]) -> None:
    """However many samples, in however many rollouts."""
    counting, episode = CountingReader(reader), episodes[0]
    divergence = rewards_of(episodes, counting)["divergence"]
    for summary in ("nights only", "days only"):
        divergence(prompts=[episode.job_id] * 2, summary=[summary, ""])
    assert counting.texts.count(episode.reference) == len(episode.queries)


@pytest.mark.parametrize(("penalty", "power"), [(Penalty.QUADRATIC, 2), (Penalty.LINEAR, 1)])
def test_length_is_of_what_was_written_over_the_whole_body(
    reader: Reader, episodes: list[Episode], penalty: Penalty, power: int
) -> None:
    """In the summarizer's tokens; the body's, not the prompt's, which is cut."""
    episode = episodes[0]
    lengths = [0, 16, 2 * episode.body_tokens]
    got = rewards_of(episodes, reader, penalty)["length"](prompts=[episode.job_id] * 3, num_tokens=lengths)
    assert got == pytest.approx([-((length / episode.body_tokens) ** power) for length in lengths])


def test_faithfulness_is_judged_against_the_body(reader: Reader, episodes: list[Episode]) -> None:
    """A sentence of it passes; a number that it does not hold, and saying nothing, do not."""
    episode = episodes[0]
    got = rewards_of(episodes, reader)["faithfulness"](
        prompts=[episode.job_id] * 3,
        summary=[sentences(episode.body)[0], "a team of 7391", ""],
        is_finished=[True, True, True],
    )
    assert got == [0.0, -1.0, -1.0]
