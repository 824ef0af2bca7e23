"""The teachers' weights: fetched from Maven by ``pom.xml``, compared with the digests that their code pins."""

from ops.labels.teachers.jars import fetch_teachers, find_teachers, teachers_folder

__all__ = ["fetch_teachers", "find_teachers", "teachers_folder"]
