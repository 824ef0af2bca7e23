"""Swapping rankers, whatever operators declare and engines do meanwhile."""

from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from serve.arms.declaration import ArmConfig, Declaration
from serve.arms.lifecycle import ArmFacts, Roles, next_step

_ARMS = [ArmConfig(name=name, bundle=Path(name)) for name in "abcd"]
_LIMIT_S = 60.0


class Swapping(RuleBasedStateMachine):
    """Declarations, openings, verifications, calls and time in any order; steps are taken in between."""

    def __init__(self) -> None:
        super().__init__()
        self.declared = Declaration(_ARMS[0])
        self.roles = Roles()
        self.open: dict[ArmConfig, ArmFacts] = {}
        self.left_at_s: dict[ArmConfig, float] = {}
        self.now_s = 0.0

    @rule(arms=st.permutations(_ARMS), share=st.floats(0, 1))
    def declare(self, arms: list[ArmConfig], share: float) -> None:
        self.declared = Declaration(arms[0], arms[1], share, shadows=((arms[2], 0.1),))

    @rule(arm=st.sampled_from(_ARMS))
    def declare_alone(self, arm: ArmConfig) -> None:
        self.declared = Declaration(arm)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), is_verified=st.booleans(), is_idle=st.booleans())
    def see(self, data: st.DataObject, *, is_verified: bool, is_idle: bool) -> None:
        self.open[data.draw(st.sampled_from(list(self.open)))] = ArmFacts(is_verified, is_idle)

    @rule(seconds=st.floats(0, 2 * _LIMIT_S))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(is_opened=st.booleans())
    def step(self, *, is_opened: bool) -> None:
        before = self.roles
        step = next_step(before, self.declared, self.open, now_s=self.now_s, drain_limit_s=_LIMIT_S)
        self._check_shift(before.champion, step.roles.champion)
        self._check_closes(step.to_close, step.roles)
        for arm in step.to_close:
            del self.open[arm]
            del self.left_at_s[arm]
        assert set(step.to_open) == set(self.declared.arms) - set(self.open)
        if is_opened:
            self.open |= dict.fromkeys(step.to_open, ArmFacts(is_verified=False, is_idle=True))
        self.roles = step.roles

    def _check_shift(self, before: ArmConfig | None, after: ArmConfig | None) -> None:
        if before is not None and after != before:
            assert after == self.declared.champion
            assert after is not None
            assert self.open[after].is_verified, "an arm took charge before its canaries passed"
        wanted = self.open.get(self.declared.champion)
        if wanted is not None and wanted.is_verified:
            assert after == self.declared.champion, "a verified champion was not put in charge"

    def _check_closes(self, closed: tuple[ArmConfig, ...], roles: Roles) -> None:
        leaving = {arm for arm in self.open if arm not in {*self.declared.arms, roles.champion}}
        self.left_at_s = {arm: self.left_at_s.get(arm, self.now_s) for arm in leaving}
        due = {arm for arm, left_s in self.left_at_s.items() if self.now_s - left_s >= _LIMIT_S}
        assert set(closed) == due | {arm for arm in leaving if self.open[arm].is_idle}
        assert set(roles.draining) == leaving - set(closed)

    @invariant()
    def who_serves_is_open_and_not_leaving(self) -> None:
        serving = {self.roles.champion, self.roles.challenger} - {None}
        assert serving <= set(self.open)
        assert not serving & set(self.roles.draining)
        assert self.roles.champion is None or self.roles.challenger != self.roles.champion


TestSwapping = Swapping.TestCase
TestSwapping.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
