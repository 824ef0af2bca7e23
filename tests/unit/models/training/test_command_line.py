"""How commands of training end."""

import pytest

from models.training.command_line import training_command
from schemas.errors import BackendUnavailable, ConfigurationError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("the bundle lacks its weights: fetch it"), 2),
        (BackendUnavailable("the judge is away", backend="judge", operation="ask"), 1),
    ],
)
def test_an_expected_error_is_a_message_and_a_status(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong settings are told apart from what failed; both say what happened, and neither shows a traceback."""

    @training_command
    def command() -> int:
        raise error

    assert command() == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"error: {type(error).__name__}: {error}\n"


def test_ctrl_c_ends_quietly_and_a_bug_does_not() -> None:
    """130 is what shells give; an unexpected error keeps its traceback."""

    @training_command
    def stopped() -> int:
        raise KeyboardInterrupt

    @training_command
    def broken() -> int:
        raise ZeroDivisionError

    assert stopped() == 130
    with pytest.raises(ZeroDivisionError):
        broken()


def test_a_command_that_ends_well_keeps_its_status() -> None:
    """Its arguments reach it."""

    @training_command
    def command(status: int) -> int:
        return status

    assert command(3) == 3
