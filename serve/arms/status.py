"""What a fleet looks like to people: state of each arm and why it does not serve. Reads, changes nothing."""

from schemas.arms import ArmPhase, ArmRole, ArmsView, ArmView
from serve.arms.arm import Arm
from serve.arms.declaration import ArmConfig
from serve.arms.fleet import Fleet

__all__ = ["arms_of"]


def arms_of(fleet: Fleet) -> ArmsView:
    """All arms: those that are open, then those that are being opened."""
    waiting = [config for config in fleet.declared.arms if config not in fleet.arms]
    return ArmsView(
        champion=fleet.champion.name,
        declared_champion=fleet.declared.champion.name,
        file=str(fleet.file.path) if fleet.file else None,
        file_problem=fleet.file.problem if fleet.file else None,
        arms=[_of_open(fleet, arm) for arm in fleet.arms.values()] + [_of_waiting(fleet, config) for config in waiting],
    )


def _of_open(fleet: Fleet, arm: Arm) -> ArmView:
    why_not = arm.revisions.why_not
    phase = ArmPhase.WARMING if why_not else ArmPhase.VERIFIED
    return ArmView(
        name=arm.name,
        role=_role(fleet, arm.config),
        phase=ArmPhase.DRAINING if arm.config in fleet.roles.draining else phase,
        why_not=why_not,
        share=fleet.served_share(arm),
        shadow=dict(fleet.declared.shadows).get(arm.config, 0.0),
        bundle=arm.bundle.manifest.name,
        bundle_revision=arm.bundle.revision,
        verified_revision=None if why_not else arm.revisions.current(),
        calls=arm.num_calls,
        tokens_in_flight=arm.tokens_in_flight(),
    )


def _of_waiting(fleet: Fleet, config: ArmConfig) -> ArmView:
    return ArmView(
        name=config.name,
        role=_role(fleet, config),
        phase=ArmPhase.OPENING,
        why_not=fleet.problems.get(config, "it is being opened"),
        share=0.0,
        shadow=dict(fleet.declared.shadows).get(config, 0.0),
        bundle=str(config.bundle),
        bundle_revision=None,
        verified_revision=None,
        calls=0,
        tokens_in_flight=0,
    )


def _role(fleet: Fleet, config: ArmConfig) -> ArmRole:
    declared = fleet.declared
    roles = (
        (ArmRole.CHAMPION, config == fleet.roles.champion),
        (ArmRole.SUCCESSOR, config == declared.champion),
        (ArmRole.CHALLENGER, config == declared.challenger),
        (ArmRole.SHADOW, config in dict(declared.shadows)),
        (ArmRole.STANDBY, config in declared.standbys),
    )
    return next((role for role, is_it in roles if is_it), ArmRole.NONE)
