"""How one ranker takes over from another: two phases, warm and shift, then drain. Pure.

1. A declared arm that is not open is opened, beside those that are.
2. The declared champion takes charge when it is verified, not before. Until then the one in charge stays there,
   declared or not. Only where nobody is in charge, at start, it takes charge at once: it has nobody to wait for.
3. An open arm that is neither in charge nor declared gets no new call. It is closed when its calls are done, at the
   latest after a limit. One that is declared again before that is back at once.

Every process takes these steps by itself, so each shifts when its own check of the new arm has passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from serve.arms.declaration import ArmConfig, Declaration

__all__ = ["ArmFacts", "Roles", "Step", "next_step"]


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """What is seen of an open arm.

    Attributes:
        is_verified: Whether its canaries have passed and nothing spoke against it since.
        is_idle: Whether nothing is under way on it.
    """

    is_verified: bool
    is_idle: bool


@dataclass(frozen=True, slots=True)
class Roles:
    """Who does what.

    Attributes:
        champion: In charge; None before the first arm is open.
        challenger: May get its share of the queries; None: nobody may.
        draining: Arms that get nothing more, and since when, monotonic seconds.
    """

    champion: ArmConfig | None = None
    challenger: ArmConfig | None = None
    draining: Mapping[ArmConfig, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done.

    Attributes:
        roles: From now on.
        to_open: Arms that are declared and not open.
        to_close: Arms that are open and done.
    """

    roles: Roles
    to_open: tuple[ArmConfig, ...]
    to_close: tuple[ArmConfig, ...]


def next_step(
    roles: Roles,
    declared: Declaration,
    open_arms: Mapping[ArmConfig, ArmFacts],
    *,
    now_s: float,
    drain_limit_s: float,
) -> Step:
    """The step from these roles towards the declaration.

    Args:
        roles: After the last step.
        declared: By the operators.
        open_arms: What is open, and what is seen of it.
        now_s: Monotonic.
        drain_limit_s: How long calls under way may hold up a close, in seconds.
    """
    champion = _champion(roles.champion, declared.champion, open_arms)
    challenger = declared.challenger if declared.challenger in open_arms else None
    leaving = [arm for arm in open_arms if arm != champion and arm not in declared.arms]
    draining = {arm: roles.draining.get(arm, now_s) for arm in leaving}
    done = [arm for arm, since_s in draining.items() if open_arms[arm].is_idle or now_s - since_s >= drain_limit_s]
    return Step(
        Roles(
            champion,
            challenger if challenger != champion else None,
            {arm: since_s for arm, since_s in draining.items() if arm not in done},
        ),
        to_open=tuple(arm for arm in declared.arms if arm not in open_arms),
        to_close=tuple(done),
    )


def _champion(
    current: ArmConfig | None, wanted: ArmConfig, open_arms: Mapping[ArmConfig, ArmFacts]
) -> ArmConfig | None:
    if wanted in open_arms and (current is None or open_arms[wanted].is_verified):
        return wanted
    return current
