"""The command line of `precis prune`: options to configurations, nothing else."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from models.training.pruning.applying import ApplyConfig
from models.training.pruning.comparison import CompareConfig
from models.training.pruning.methods import MethodName
from models.training.pruning.osscar import SearchConfig
from models.training.pruning.planning import PlanConfig
from models.training.pruning.prompts import CalibrationText
from models.training.pruning.pruned import Target
from models.training.pruning.recovery import Lesson, RecoverConfig

