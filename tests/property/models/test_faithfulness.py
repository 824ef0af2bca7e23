"""The gate over texts made of sentences: what is the source's own passes, what is put in from outside does not."""

from hypothesis import given
from hypothesis import strategies as st

from models.faithfulness import Reason, judge

SENTENCES = (
    "We are looking for a registered nurse (RN) for our clinic in Berlin",
    "Night shifts from 10 pm to 6:30 am, no weekends",
    "Pay is $85K-$95K a year plus a 15% bonus",
    "You have 3-5 years of experience with C++, Node.js or PostgreSQL",
    "Visa sponsorship is not available",
    "A bachelor's degree in biology or chemistry is needed",
    "Two weeks of training in Springfield, IL",
    "Travel up to 20% of your time",
    "Our team of twelve uses SAP and Kafka every day",
    "You don't need a driving licence",
    "21,50 EUR pro Stunde, 30 Tage Urlaub",
    "Wir suchen eine Pflegekraft für unser Haus in München",
    "夜勤の看護師を募集しています。経験3年以上",
    "Мы ищем медсестру в Москве",
    "Remote work is possible two days a week",
    "No experience required, we train you",
    "401(k) with 4% match and health insurance",
    "Must pass a background check; secret clearance preferred",
    "Relocation: not offered",
    "Call 555-0142 or apply online by 03/20/2026",
)
SOURCES = st.lists(st.sampled_from(SENTENCES), min_size=4, max_size=len(SENTENCES), unique=True)
OUTSIDE = (
    (Reason.NUMBER, "77 people"),
    (Reason.NUMBER, "$64,000 a year"),
    (Reason.NUMBER, "at 4:45 pm"),
    (Reason.NUMBER, "nineteen colleagues"),
    (Reason.PLACE, "an office in Lisbon"),
    (Reason.PLACE, "sites in Tulsa, OK"),
    (Reason.CREDENTIAL, "a CPA is a plus"),
    (Reason.CREDENTIAL, "a pilot licence is a plus"),
    (Reason.CREDENTIAL, "an MBA is a plus"),
    (Reason.TERM, "we use Terraform"),
    (Reason.TERM, "you know GraphQL"),
)


@given(SOURCES, st.data(), st.sampled_from([". ", ".\n", "\n"]))
def test_sentences_of_the_source_are_faithful_in_any_order(sentences, data, end):
    """Any selection, each once, in any order, whatever ends a sentence in the source."""
    chosen = data.draw(st.lists(st.sampled_from(sentences), min_size=1, unique=True))
    source = end.join(sentences) + end
    summary = (end.strip() + " ").join(chosen) + end.strip()
    assert judge(summary, source).is_faithful, judge(summary, source)


@given(SOURCES, st.data(), st.sampled_from(OUTSIDE))
def test_a_claim_from_outside_is_caught_wherever_it_stands(sentences, data, claim):
    """A number, place, credential or name that the source does not hold, put between its own sentences."""
    reason, text = claim
    chosen = data.draw(st.lists(st.sampled_from(sentences), min_size=0, max_size=len(sentences) - 2, unique=True))
    at = data.draw(st.integers(0, len(chosen)))
    summary = ". ".join([*chosen[:at], text, *chosen[at:]])
    verdict = judge(summary, ". ".join(sentences) + ".")
    assert verdict.reason is reason, verdict


@given(st.text(max_size=200), st.text(max_size=400), st.booleans())
def test_any_text_gets_a_verdict(summary, source, is_finished):
    """No text makes the gate raise, and a refusal of what is not empty names its evidence."""
    verdict = judge(summary, source, is_finished=is_finished)
    assert verdict.is_faithful or verdict.reason is Reason.EMPTY or verdict.evidence


@given(st.text(alphabet="abcdefgh nok0123456789.,:'$-KM%/()\n", max_size=80))
def test_a_text_is_faithful_to_itself_in_what_it_states(text):
    """Whatever the notation, a text on one line states no more than itself: only its form may be refused."""
    line = " ".join(text.split())
    assert judge(line, line).reason in {None, Reason.EMPTY, Reason.BROKEN_FORM}
