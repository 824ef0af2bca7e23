"""Generated data: postings, queries, grades by stated rules. Needs the standard library and ``schemas`` only."""

from models.training.data.corpus import CandidateMix, JudgedQuery, draw_judged, draw_pool
from models.training.data.files import sample_files, write_files
from models.training.data.grades import MAX_GRADE, grade
from models.training.data.truth import Constraint, Fact, GeneratedPosting, GeneratedQuery, Split

__all__ = [
    "MAX_GRADE",
    "CandidateMix",
    "Constraint",
    "Fact",
    "GeneratedPosting",
    "GeneratedQuery",
    "JudgedQuery",
    "Split",
    "draw_judged",
    "draw_pool",
    "grade",
    "sample_files",
    "write_files",
]
