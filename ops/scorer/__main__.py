"""``python -m ops.scorer --port PORT --index I``: one worker of the scorer, started by its supervisor."""

import argparse
import sys

from ops.scorer.listening import Place
from ops.services import run_scorer
from ops.settings import load_settings
from schemas.errors import ConfigurationError

__all__: list[str] = []


def main() -> int:
    """Serve on the shared port."""
    parser = argparse.ArgumentParser(prog="python -m ops.scorer", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--index", type=int, required=True)
    given = parser.parse_args()
    try:
        return run_scorer(load_settings(), Place(given.port, given.index))
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the supervisor's standard error
        return 2


if __name__ == "__main__":
    sys.exit(main())
