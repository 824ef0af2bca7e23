"""The circuit's rules hold in every order of calls, outcomes and time."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.circuit import BreakerConfig, BreakerState, Circuit, abandoned, admitted, answered, failed


class CircuitMachine(RuleBasedStateMachine):
    """Calls that are admitted, and later answered or not, in any order, while time goes on."""

    @initialize(
        num_failures=st.integers(1, 4), first_pause_s=st.floats(0.01, 10), growth=st.floats(1, 64, allow_nan=False)
    )
    def configure(self, num_failures: int, first_pause_s: float, growth: float) -> None:
        self.config = BreakerConfig(
            num_failures=num_failures, first_pause_s=first_pause_s, max_pause_s=first_pause_s * growth
        )
        self.now_s = 1_000.0
        self.circuit = Circuit()
        self.at_work: list[int] = []
        self.failures_in_a_row = 0
        self.failed_probes = 0

    @rule()
    def call(self) -> None:
        before = self.circuit
        after = admitted(before, self.now_s)
        if before.state is BreakerState.OPEN:
            assert (after is not None) == (self.now_s >= before.retry_at_s)
        elif before.state is BreakerState.HALF_OPEN:
            assert after is None, "a second probe"
        else:
            assert after == before, "a closed circuit lets every call through"
        if after is not None:
            self.circuit = after
            self.at_work.append(after.epoch)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), is_failure=st.booleans())
    def finish_a_call(self, data: st.DataObject, is_failure: bool) -> None:
        epoch = self.at_work.pop(data.draw(st.integers(0, len(self.at_work) - 1)))
        before = self.circuit
        if is_failure:
            self.circuit = failed(before, epoch, self.now_s, self.config)
        else:
            self.circuit = answered(before, epoch)
        self.check_change(before, epoch, is_failure)

    def check_change(self, before: Circuit, epoch: int, is_failure: bool) -> None:
        after = self.circuit
        if epoch != before.epoch:
            assert after == before, "a call of another epoch decided something"
            return
        is_probe = before.state is BreakerState.HALF_OPEN
        self.failures_in_a_row = self.failures_in_a_row + 1 if is_failure else 0
        opens = is_failure and (is_probe or self.failures_in_a_row == self.config.num_failures)
        assert after.state is (BreakerState.OPEN if opens else BreakerState.CLOSED)
        if opens:
            self.failed_probes = self.failed_probes + 1 if is_probe else 0
            expected_s = min(self.config.max_pause_s, self.config.first_pause_s * 2**self.failed_probes)
            assert after.pause_s == expected_s
            assert after.retry_at_s == self.now_s + expected_s
        if after.epoch != before.epoch:
            self.failures_in_a_row = 0

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def leave_a_call(self, data: st.DataObject) -> None:
        epoch = self.at_work.pop(data.draw(st.integers(0, len(self.at_work) - 1)))
        before = self.circuit
        self.circuit = abandoned(before, epoch, self.now_s)
        if epoch != before.epoch or before.state is BreakerState.CLOSED:
            assert self.circuit == before, "a call that showed nothing decided something"
            return
        assert (self.circuit.state, self.circuit.pause_s) == (BreakerState.OPEN, before.pause_s)
        assert admitted(self.circuit, self.now_s) is not None, "the next call is the probe"

    @rule(seconds=st.floats(0, 20))
    def let_time_pass(self, seconds: float) -> None:
        self.now_s += seconds

    @invariant()
    def an_answer_to_the_next_call_that_may_go_closes_it(self) -> None:
        """From every state, once the calls at work have ended: no circuit stays open for ever."""
        if not hasattr(self, "config"):
            return
        circuit = self.circuit
        if circuit.state is BreakerState.HALF_OPEN:  # its probe is at work, and will end
            circuit = failed(circuit, circuit.epoch, self.now_s, self.config)
        tried = admitted(circuit, self.now_s + self.config.max_pause_s)
        assert tried is not None
        assert answered(tried, tried.epoch).state is BreakerState.CLOSED


TestCircuit = CircuitMachine.TestCase
