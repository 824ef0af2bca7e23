"""What differs between an engine's answers to the canaries and the reference, in words a person can act on. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from models.bundle import Bundle

__all__ = [
    "id_problems",
    "label_problems",
    "long_problems",
    "pack_problems",
    "score_problems",
    "swap_problems",
    "template_problems",
    "text_problems",
    "texts_problems",
]


_SAME = 1e-5
"""Scores that differ by less are of one prompt: where it stands in a pass moves the last bits."""


def template_problems(bundle: Bundle, version: str, num_canaries: int) -> Iterator[str]:
    """Whether the bundle is of another template version, or cannot be checked at all."""
    if bundle.manifest.prompt_version != version:
        yield (
            f"wrong template: bundle {bundle.manifest.name!r} was trained with {bundle.manifest.prompt_version!r}, "
            f"this build renders {version!r}: use a bundle of this version, or train again"
        )
    if num_canaries == 0:
        yield f"bundle {bundle.manifest.name!r} has no canaries, so no engine can be checked: write it again with them"


def label_problems(bundle: Bundle, label_token_ids: tuple[int, int]) -> Iterator[str]:
    """Whether the tokenizer's yes and no are other tokens than the manifest's."""
    if label_token_ids != bundle.manifest.label_token_ids:
        yield (
            f"wrong tokenizer: yes and no are tokens {label_token_ids} in tokenizer.json and "
            f"{bundle.manifest.label_token_ids} in precis.json: the bundle's files do not belong together"
        )


def id_problems(what: str, rendered: Sequence[int], reference: Sequence[int]) -> Iterator[str]:
    """Whether a text renders to other token ids than the reference did."""
    if tuple(rendered) == tuple(reference):
        return
    pairs = zip(rendered, reference, strict=False)
    shorter = min(len(rendered), len(reference))
    at = next((index for index, (left, right) in enumerate(pairs) if left != right), shorter)
    yield (
        f"wrong template or tokenizer: {what} renders to {len(rendered)} tokens, the reference has {len(reference)}, "
        f"first difference at position {at}: {list(rendered[at : at + 3])} for {list(reference[at : at + 3])}; the "
        "bundle was made by another version of models.prompts, or its tokenizer.json was replaced"
    )


def score_problems(
    references: Sequence[float], scores: Mapping[int, float], tolerance: float, *, what: str = "canary"
) -> Iterator[str]:
    """Whether scores, by index of their reference, are further than ``tolerance`` from it, and how.

    Args:
        references: [N] what is right.
        scores: Index -> what the engine says.
        tolerance: Largest difference that is none.
        what: Name of an entry.
    """
    drifts = {index: abs(scores[index] - reference) for index, reference in enumerate(references)}
    drifted = [index for index, drift in drifts.items() if drift > tolerance]
    if not drifted:
        return
    if len(references) > 1 and len(set(scores.values())) == 1 and len(set(references)) > 1:
        yield (
            f"all {len(references)} scores are {scores[0]:.6g}: the engine does not read the items, or its weights "
            "were not loaded; restart it with this bundle"
        )
        return
    if all(abs(1 - scores[index] - reference) <= tolerance for index, reference in enumerate(references)):
        yield "every score is 1 minus its reference: the labels are swapped; yes must be the first label"
        return
    worst = max(drifted, key=drifts.__getitem__)
    yield (
        f"drift: {len(drifted)} of {len(references)} scores differ by more than {tolerance:g}, most of all {what} "
        f"{worst} ({scores[worst]:.6f} for {references[worst]:.6f}); the engine has other weights, a lower precision "
        "or a broken kernel, or reads other tokens than it is sent: restart it with this bundle in float32, or raise "
        "the tolerance for its precision"
    )


def pack_problems(
    together: Sequence[float], backwards: Sequence[float], alone: Mapping[int, float], tolerance: float
) -> Iterator[str]:
    """Whether an item's score depends on the company that it is scored in.

    Args:
        together: [N] scores of the items in one request.
        backwards: [N] scores of the same items in one request, last item first.
        alone: Index of an item -> its score in a request of its own.
        tolerance: Largest difference that is none.
    """
    size = len(together)
    influenced = [index for index, score in alone.items() if abs(together[index] - score) > tolerance]
    moved = [index for index in range(size) if abs(together[index] - backwards[size - 1 - index]) > tolerance]
    if not influenced and not moved:
        return
    if _spread(together) < _SAME and _spread(list(alone.values())) > tolerance:
        yield (
            f"the items of a pack collapse: all {size} score {together[0]:.6f} together, alone they differ: the "
            "engine's way of scoring several items at once is broken; turn it off, or use another version"
        )
        return
    is_known = all(any(abs(score - other) <= tolerance for other in together) for score in alone.values())
    is_same_set = all(
        abs(one - other) <= tolerance for one, other in zip(sorted(together), sorted(backwards), strict=True)
    )
    if is_known and is_same_set:
        yield (
            f"the scores do not come in the order of the items: {size} items sent backwards are not answered "
            "backwards; the engine, or something before it, sorts them"
        )
    elif not moved:
        index = influenced[0]
        yield (
            f"the items of a pack influence each other: item {index} scores {together[index]:.6f} among {size} and "
            f"{alone[index]:.6f} alone: the engine's mask lets items see each other"
        )
    else:
        index = moved[-1]
        yield (
            f"a score depends on its item's place: item {index} of {size} scores {together[index]:.6f}, and "
            f"{backwards[size - 1 - index]:.6f} as item {size - 1 - index}: the engine lets items see those before "
            "them, or counts their positions through"
        )


def swap_problems(scores: Sequence[float], swapped: Sequence[float], tolerance: float) -> Iterator[str]:
    """Whether the engine scores the labels that it is asked for: ``swapped`` are of the same items, no before yes."""
    if all(abs(one + other - 1) <= tolerance for one, other in zip(scores, swapped, strict=True)):
        return
    if all(abs(one - other) <= tolerance for one, other in zip(scores, swapped, strict=True)):
        yield (
            "wrong label tokens: asked for no before yes the engine gives the same scores, so it does not heed "
            "label_token_ids; it scores labels of its own"
        )
        return
    yield (
        f"wrong label tokens: the shares of yes ({scores[0]:.6f}) and of no ({swapped[0]:.6f}) do not add up to 1: the "
        "engine scores other tokens than it is asked for"
    )


def long_problems(scores: Sequence[float], num_tokens: int) -> Iterator[str]:
    """Whether long prompts that differ in their last part only were told apart."""
    if len(scores) > 1 and _spread(scores) < _SAME:
        yield (
            f"long input is cut in silence: {len(scores)} prompts of {num_tokens} tokens with different ends all score "
            f"{scores[0]:.6f}; start the engine with a context of at least {num_tokens} tokens"
        )


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def text_problems(what: str, text: str, reference: str) -> Iterator[str]:
    """Whether a summary is another one than the reference."""
    if text == reference:
        return
    at = next((index for index, (left, right) in enumerate(zip(text, reference, strict=False)) if left != right), None)
    at = min(len(text), len(reference)) if at is None else at
    yield (
        f"{what}: another summary than the reference, first difference at character {at}: {text[at : at + 30]!r} for "
        f"{reference[at : at + 30]!r}; the engine has other weights, samples instead of decoding greedily, or computes "
        "in a precision that changes its choice of words: restart it with this bundle at temperature 0, or compare "
        "beginnings as fits its precision"
    )


def texts_problems(differences: Sequence[str], num_compared: int, *, is_beginning: bool) -> tuple[str, ...]:
    """Which of the differences between texts and references count.

    Args:
        differences: A sentence of each text that differs.
        num_compared: How many texts were compared.
        is_beginning: Whether beginnings were compared, since the engine's precision turns close choices: half of them
            must be the reference's. Whole texts must all be.
    """
    is_excused = is_beginning and 2 * len(differences) <= num_compared
    return () if is_excused else tuple(differences)
