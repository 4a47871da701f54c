#!/usr/bin/env python3
"""Misuse fails to compile, with one human sentence.

Each NAME.cc beside this script is compiled twice. With -DMISUSE it must fail, and the compiler must say the
sentence of its first line, `// expect: ...`. Without it must compile, so that a case cannot fail for a
reason other than the one it is about.
"""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import ring_report  # noqa: E402
import syntax_check  # noqa: E402

MARK = "// expect: "


def expectation(path):
    with open(path, encoding="utf-8") as file:
        first = file.readline().rstrip("\n")
    if not first.startswith(MARK) or len(first) < len(MARK) + 10:
        raise ring_report.Failure(f"the first line must be '{MARK}<the sentence>'")
    return first[len(MARK):]


def check(build, path):
    sentence = expectation(path)
    compiles, output = syntax_check.check(build, path, *syntax_check.WARNINGS)
    if not compiles:
        raise ring_report.Failure(f"does not compile when used well:\n{output[:4000]}")
    compiles, output = syntax_check.check(build, path, "-Werror=unused-result", "-DMISUSE")
    if compiles:
        raise ring_report.Failure("misuse compiles")
    if sentence not in output:
        raise ring_report.Failure(f"the compiler does not say '{sentence}', but:\n{output[:4000]}")


def main():
    arguments = ring_report.argument_parser(__doc__.splitlines()[0]).parse_args()
    paths = sorted(glob.glob(os.path.join(HERE, "*.cc")))
    cases = [(f"CompileFail.{os.path.basename(path)[:-3]}",
              lambda path=path: check(arguments.build, path)) for path in paths]
    ring_report.main(arguments, cases, jobs=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
