"""That a state machine's checks can fail: it is run on something broken, and must notice."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

__all__ = ["assert_caught"]


def assert_caught(machine: type[RuleBasedStateMachine], symptom: str, *, of: settings) -> None:
    """The machine fails with this symptom, within so many examples that chance plays no part.

    Args:
        machine: On broken parts.
        symptom: Regular expression of the failed check's message.
        of: Settings of the sound machine's test.
    """
    caught = settings(
        of,
        max_examples=3_000,  # most are caught within 200; the order of sets differs by run, so no number is exact
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # that it fails is enough: the smallest example is nobody's interest
    )
    with pytest.raises(AssertionError, match=symptom):
        run_state_machine_as_test(machine, settings=caught)
