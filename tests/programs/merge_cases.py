"""Cases of programs_test: sorted_merge as a user runs it, over partitions of every shape."""

import os
import subprocess

from ring_report import Failure

HANG_SECONDS = 180  # ends a hang; nothing here takes a tenth of it

# Disorder in the middle of the second partition.
DISORDERED = [[1, 4, 9], [2, 8, 3, 5, 10], []]
MANY = 20_000

# The values of each partition.
SHAPES = {
    "Example": [[1] * 10, [2, 2, 4, 4, 6, 8]],
    "OneHasNineTenthsAndOneHasNone": [range(0, 9 * MANY, 9), *[range(i, MANY, 5) for i in range(5)], []],
    "OneIsGreaterThanAllOthers": [range(10 * MANY, 11 * MANY), range(MANY), range(0, 2 * MANY, 2)],
    "OneIsOneValue": [[MANY // 2] * MANY, range(MANY), range(0, MANY, 3)],
    "NothingAtAll": [[], [], []],
}


class Merge:
    """Topics of one merge on one broker."""

    def __init__(self, programs, broker, partitions):
        self.programs = programs
        self.at = ["--broker", broker]
        self.input, self.output, self.dead = map(programs.unique, ["parts", "whole", "refused"])
        for topic, count in [(self.input, len(partitions)), (self.output, 1), (self.dead, 1)]:
            programs.run("millrace", "create", *self.at, "--topic", topic, "--partitions", count)
        for partition, values in enumerate(partitions):
            if values:
                programs.run("millrace", "load", *self.at, "--topic", self.input, "--partition", partition, "-",
                             stdin="".join(f"{value}\n" for value in values).encode())

    def options(self, *more):
        # The output names the application, so that a second run goes on.
        return ["sorted_merge", *self.at, "--input", self.input, "--output", self.output, "--application-id",
                "merge-" + self.output, "--state-dir", os.path.join(self.programs.scratch, "state-" + self.output),
                "--until-end", *more]

    def run(self, *more, code=0):
        self.programs.run(*self.options(*more), code=code)

    def values(self, topic):
        text = self.programs.run("millrace", "cat", *self.at, "--topic", topic, "--until-end")
        return [int(line) for line in text.split()]

    def expect(self, topic, values):
        found = self.values(topic)
        if found != values:
            at = next((i for i, (a, b) in enumerate(zip(found, values)) if a != b), min(len(found), len(values)))
            raise Failure(f"{len(found)} values instead of {len(values)}; from number {at} on {found[at:at + 9]} "
                          f"instead of {values[at:at + 9]}")


def shape_case(programs, broker, shape, *options):
    merge = Merge(programs, broker(programs), SHAPES[shape])
    merge.run(*options)
    merge.expect(merge.output, sorted(value for values in SHAPES[shape] for value in values))
    programs.run("millrace", "verify-sorted", *merge.at, "--topic", merge.output, "--against", merge.input)


def disorder_fails_case(programs, broker, must_say):
    """The program ends and says where; once the input is made good by hand, nothing has been lost."""
    merge = Merge(programs, broker(programs), DISORDERED)
    merge.run(code=1)
    must_say(programs, merge.input, "partition 1", "offset 2", "3, which is smaller than 8")
    merge.run("--on-disorder", "pass")
    if sorted(merge.values(merge.output)) != sorted(sum(DISORDERED, [])):
        raise Failure(f"what was merged is not what there was: {merge.values(merge.output)}")


def disorder_refused_case(programs, broker):
    merge = Merge(programs, broker(programs), DISORDERED)
    merge.run("--on-disorder", "dead-letter", "--dead-letter", merge.dead)
    merge.expect(merge.output, [1, 2, 4, 8, 9, 10])
    merge.expect(merge.dead, [3, 5])


def disorder_passed_case(programs, broker):
    merge = Merge(programs, broker(programs), DISORDERED)
    merge.run("--on-disorder", "pass")
    merge.expect(merge.output, [1, 2, 4, 8, 3, 5, 9, 10])


def no_integer_case(programs, broker, must_say):
    merge = Merge(programs, broker(programs), [[1, 3], [2, "no integer", 4]])
    merge.run(code=1)
    must_say(programs, merge.input, "partition 1", "offset 1", "--on-bad-record skip")
    merge.run("--dead-letter", merge.dead)
    merge.expect(merge.output, [1, 2, 3, 4])
    dead = programs.run("millrace", "cat", *merge.at, "--topic", merge.dead, "--until-end")
    if dead != "no integer\n":
        raise Failure(f"dead letters are {dead!r}")


def full_disk_case(programs, broker):
    """A limit on the size of files stands for a full disk. With room again the merge goes on."""
    at = broker(programs)
    merge = Merge(programs, at, [[], []])
    programs.run("integers", "--broker", at, "--topic", merge.input, "--partitions", 2, "--count", 400_000)
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -S -f 2000; exec "$@"', "bash", *programs.command(*merge.options())]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=HANG_SECONDS, cwd=programs.scratch,
                          check=False)
    directory = at.removeprefix("embedded:")
    if done.returncode != 1 or f"directory '{directory}' cannot be" not in done.stderr:
        raise Failure(f"without room it ended with {done.returncode}:\n{done.stderr[-1000:]}")
    merge.run()
    programs.run("millrace", "verify-sorted", *merge.at, "--topic", merge.output, "--against", merge.input)


def cases(case, brokers, must_say):
    """`case` makes one; `brokers`: (label, its maker); `must_say`: the last program said one line, naming these."""
    for label, broker in brokers:
        for shape in SHAPES:
            yield case(f"{label}.Merge{shape}", shape_case, broker, shape)
        yield case(f"{label}.MergeExampleWithReaders", shape_case, broker, "Example", "--readers")
        yield case(f"{label}.MergeOneIsOneValueWithReaders", shape_case, broker, "OneIsOneValue", "--readers")
        yield case(f"{label}.MergeDisorderIsNamedAndNothingLost", disorder_fails_case, broker, must_say)
        yield case(f"{label}.MergeDisorderIsDeadLettered", disorder_refused_case, broker)
        yield case(f"{label}.MergeDisorderIsPassed", disorder_passed_case, broker)
        yield case(f"{label}.MergeOfWhatIsNoIntegerIsNamed", no_integer_case, broker, must_say)
    yield case("Embedded.MergeGoesOnAfterAFullDisk", full_disk_case, dict(brokers)["Embedded"])
