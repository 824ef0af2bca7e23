"""Which Java, and how it is called."""

import os
import sys
from pathlib import Path

import pytest

from ops.kafka.java import Java, archive_name, find_java, parse_major, require_version
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ("Error: could not find libjava.so", None),
    ],
)
def test_the_major_version_is_read(text, major):
    """Java 8 calls itself 1.8."""
    assert parse_major(text) == major


def test_an_old_java_is_refused_with_the_package_to_install(tmp_path):
    """The error has what it said of itself."""
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    program.chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"11\.0\.2.*apt install openjdk-17-jre-headless"):
        require_version(program)


def test_no_java_is_said_with_the_package_to_install(tmp_path, monkeypatch):
    """A bare machine learns what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="apt install openjdk-17-jre-headless"):
        find_java(tmp_path)


def test_an_archive_is_of_one_build_of_java(tmp_path):
    """An update of Java changes the file, and with it the archive's name."""
    program = tmp_path / "java"
    program.write_text("one build")
    before = archive_name(program)
    os.utime(program, ns=(1, 1))
    assert archive_name(program) != before


def test_the_class_path_is_the_same_every_time(tmp_path):
    """An archive holds for one order of jars only; a wildcard would leave the order to the folder."""
    for name in ("b.jar", "a.jar"):
        (tmp_path / name).touch()
    java = Java(Path(sys.executable), tmp_path, archive=tmp_path / "classes.jsa")
    command = java.command("Main", "argument", log4j=tmp_path / "l", temporary=tmp_path)
    assert command[command.index("-cp") + 1] == f"{tmp_path}/a.jar:{tmp_path}/b.jar"
    assert command[-2:] == ["Main", "argument"]
    assert f"-XX:SharedArchiveFile={tmp_path}/classes.jsa" in command
