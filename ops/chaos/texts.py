"""Postings of the workload: plain lines of words, long enough that a model is asked, and different after each edit."""

import random
from typing import Any

from ops.chaos.answers import MARK

__all__ = ["long_body", "posting_of", "short_body", "title_of"]

# fmt: off
_WORDS = (
    "patients", "machines", "students", "customers", "records", "deliveries", "orders", "drawings", "budgets",
    "samples", "vehicles", "gardens", "meals", "contracts", "reports", "repairs", "shifts", "lessons", "kitchens",
    "warehouses", "ships", "engines", "schedules", "invoices", "tools", "cables", "safety", "quality", "training",
    "planning", "cleaning", "testing", "building", "driving", "cooking", "teaching", "nursing", "welding",
    "writing", "selling",
)
# fmt: on
_VERBS = (
    "check",
    "prepare",
    "deliver",
    "repair",
    "describe",
    "plan",
    "teach",
    "measure",
    "collect",
    "support",
    "answer",
)
_TITLES = ("Nurse", "Welder", "Driver", "Teacher", "Cook", "Engineer", "Gardener", "Clerk", "Electrician", "Carpenter")
_SKILLS = ("first aid", "forklift", "excel", "python", "german", "patience", "soldering", "accounting")
_NUM_LINES = 20


def long_body(rng: random.Random, reference: int) -> str:
    """A body above the summary's length budget.

    Args:
        rng: Where its words come from.
        reference: Number that tells this text from every other.
    """
    lines = [f"- {rng.choice(_VERBS)} {' '.join(rng.sample(_WORDS, 4))}" for _ in range(_NUM_LINES)]
    lines.insert(rng.randrange(len(lines)), f"- {MARK} number {reference}")
    return "\n".join(lines)


def short_body(rng: random.Random, reference: int) -> str:
    """A body that is its own summary: no model is asked."""
    return f"{MARK} number {reference}\n{rng.choice(_VERBS)} {rng.choice(_WORDS)}"


def title_of(rng: random.Random) -> str:
    """A job title."""
    return f"{rng.choice(_TITLES)} level {rng.randint(1, 99)}"


def posting_of(rng: random.Random, title: str, body: str) -> dict[str, Any]:
    """A schema.org posting; its skills differ from call to call, which changes the header alone."""
    return {
        "@type": "JobPosting",
        "title": title,
        "description": body,
        "hiringOrganization": {"@type": "Organization", "name": "Chaos Works"},
        "skills": rng.sample(_SKILLS, 2),
    }
