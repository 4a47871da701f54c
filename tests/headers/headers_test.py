#!/usr/bin/env python3
"""Every header of the library compiles alone, without a warning.

Of a header that its own source includes first, the build has shown that already: it is left out here.
"""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import ring_report  # noqa: E402
import syntax_check  # noqa: E402

FOLDERS = ["*.h", "framework/**/*.h", "state/**/*.h", "operators/**/*.h", "apps/**/*.h", "tests/kit/**/*.h"]


def shown_by_the_build(source, header):
    """Whether header.cc begins with it."""
    try:
        with open(os.path.join(source, header.removesuffix(".h") + ".cc"), encoding="utf-8") as file:
            return file.readline() == f'#include "millrace/{header}"\n'
    except FileNotFoundError:
        return False


def check(build, header):
    compiles, output = syntax_check.check(build, "-", *syntax_check.WARNINGS,
                                          text=f'#include "millrace/{header}"\n')
    if not compiles:
        raise ring_report.Failure(output[:4000])


def main():
    arguments = ring_report.argument_parser(__doc__).parse_args()
    headers = sorted(header for pattern in FOLDERS
                     for header in glob.glob(pattern, root_dir=arguments.source, recursive=True))
    cases = [(f"SelfContained.{header}", lambda header=header: check(arguments.build, header))
             for header in headers if not shown_by_the_build(arguments.source, header)]
    ring_report.main(arguments, cases, jobs=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
