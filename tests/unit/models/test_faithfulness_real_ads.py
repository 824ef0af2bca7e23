"""The gate over real ads: what is their own passes, what is put in does not."""

import gzip
import json
import random
from collections import Counter
from itertools import islice

import pytest

from models.faithfulness import Reason, judge
from models.prompts import TextTokenizer, extractive_summary
from ops.settings import PROJECT_ROOT
from schemas.posting import read_posting
from schemas.text import single_line

FROM_OUTSIDE = {
    Reason.NUMBER: "7,391 colleagues",
    Reason.PLACE: "an office in Reykjavik, Iceland",
    Reason.CREDENTIAL: "an ACCA certificate",
    Reason.TERM: "we use FrobnicateSQL",
}


@pytest.fixture(scope="module")
def bodies(shared_data):
    lines = []
    for name in ("usajobs", "emscad"):
        with gzip.open(shared_data / f"{name}.jsonl.gz") as file:
            lines += islice(file, 150)
    return [read_posting(json.loads(line)).body for line in lines]


def test_extractive_summaries_of_real_ads_are_faithful(bodies):
    """What stands in for a refused answer is never refused itself: not one of 300."""
    tokenizer = TextTokenizer.from_file(PROJECT_ROOT / "models" / "bundles" / "summarizer-tiny" / "tokenizer.json")
    verdicts = Counter(judge(extractive_summary(body, tokenizer.count, 96), body).reason for body in bodies)
    assert verdicts == {None: 300}


def test_lines_of_real_ads_are_faithful_in_any_order(bodies):
    """Six lines of an ad, drawn: at most one alarm in a hundred, where two lines make a sentence that neither says."""
    rng = random.Random(11)
    alarms = []
    for body in bodies:
        lines = body.split("\n")
        verdict = judge(single_line(" ".join(rng.sample(lines, min(6, len(lines))))), body)
        alarms += [verdict] * (not verdict.is_faithful)
    assert len(alarms) <= 3, alarms


@pytest.mark.parametrize("reason", FROM_OUTSIDE)
def test_a_claim_put_into_a_real_ad_is_caught(bodies, reason):
    """After the ad's own first line."""
    claim = FROM_OUTSIDE[reason]
    verdicts = Counter(judge(f"{body.split(chr(10))[0][:200]}; {claim}", body + " " * 300).reason for body in bodies)
    assert verdicts[reason] >= 297, verdicts
