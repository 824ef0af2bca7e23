"""The end of a process, for tests that start it again."""

__all__ = ["Killed"]


class Killed(BaseException):
    """Raised in the middle of work: no code catches it, as none sees a kill."""
