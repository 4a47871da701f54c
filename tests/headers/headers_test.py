#!/usr/bin/env python3
"""Every header of the library compiles alone, without a warning."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import ring_report  # noqa: E402
import syntax_check  # noqa: E402

FOLDERS = ["*.h", "framework/**/*.h", "state/**/*.h", "operators/**/*.h", "apps/**/*.h", "tests/kit/**/*.h"]


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
             for header in headers]
    ring_report.main(arguments, cases, jobs=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
