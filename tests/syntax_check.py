"""Asks the project's own compiler whether a text compiles, without making an object."""

import os
import re
import subprocess

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def compiler(build):
    """The compiler that configured `build`."""
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
        return re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache.read(), re.MULTILINE).group(1)


def check(build, file, *flags, text=None):
    """(compiles, compiler's output) of `file`, or of `text` where file is "-"."""
    command = [compiler(build), "-std=c++20", "-fsyntax-only", "-I", os.path.join(build, "include"),
               *flags, "-x", "c++", file]
    outcome = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300,
                             env={**os.environ, "LC_ALL": "C"})
    return outcome.returncode == 0, outcome.stderr
