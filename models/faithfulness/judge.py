"""The order of the rules."""

from models.faithfulness.credentials import unsupported_credential
from models.faithfulness.form import broken_form
from models.faithfulness.negation import flipped_negation
from models.faithfulness.numbers import unsupported_number
from models.faithfulness.places import unsupported_place
from models.faithfulness.terms import unsupported_term
from models.faithfulness.texts import IndexedText
from models.faithfulness.verdict import FAITHFUL, Reason, Verdict

__all__ = ["judge"]


def judge(summary: str, source: str, *, is_finished: bool = True) -> Verdict:
    """Whether the source holds what the summary states.

    Refused is a summary that is empty; that is longer than its source; whose form is broken (controls, several lines,
    template tokens, JSON, chat preambles, loops, an end inside a word); that states a number, a place, a credential
    (licence, certificate, degree, clearance) or a name, acronym or technical term that the source does not hold, or
    that turns a "no" of the source into its opposite or the other way round. Ordinary words may be paraphrase.
    Sentences of the source itself, in any order, each once, are faithful.

    Args:
        summary: As the model wrote it, decoded; outer blanks do not count.
        source: The text that was summarised, plain text of one line or several.
        is_finished: Whether the model ended the summary; False where it ran into the token limit.

    Returns:
        The first reason found, in the order above, and its evidence.
    """
    text = summary.strip()
    if not text:
        return Verdict(Reason.EMPTY)
    if evidence := broken_form(text, source, is_finished=is_finished):
        return Verdict(Reason.BROKEN_FORM, evidence)
    if len(text) > len(source):
        return Verdict(Reason.LONGER, f"{len(text)} characters of {len(source)}")
    said, held = IndexedText(text), IndexedText(source)
    if evidence := unsupported_number(said, held):
        return Verdict(Reason.NUMBER, evidence)
    if evidence := unsupported_place(said, held):
        return Verdict(Reason.PLACE, evidence)
    if evidence := unsupported_credential(said, held):
        return Verdict(Reason.CREDENTIAL, evidence)
    if found := unsupported_term(said, held):
        return found
    if evidence := flipped_negation(said, held):
        return Verdict(Reason.TERM, evidence)
    return FAITHFUL
