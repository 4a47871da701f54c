#!/usr/bin/env python3
"""Instances and brokers that die, stop and come back, on a real Kafka: what was committed stays right.

Every case loads frames at a steady pace while real unique_users processes count them, does harm meanwhile, then
lets a bounded run finish, and compares results, counters and dead letters with a naive count of what was loaded:
0 differences. The instances run without an end during the harm: a bounded run fixes its end at its start, and
would be over before the second kill. Frames keep coming, so a kill always hits somebody at work; a commit every
100 ms keeps a transaction open nearly all the time.

It starts its own Kafka. Random cases print their seed; `--seed N` repeats it. Failed cases leave their files.
"""

import os
import resource
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

LONG = bool(os.environ.get("MILLRACE_TEST_LONG"))
# The programs take MILLRACE_* for options, so they must not see what is meant for tests.
for variable in [name for name in os.environ if name.startswith("MILLRACE_")]:
    del os.environ[variable]

import absences  # noqa: E402
import deaths  # noqa: E402
import edges  # noqa: E402
import merges  # noqa: E402
import ring_report  # noqa: E402
import rounds  # noqa: E402


def cases_of(world):
    for part in [deaths, absences, edges, merges]:
        yield from part.cases(world)


def main():
    parser = ring_report.argument_parser(__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", default=LONG, help="the full counts")
    parser.add_argument("--seed", type=int, default=1, help="of data and kills")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    world = rounds.World(arguments)
    code = 1
    try:
        code = ring_report.run(arguments, list(cases_of(world)))
    finally:
        world.close(keep=code != 0)
    sys.exit(code)


if __name__ == "__main__":
    main()
