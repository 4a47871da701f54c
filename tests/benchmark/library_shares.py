"""Where a program's processor time goes, by perf: each sample counts for the innermost of the named libraries and the
program itself that is on its stack; one that shows none of them, for the library whose thread it is."""

import collections
import re
import shutil
import subprocess

LIBRARIES = {"RocksDB": ("librocksdb", "rocksdb:"), "librdkafka": ("librdkafka", "rdk:")}  # file, threads


def record(command, data):
    """Runs the command under perf; false where there is none."""
    if not shutil.which("perf"):
        return False
    subprocess.run(["perf", "record", "--call-graph", "dwarf,4096", "-F", "99", "-o", data, *map(str, command)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return True


def owner(sample, program):
    lines = sample.strip().splitlines()
    for line in lines[1:]:
        file = line.rsplit("(", 1)[-1].rstrip(")")
        for name, (library, _) in LIBRARIES.items():
            if library in file:
                return name
        if file.endswith("/" + program):
            return program
    for name, (_, threads) in LIBRARIES.items():
        if lines[0].strip().startswith(threads):
            return name
    return program


def samples_of(data):
    text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return [sample for sample in re.split(r"\n\s*\n", text) if sample.strip()]


def share_below(data, function):
    """Share of the samples on whose stack is a function with such a name."""
    samples = samples_of(data)
    return sum(bool(re.search(function, sample)) for sample in samples) / max(1, len(samples))


def shares(data, program):
    """Owner -> share of all samples."""
    samples = collections.Counter(owner(sample, program) for sample in samples_of(data))
    return {name: count / samples.total() for name, count in samples.most_common()}
