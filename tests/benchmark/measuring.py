"""What the sections of run_benchmarks share: timed runs of processes, in turns, and their rows in the document."""

import collections
import os
import re
import resource
import shlex
import statistics
import subprocess
import time

LEAST_SECONDS = 10

Run = collections.namedtuple("Run", "seconds cpu peak_mb out")


class BenchmarkError(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def shown(command):
    """A command as the document shows it: without the folders of this run."""
    return shlex.join(re.sub(r"^.*/bin/|^/.*/", "", str(word)) for word in command)


def measure(command, scratch, stdin=None, data_limit=None):
    """Runs a command and waits for it with its resource usage."""
    def limit():
        if data_limit:
            resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))
    with open(scratch / "stdout", "w+b") as out, open(scratch / "stderr", "w+b") as error:
        begin = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdin=stdin, stdout=out, stderr=error,
                                   preexec_fn=limit)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        error.seek(0)
        if process.returncode != 0:
            raise BenchmarkError(f"{shown(command)} ended with {process.returncode}:\n"
                                 f"{error.read().decode(errors='replace')[-2000:]}")
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read().decode())


class Summary:
    """What repeated runs of one side have in common."""

    def __init__(self, runs):
        self.seconds = statistics.median(run.seconds for run in runs)
        self.cpu = statistics.median(run.cpu for run in runs)
        self.peak_mb = max(run.peak_mb for run in runs)


def alternate(pairs, first, second):
    """The pairs of runs of both in turns, after one unmeasured run of each."""
    first()
    second()
    measured = []
    for number in range(pairs):
        if number % 2 == 0:
            a, b = first(), second()
        else:
            b, a = second(), first()
        measured.append((a, b))
        say(f"  pair {number + 1}: {a.seconds:6.2f} s  {b.seconds:6.2f} s")
    return measured


def compared(measured, names, goal, frames, by=lambda a, b: a.seconds / b.seconds):
    """A row of the document for alternating runs."""
    ratios = [by(a, b) for a, b in measured]
    sides = {}
    for name, runs in zip(names, zip(*measured)):
        side = Summary(runs)
        sides[name] = {"seconds": side.seconds, "cpu": side.cpu, "peak_mb": side.peak_mb,
                       "frames_per_s": frames / side.seconds}
    shortest = min(run.seconds for pair in measured for run in pair)
    return {"sides": sides, "pairs": len(measured), "shortest": shortest, "median": statistics.median(ratios),
            "least": min(ratios), "most": max(ratios), "goal": goal}


def verdict(met):
    return "met" if met else "**missed**"


def table(row, met, unit="frames/s", long_enough=True):
    lines = [f"| | seconds | {unit} | CPU seconds | peak memory |", "|---|--:|--:|--:|--:|"]
    for name, side in row["sides"].items():
        lines.append(f"| {name} | {side['seconds']:.2f} | {side['frames_per_s']:,.0f} | {side['cpu']:.2f} | "
                     f"{side['peak_mb']:.0f} MB |")
    lines += ["", f"Ratio, median of {row['pairs']} pairs: **{row['median']:.3f}** "
                  f"({row['least']:.3f} to {row['most']:.3f}); goal {row['goal']}: {verdict(met)}."]
    if long_enough and row["shortest"] < LEAST_SECONDS:
        lines += ["", f"The shortest run took {row['shortest']:.1f} s, less than {LEAST_SECONDS} s: "
                      "raise --scale on this machine."]
    return lines
