"""What differs between an engine's answers to the canaries and the reference, in words a person can act on. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from models.bundle import Bundle

__all__ = ["id_problems", "label_problems", "score_problems", "template_problems", "text_problems"]


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


def score_problems(references: Sequence[float], scores: Mapping[int, float], tolerance: float) -> Iterator[str]:
    """Whether scores, by index of their canary, are further than ``tolerance`` from their references, and how."""
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
        f"drift: {len(drifted)} of {len(references)} scores differ by more than {tolerance:g}, most of all canary "
        f"{worst} ({scores[worst]:.6f} for {references[worst]:.6f}); the engine has other weights, a lower precision "
        "or a broken kernel: restart it with this bundle in float32, or raise the tolerance for its precision"
    )


def text_problems(what: str, text: str, reference: str) -> Iterator[str]:
    """Whether a summary is another one than the reference."""
    if text == reference:
        return
    at = next((index for index, (left, right) in enumerate(zip(text, reference, strict=False)) if left != right), None)
    at = min(len(text), len(reference)) if at is None else at
    yield (
        f"{what}: another summary than the reference, first difference at character {at}: {text[at : at + 30]!r} for "
        f"{reference[at : at + 30]!r}; the engine has other weights, samples instead of decoding greedily, or computes "
        "in a precision that changes its choice of words: restart it with this bundle at temperature 0"
    )
