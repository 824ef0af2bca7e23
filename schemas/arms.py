"""What the scorer shows of its rankers: ``GET /v1/ranker-arms``."""

from enum import StrEnum

from schemas.wire import Strict

__all__ = ["ArmPhase", "ArmRole", "ArmView", "ArmsView"]


class ArmPhase(StrEnum):
    """How far an arm is."""

    OPENING = "opening"
    """Its bundle and its client are being read and made; ``why_not`` says why that fails, where it does."""
    WARMING = "warming"
    """Its canaries have not passed yet, or do not any more: ``why_not`` says which."""
    VERIFIED = "verified"
    """It may serve."""
    DRAINING = "draining"
    """It gets nothing new, and is closed when its calls are done."""


class ArmRole(StrEnum):
    """What an arm is there for."""

    CHAMPION = "champion"
    """In charge: it serves what no challenger has."""
    SUCCESSOR = "successor"
    """Declared champion, and takes charge as soon as it is verified."""
    CHALLENGER = "challenger"
    """Serves a share of the queries while it is verified."""
    SHADOW = "shadow"
    """Scores a share of the champion's calls for comparison."""
    STANDBY = "standby"
    """Ready to be named champion."""
    NONE = "none"
    """Not declared any more."""


class ArmView(Strict):
    """One ranker."""

    name: str
    role: ArmRole
    phase: ArmPhase
    why_not: str | None
    """Why it is not verified; None where it is."""
    share: float
    """Of the queries, what it serves now: 0 for a challenger that is not verified."""
    shadow: float
    """Of the champion's calls, what it is declared to score for comparison."""
    bundle: str
    """Name in its bundle's manifest, or the directory until that was read."""
    bundle_revision: str | None
    verified_revision: str | None
    """As the engine names it."""
    calls: int
    """At work on it now, shadow copies included."""
    tokens_in_flight: int


class ArmsView(Strict):
    """All rankers of one scorer process."""

    champion: str
    """In charge now."""
    declared_champion: str
    """Another than that until it is verified."""
    file: str | None
    """The arms file; None where the settings' ranker serves alone."""
    file_problem: str | None
    """Why the file is not followed as it stands; None where it is."""
    arms: list[ArmView]
