"""A stand-in for the teachers, which are 160 MB."""

import numpy as np


class LetterEncoder:
    """A stand-in for a teacher: a text is how often each letter stands in it."""

    def query(self, text):
        """[26]."""
        counts = np.array([text.lower().count(chr(97 + at)) for at in range(26)], dtype=np.float32)
        return counts / max(1.0, float(np.linalg.norm(counts)))

    def passages(self, header, body, max_passages):
        """[1, 26]."""
        assert max_passages == (4 if body else 1)
        return self.query(header + body)[None]
