"""Licences, certificates, degrees and clearances that a summary states."""

import re

from models.faithfulness.texts import IndexedText

__all__ = ["credential_words", "unsupported_credential"]

_LINES = """
RN|registered nurse|registered nursing
LPN|licensed practical nurse
LVN|licensed vocational nurse
CNA|certified nursing assistant|certified nurse assistant|certified nurse aide
CRNA|certified registered nurse anesthetist
NP|nurse practitioner
BSN|bachelor of science in nursing|bachelors of science in nursing|bachelor of nursing|bachelor's degree in nursing
MSN|master of science in nursing|masters of science in nursing|master's degree in nursing
DNP|doctor of nursing practice
BLS|basic life support
ACLS|advanced cardiac life support|advanced cardiovascular life support
PALS|pediatric advanced life support|paediatric advanced life support
CPR|cardiopulmonary resuscitation
EMT|emergency medical technician
CMA|certified medical assistant|certified management accountant
LCSW|licensed clinical social worker
LMSW|licensed master social worker
BCBA|board certified behavior analyst
DPT|doctor of physical therapy
CDL|commercial driver's license|commercial driver license|commercial drivers license|commercial driver's licence
CPA|certified public accountant
CFA|chartered financial analyst
CFP|certified financial planner
ACCA|chartered certified accountant
CIMA|chartered institute of management accountants
CIA|certified internal auditor
PMP|project management professional
CSM|certified scrum master|certified scrummaster
PHR|professional in human resources
SHRM|society for human resource management
CIPD|chartered institute of personnel and development
CISSP|certified information systems security professional
CISA|certified information systems auditor
CISM|certified information security manager
CCNA|cisco certified network associate
CCNP|cisco certified network professional
CCIE|cisco certified internetwork expert
MCSE|microsoft certified systems engineer|microsoft certified solutions expert
CEH|certified ethical hacker
CompTIA
ITIL|information technology infrastructure library
OSHA|occupational safety and health administration
TWIC|transportation worker identification credential
HAZMAT|hazmat|hazardous materials
ServSafe|servsafe
NEBOSH
CSCS|construction skills certification scheme
SIA
QTS|qualified teacher status
TEFL|TESOL|CELTA|teaching english as a foreign language
ASE|automotive service excellence
PE|professional engineer
EIT|engineer in training|engineer intern|fundamentals of engineering
LEED
MD|doctor of medicine|medical doctor|doctor of allopathic medicine
doctor of osteopathic medicine|doctor of osteopathy
PharmD|doctor of pharmacy
JD|LLB|LLM|juris doctor|law degree|bachelor of laws|master of laws
PhD|PHD|Ph D|doctorate|doctoral|doctor of philosophy
MBA|master of business administration|masters in business administration
BA|BS|BSc|BBA|BEng|BTech|bachelor|bachelors|bachelor's|bachelor of science|bachelor of arts|undergraduate degree|
baccalaureate|bachelor degree|four year degree|4 year degree|4 year college degree|four year college degree
MA|MS|MSc|MEng|MTech|MPH|MSW|MEd|master's|masters degree|masters|master of science|master of arts|master degree|
advanced degree|graduate degree|postgraduate degree
AA|AAS|associate's|associate degree|associates degree|associate of arts|associate of applied science|
two year degree|2 year degree
GED|general educational development|general equivalency diploma|high school equivalency
high school diploma|high school graduate|high school degree|high school education|high school
green belt
black belt
security clearance|clearance
top secret|TS SCI
DBS|CRB|disclosure and barring
driver's license|driver's licence|drivers license|driver license|driving licence|driving license|drivers licence|
driver licence|driver's licenses|licence to drive|license to drive|CDL|fuhrerschein
forklift license|forklift licence|forklift certification|forklift certificate|forklift certified|fork lift license|
forklift operator
nursing license|nursing licence|nurse license|license to practice nursing|licensure as a registered nurse|
licensed nurse|nursing licensure
real estate license|real estate licence|licensed real estate
teaching license|teaching certificate|teaching certification|teaching licence|teacher certification|
teaching credential|teaching credentials|certified teacher|licensed teacher
board certified|board certification|board eligible
"""
_BETWEEN_PHRASES = {code: " " for code in range(128) if not chr(code).isalnum()} | {ord(c): " | " for c in ".;:!?,()|"}
# A line that ends in a bar goes on in the next one.
_GROUPS = tuple(tuple(line.split("|")) for line in _LINES.strip().replace("|\n", "|").splitlines())
_PLAIN_NAMES = frozenset({"bachelor", "bachelors", "baccalaureate", "doctorate", "doctoral", "hazmat", "servsafe"})
"""Single words in lower case that name a credential; others ("clearance", "masters") are left to their kinds."""
_NamesByWord = dict[str, list[tuple[int, int, str]]]


def _by_first_word(*, are_codes: bool) -> _NamesByWord:
    """First word -> (number of the group, place within it, name) of the names that a summary may state."""
    names: _NamesByWord = {}
    for at, group in enumerate(_GROUPS):
        for place, name in enumerate(group):
            words = name if _is_code(name) else _words(name)
            if _is_code(name) is are_codes and (are_codes or " " in words or words in _PLAIN_NAMES):
                names.setdefault(words.partition(" ")[0], []).append((at, place, name))
    return names


def _words(name: str) -> str:
    return name.replace("'", " ")


def _is_code(name: str) -> bool:
    return name != name.casefold()


_CODES = _by_first_word(are_codes=True)
_PHRASES = _by_first_word(are_codes=False)
_FIRST_OF_CODES, _FIRST_OF_PHRASES = frozenset(_CODES), frozenset(_PHRASES)
_KIND_STEMS = {
    "licen": ("licen", "fuhrerschein"),
    "certif": ("certif", "credential", "accredit", "zertifi"),
    "degree": (
        "degree",
        "bachelor",
        "master",
        "phd",
        "doctora",
        "diploma",
        "graduate",
        "associate",
        "college",
        "university",
        "education",
        "qualification",
        "bs ",
        "ba ",
        "bsc ",
        "ms ",
        "msc ",
        "mba ",
        "bsn ",
        "llb ",
        "jd ",
        "md ",
    ),
    "diploma": ("diploma", "ged ", "degree", "high school", "graduat"),
    "clearance": ("clearance", "cleared", "background"),
    "apprenticeship": ("apprentic", "ausbildung"),
}
"""Start of a word that names a kind of credential -> starts of words by which a source names that kind."""

_WITH_SUBJECT = re.compile(
    r"\b([a-z][a-z'+-]{2,}) (licen[sc]es?|certificates?|certifications?|degrees?|diplomas?|clearance)\b"
)
_OF_SUBJECT = re.compile(
    r"\b(?:degrees?|diplomas?|bachelor's|master's|bachelors|masters|certificates?) in (?:an? )?([a-z]{4,})"
)
# One of these stands in whatever the two patterns find.
_SUBJECT_PIECES = ("licen", "certificat", "degree", "diploma", "clearance", "bachelor", "master")
# What may stand before a credential without naming which one it is.
_OPEN_SUBJECTS = frozenset(
    [
        "the",
        "valid",
        "current",
        "active",
        "relevant",
        "required",
        "professional",
        "appropriate",
        "equivalent",
        "new",
        "state",
        "and",
        "any",
        "related",
        "your",
        "our",
        "this",
        "these",
        "those",
        "with",
        "higher",
        "college",
        "university",
        "academic",
        "technical",
        "advanced",
        "industry",
        "formal",
        "recognised",
        "recognized",
        "other",
        "necessary",
        "needed",
        "proper",
        "full",
        "clean",
        "unrestricted",
        "preferred",
        "plus",
        "nor",
        "not",
        "all",
        "own",
        "have",
        "has",
        "hold",
        "holds",
        "requires",
        "require",
        "requiring",
        "obtain",
        "maintain",
        "undergraduate",
        "graduate",
        "postgraduate",
        "similar",
        "suitable",
        "of",
        "for",
        "from",
        "pertinent",
        "good",
        "either",
        "bachelor",
        "bachelors",
        "master",
        "masters",
        "associate",
        "associates",
        "doctoral",
        "doctorate",
        "some",
        "additional",
        "special",
        "specific",
        "first",
        "same",
        "that",
        "are",
        "is",
        "was",
        "accredited",
        "field",
        "fields",
    ]
)


def unsupported_credential(said: IndexedText, held: IndexedText) -> str:
    """The first credential of the summary that the source does not hold, or an empty text.

    A credential is held under any of its names (``RN`` and "registered nurse"). Short names count in capitals only.
    Where the summary says which licence, certificate or degree (``driving licence``, ``degree in chemistry``), the
    source must hold that word; where it names a kind, the source must name that kind.
    """
    first_claimed: dict[int, str] = {}
    for at, name in _claimed(said):
        first_claimed.setdefault(at, name)
    for at, claimed in first_claimed.items():
        if not any(_holds(name, held) for name in (claimed, *_GROUPS[at])) and not _is_other(claimed, said, held):
            return claimed
    return _unsupported_kind(said, held) or _unsupported_subject(said, held)


def credential_words(said: IndexedText) -> frozenset[str]:
    """Folded words of the credentials that a summary states."""
    return frozenset(word for _, name in _claimed(said) for word in _words(name.casefold()).split(" "))


def _claimed(said: IndexedText) -> list[tuple[int, str]]:
    """Group and name of each credential that the summary states, in the order of the groups."""
    segments = _segments(said)
    found = [
        entry
        for word in _FIRST_OF_PHRASES.intersection(segments.split(" "))
        for entry in _PHRASES[word]
        if f" {_words(entry[2])} " in segments
    ]
    found += [
        entry for word in _FIRST_OF_CODES & said.exact_words for entry in _CODES[word] if said.holds_code(entry[2])
    ]
    return [(at, name) for at, _, name in sorted(found)]


def _segments(said: IndexedText) -> str:
    """The summary's folded words; marks that end a phrase keep the words beside them apart."""
    if said.folded.isascii():
        return f" {' '.join(said.folded.translate(_BETWEEN_PHRASES).split())} "
    phrases = re.split(r"[.;:!?,()|]", said.folded)
    return " | ".join([" ", *(" ".join(re.findall(r"[^\W_]+", phrase)) for phrase in phrases), " "])


def _holds(name: str, held: IndexedText) -> bool:
    return held.holds_code(name) if _is_code(name) else held.holds_phrase(_words(name))


def _is_other(claimed: str, said: IndexedText, held: IndexedText) -> bool:
    """Whether the letters are another name here, which the source holds: ``MS Office``, ``MA`` the state."""
    others = {"MS": "microsoft", "MA": "massachusetts", "PE": "physical education"}
    if claimed in others and held.holds_phrase(others[claimed]):
        return True
    return claimed == claimed.upper() and claimed.casefold() in held.words and said.text == said.text.upper()


def _unsupported_kind(said: IndexedText, held: IndexedText) -> str:
    for stem, stems in _KIND_STEMS.items():
        if f" {stem}" in said.joined and not any(f" {start}" in held.joined for start in stems):
            return next(word for word in said.word_list if word.startswith(stem))
    return ""


def _unsupported_subject(said: IndexedText, held: IndexedText) -> str:
    if not any(piece in said.folded for piece in _SUBJECT_PIECES):
        return ""
    for pattern in (_WITH_SUBJECT, _OF_SUBJECT):
        for found in pattern.finditer(said.folded):
            subject = found[1].removesuffix("'s")
            parts = [part for part in re.split(r"[-+']", subject) if len(part) > 1]
            if not _OPEN_SUBJECTS.issuperset(parts) and not all(
                part in _OPEN_SUBJECTS or held.holds_word(part) or held.holds_word(_other_form(part)) for part in parts
            ):
                return found[0]
    return ""


def _other_form(word: str) -> str:
    """Words by which the same subject is named: a driver's, a driving licence."""
    return {"driving": "driver", "driver": "driving", "nursing": "nurse", "teaching": "teacher"}.get(word, word)
