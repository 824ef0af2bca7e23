"""The faithfulness gate case by case, in both directions: what it must refuse, and what it must let pass."""

import pytest

from models.faithfulness import Reason, judge

# Filler, so that no summary is longer than its source; it states nothing.
PAD = (
    " You will work with friendly people and learn every day. We look forward to hearing from you soon and to meeting."
)

REFUSED = [
    # numbers
    (Reason.NUMBER, "a team of 40", "a team of 4"),
    (Reason.NUMBER, "5 years of experience", "1.5 years of experience"),
    (Reason.NUMBER, "10 years of experience", "pay of $10,000 after some years"),
    (Reason.NUMBER, "$21 an hour", "$21 a year"),
    (Reason.NUMBER, "$50 bonus", "€50 bonus"),
    (Reason.NUMBER, "a 20% bonus", "a 15% bonus"),
    (Reason.NUMBER, "20% travel", "20 days of travel"),
    (Reason.NUMBER, "starts at 7am", "starts at 7pm"),
    (Reason.NUMBER, "from 7:30 am", "from 7:00 am"),
    (Reason.NUMBER, "two weeks of training", "three weeks of training"),
    (Reason.NUMBER, "12 days of leave", "12 weeks of leave"),
    (Reason.NUMBER, "$85K-$99K", "$85K-$95K"),
    (Reason.NUMBER, "the 3rd shift", "the 2nd shift"),
    (Reason.NUMBER, "5年以上の経験", "3年以上の経験"),
    (Reason.NUMBER, "опыт 5 лет", "опыт 3 года"),
    # places
    (Reason.PLACE, "a job in Berlin", "a job in Munich"),
    (Reason.PLACE, "berlin office", "munich office"),
    (Reason.PLACE, "Salem, OR", "Salem, or nearby"),
    (Reason.PLACE, "work in IN", "work in the city"),
    (Reason.PLACE, "remote work", "work at the office"),
    (Reason.PLACE, "telework is possible", "work at the office"),
    (Reason.PLACE, "a hybrid role", "an office role"),
    (Reason.PLACE, "based in Smallville", "based in a small town"),
    (Reason.PLACE, "the mill in Smallville, OH", "the mill is in Ohio"),
    (Reason.PLACE, "candidates from the United Kingdom", "candidates from Ireland"),
    # credentials
    (Reason.CREDENTIAL, "an RN is wanted", "a carer is wanted"),
    (Reason.CREDENTIAL, "a registered nurse is wanted", "a licensed practical nurse is wanted"),
    (Reason.CREDENTIAL, "a CPA is wanted", "an accountant is wanted"),
    (Reason.CREDENTIAL, "bachelor's degree", "master's degree"),
    (Reason.CREDENTIAL, "a PhD is wanted", "a bachelor's degree is wanted"),
    (Reason.CREDENTIAL, "PMP wanted", "project managers wanted"),
    (Reason.CREDENTIAL, "a CDL is needed", "a licence for forklifts is needed"),
    (Reason.CREDENTIAL, "a rocket licence", "a driving licence"),
    (Reason.CREDENTIAL, "degree in chemistry", "degree in biology"),
    (Reason.CREDENTIAL, "security clearance needed", "security staff needed"),
    (Reason.CREDENTIAL, "certified cooks", "good cooks"),
    (Reason.CREDENTIAL, "a high school diploma", "a school bus"),
    # terms
    (Reason.TERM, "experience with C++", "experience with C"),
    (Reason.TERM, "experience with .NET", "a net income"),
    (Reason.TERM, "we use Node.js", "we use Python"),
    (Reason.TERM, "we use PostgreSQL", "we use databases"),
    (Reason.TERM, "sales in B2B", "sales to companies"),
    (Reason.TERM, "you know SAP", "you know ledgers"),
    (Reason.TERM, "you join Globex", "you join us"),
    (Reason.TERM, "работа с Кафка", "работа с очередями"),
    # a "no" lost or made up
    (Reason.TERM, "weekends", "no weekends"),
    (Reason.TERM, "weekend work", "weekend work is not required"),
    (Reason.TERM, "visa sponsorship", "visa sponsorship is not available"),
    (Reason.TERM, "no overtime", "some overtime"),
    (Reason.TERM, "travel is not required", "travel is part of the job"),
    # form
    (Reason.EMPTY, "", "anything"),
    (Reason.EMPTY, " \n ", "anything"),
    (Reason.LONGER, "night shift " + PAD + PAD, "night shift"),
    (Reason.BROKEN_FORM, "night\x00shift", "night shift"),
    (Reason.BROKEN_FORM, "night\nshift", "night shift"),
    (Reason.BROKEN_FORM, "night shift <|eos|>", "night shift"),
    (Reason.BROKEN_FORM, "[INST] night shift", "night shift"),
    (Reason.BROKEN_FORM, "```night shift```", "night shift"),
    (Reason.BROKEN_FORM, '{"summary": "night shift"}', "night shift"),
    (Reason.BROKEN_FORM, "Here is the summary: night shift", "night shift"),
    (Reason.BROKEN_FORM, "Sure! night shift", "night shift"),
    (Reason.BROKEN_FORM, "As an AI model I like the night shift", "night shift"),
    (Reason.BROKEN_FORM, "night shift, night shift, night shift, night shift,", "night shift"),
    (Reason.BROKEN_FORM, "very very very very very good", "very good"),
    (Reason.BROKEN_FORM, "夜勤夜勤夜勤夜勤夜勤夜勤夜勤", "夜勤"),
    (Reason.BROKEN_FORM, "night \ufffd shift", "night shift"),
]

FAITHFUL = [
    # numbers in other notations
    ("1000 staff, 1.000 staff", "1,000 staff and more, all of them here"),
    ("10k users", "10,000 users"),
    ("$85,000 to $95,000", "$85K-$95K"),
    ("$85K", "$85-95K"),
    ("85.000 €", "85,000 EUR"),
    ("1,5 Jahre", "1.5 Jahre"),
    ("401k", "401(k) plan"),
    ("50 percent", "50%"),
    ("$14.50 an hour", "14.5 USD/hr"),
    ("7am to 5pm", "7:00 a.m. - 17:00"),
    ("2 weeks", "two weeks"),
    ("two weeks", "2 weeks"),
    ("twenty-five people", "25 people"),
    ("500 people", "five hundred people"),
    ("2nd shift", "second shift"),
    ("3 to 5 years", "3-5 years"),
    ("40 hours a week", "40 hrs/week"),
    ("5 years", "5+ years"),
    ("9 and 11", "grades 9,11,12"),
    ("3年", "3年以上の経験"),
    ("25", "٢٥ موظفا"),
    ("one of the best", "among the best"),
    # places under other names
    ("NYC", "New York City"),
    ("New York", "NY, USA"),
    ("based in the US", "based in the United States"),
    ("München", "Munich"),
    ("work from home", "remote work"),
    ("berlin", "Berlin"),
    ("a nice place for reading", "a good place for books"),
    # credentials under other names
    ("RN wanted", "registered nurses wanted"),
    ("registered nurse wanted", "RN wanted"),
    ("Registered Nurse wanted", "RN wanted"),
    ("BS in Biology", "bachelor's degree in biology"),
    ("bachelor's degree", "B.S. or B.A."),
    ("CDL", "commercial driver's license"),
    ("a driver's licence", "a driving license"),
    ("PhD", "a doctorate"),
    ("a degree is needed", "a bachelor's is needed"),
    ("valid licence", "licensed by the state"),
    ("MS Office", "Microsoft Office"),
    # terms up to case, plural and punctuation
    ("NodeJS and CICD", "Node.js and CI/CD"),
    ("Node.js", "nodejs"),
    ("C++ and C#", "c++, c#"),
    ("SEO", "Search Engine Optimization"),
    ("Search Engine Optimization", "SEO"),
    ("APIs", "an API"),
    ("E-Mail", "email"),
    ("Résumé", "resume"),
    ("Seeking a carer", "we seek a carer"),
    ("Benefits: a pension; Duties: care", "a pension, care"),
    ("You help patients", "help patients"),
    ("в Москве", "Москва"),
    (
        "Krankenpfleger für die Station in Berlin",
        "Die Klinik in Berlin sucht eine Pflegekraft für Ihre Station mit Herz",
    ),
    ("夜勤の看護師、東京", "東京の病院で夜勤の看護師を募集"),
    ("ممرضة في مستشفى", "نبحث عن ممرضة للعمل في مستشفى كبير"),
    ("NIGHT SHIFT FOR NURSES", "night shift for nurses"),
    # a "no" that stayed
    ("no weekends", "no weekends"),
    ("no nights", "no weekends or nights"),
    ("weekends", "no weekends in summer, weekends in winter"),
    ("travel is not required", "travel not required"),
    ("not only care", "care"),
    # form
    ("care, care and more care", "care"),
    ("* night shift * day shift", "night shift, day shift"),
    ("summary of results", "a summary of results"),
    ("Sure, it is hard", "Sure, it is hard"),
]


@pytest.mark.parametrize(("reason", "summary", "source"), REFUSED)
def test_what_the_source_does_not_hold_is_refused_with_its_reason(reason, summary, source):
    """Each kind of claim, absent from the source."""
    verdict = judge(summary, source + PAD)
    assert verdict.reason is reason, verdict
    assert not verdict.is_faithful


@pytest.mark.parametrize(("summary", "source"), FAITHFUL)
def test_what_the_source_holds_in_other_words_or_notations_passes(summary, source):
    """No false alarm on notation, aliases, inflection, paraphrase and other scripts."""
    assert judge(summary, source + PAD).is_faithful, judge(summary, source + PAD)


@pytest.mark.parametrize(
    ("summary", "is_finished", "is_faithful"),
    [
        ("night shifts and early shi", False, False),
        ("night shifts and early", False, True),
        ("night shifts, early shifts.", False, True),
        ("night shifts and early shi", True, True),
        ("夜勤の看", False, True),
    ],
)
def test_an_answer_cut_inside_a_word_is_broken(summary, is_finished, is_faithful):
    """Where the model ran into its limit, the last word must be a word of the source, or a mark must end the answer."""
    verdict = judge(summary, "night shifts and early shifts 夜勤の看護師" + PAD, is_finished=is_finished)
    assert verdict.is_faithful is is_faithful
    assert verdict.reason in {None, Reason.BROKEN_FORM}


@pytest.mark.parametrize("summary", ["f\u0131ve people", "N\u0130NE people", "pay of 5m\u0131o a year"])
def test_letters_that_case_folding_takes_for_others_get_a_verdict(summary):
    """A pattern without case takes the Turkish i for an i; the word that it finds so is in no table."""
    assert judge(summary, "five or nine people, pay of 5 mio a year" + PAD).reason in {None, Reason.NUMBER, Reason.TERM}


@pytest.mark.parametrize(
    ("reason", "summary", "source"),
    [
        (Reason.TERM, "travel", "you cannot travel"),
        (Reason.TERM, "travel", "you don\u2019t travel"),
        (Reason.TERM, "weekends", "\u2022 no weekends \u2022 no no weekends"),
        (None, "weekends", "the known weekends, the snow weekends"),
        (Reason.NUMBER, "1,200 staff", "12 or 1200000 staff"),
        (None, "1,200 staff", "1.2k staff"),
        (None, "$95,000", "$85-95K"),
        (None, "at 12:30 am", "at 0:30"),
        (Reason.BROKEN_FORM, "ab" * 6, "ab"),
        (None, "ab" * 5, "ab" * 5),
    ],
)
def test_what_is_looked_up_fast_is_found_as_by_reading_all(reason, summary, source):
    """Cues by their pieces, numbers by their digits, loops by their bits: each where a shortcut could slip."""
    assert judge(summary, source + PAD).reason is reason


@pytest.mark.parametrize("odd", ["<|eos|>", "Summary: a", "{{name}}", "go go go go go go", "----------------"])
def test_what_stands_in_the_source_just_so_is_its_own(odd):
    """A posting may quote template tokens; a summary that repeats them says nothing that the posting does not."""
    assert judge(f"{odd} night shift", f"{odd} night shift{PAD}").is_faithful


@pytest.mark.parametrize(
    "piece",
    [
        "no ",
        "1 ",
        "1,",
        "$",
        "a.",
        "is not required ",
        "RN ",
        "'",
        "<|",
        "-",
        "A",
        "9:59 ",
        "Ω",
        "看",
        "<!",
        "12:3",
        "K",
    ],
)
@pytest.mark.timeout(60)
def test_long_texts_take_time_in_proportion(piece):
    """No rule goes back and forth: one that needed the square of the length would run into this test's time limit."""
    text = (piece * 200_000)[:200_000]
    judge("RN needed, 5 years in Berlin, no travel, C++", f"x {text} y")
    judge(f"x {text} y"[:20_000], "RN needed, 5 years in Berlin, no travel, C++" + " abc" * 10_000)
