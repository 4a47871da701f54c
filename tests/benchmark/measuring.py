"""What the sections of run_benchmarks share: timed runs of processes, in turns, and their rows in the document."""

import collections
import contextlib
import json
import os
import pathlib
import re
import resource
import shlex
import statistics
import subprocess
import time

LEAST_SECONDS = 10
FAMILIES = ["Millrace", "Kafka Streams", "Python", "bare C++ loop"]

Run = collections.namedtuple("Run", "seconds cpu peak_mb out broker_cpu", defaults=[0])


class BenchmarkError(Exception):
    pass


def say(text=""):
    print(text, flush=True)


def shown(command):
    """A command as the document shows it: without the folders of this run."""
    return shlex.join(re.sub(r"^.*/bin/|^/.*/", "", str(word)) for word in command)


def users_by_window(text):
    """(kind, start) -> users, of the last result of each window."""
    users = {}
    for line in text.splitlines():
        result = json.loads(line)
        users[str(result.get("window", result["duration_s"])), result["ts"]] = result["unique_users"]
    return users


def must_equal(what, found, expected):
    if found != expected:
        differing = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        raise BenchmarkError(f"{what}: {len(differing)} windows differ, the first is {differing[0]}: "
                             f"{found.get(differing[0])} instead of {expected.get(differing[0])}")


def cpu_of(pid):
    """CPU seconds of a process that goes on."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def started(command, **options):
    """A process that does not outlive the block."""
    process = subprocess.Popen([str(word) for word in command], **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def reaped(process, begin, out="", what=None):
    """The Run of a process that was started at `begin`, once it has ended well."""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if what and process.returncode != 0:
        raise BenchmarkError(f"{what} ended with {process.returncode}:\n{out[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out)


def measure(command, scratch, stdin=None, data_limit=None, broker_pid=None):
    """Runs a command and waits for it with its resource usage."""
    def limit():
        if data_limit:
            resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))
    with open(scratch / "stdout", "w+b") as out, open(scratch / "stderr", "w+b") as error:
        broker_cpu = cpu_of(broker_pid) if broker_pid else 0
        begin = time.monotonic()
        with started(command, stdin=stdin, stdout=out, stderr=error, preexec_fn=limit) as process:
            run = reaped(process, begin)
        if broker_pid:
            broker_cpu = cpu_of(broker_pid) - broker_cpu
        out.seek(0)
        error.seek(0)
        if process.returncode != 0:
            raise BenchmarkError(f"{shown(command)} ended with {process.returncode}:\n"
                                 f"{error.read().decode(errors='replace')[-2000:]}")
        return run._replace(out=out.read().decode(), broker_cpu=broker_cpu)


class Summary:
    """What repeated runs of one side have in common."""

    def __init__(self, runs):
        self.seconds = statistics.median(run.seconds for run in runs)
        self.cpu = statistics.median(run.cpu for run in runs)
        self.peak_mb = max(run.peak_mb for run in runs)


def alternate(plan, pairs, first, second):
    """The pairs of runs of both in turns, after one unmeasured run of each."""
    first()
    second()
    measured = []
    for number in plan.turns(pairs):
        if number % 2 == 0:
            a, b = first(), second()
        else:
            b, a = second(), first()
        measured.append((a, b))
        plan.step(f"pair {number + 1} of {pairs}: {a.seconds:6.2f} s  {b.seconds:6.2f} s")
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


class Plan:
    """How long the sections should take: says with each step how much is left of that, and ends the rounds of a section
    when one more would not leave the later ones their time within `most` minutes."""

    def __init__(self, minutes, most):
        self.minutes = minutes  # section -> minutes; empty: no plan
        self.most = most
        self.begun = time.monotonic()
        self.section = None

    def begin(self, section):
        self.section, self.section_begun = section, time.monotonic()

    def gone(self):
        return (time.monotonic() - self.begun) / 60

    def later(self):
        names = list(self.minutes)
        return sum(self.minutes[name] for name in names[names.index(self.section) + 1:])

    def step(self, text):
        if self.section in self.minutes:
            here = max(0, self.minutes[self.section] - (time.monotonic() - self.section_begun) / 60)
            text = f"[{self.gone():4.1f} min, {here + self.later():4.1f} left] {self.section}: {text}"
        say(f"  {text}")

    def turns(self, count):
        """Numbers of rounds: `count`, or as many as there is time for; always one."""
        begun = time.monotonic()
        for number in range(count):
            if number and self.section in self.minutes:
                one = (time.monotonic() - begun) / number / 60
                if self.gone() + one + self.later() > self.most:
                    self.step(f"no time for more than {number} rounds of {count}")
                    return
            yield number


# One of several ways to do the same: `run` returns a taken() run, over so many records (None: its pace is given).
Side = collections.namedtuple("Side", "name records run")


def taken(run, **more):
    """What is kept of a Run."""
    return {"seconds": run.seconds, "cpu": run.cpu, "peak_mb": run.peak_mb, "broker_cpu": run.broker_cpu} | more


def family(side):
    """The place of its kind in tables."""
    return next((place for place, start in enumerate(FAMILIES) if side.name.startswith(start)), 0)


def rounds(plan, count, sides):
    """All sides in turns, in the other direction every other time. Name -> its records and runs, by families."""
    results = {side.name: {"records": side.records, "runs": []} for side in sorted(sides, key=family)}
    for number in plan.turns(count):
        for side in sides if number % 2 == 0 else reversed(sides):
            run = side.run()
            results[side.name]["runs"].append(run)
            speed = f"{side.records / run['seconds']:,.0f}/s, " if side.records else ""
            plan.step(f"round {number + 1} of {count}: {side.name}: {run['seconds']:.1f} s, {speed}"
                      f"{run['cpu']:.1f} CPU s")
    return results


def spread(side, value):
    """(median, least, most) of value(run)."""
    values = [value(run) for run in side["runs"]]
    return statistics.median(values), min(values), max(values)


def rate(side):
    return spread(side, lambda run: side["records"] / run["seconds"])


def rate_without_start(side):
    """Of sides that tell it: from their first record on."""
    if not all(run.get("inside") for run in side["runs"]):
        return None
    return spread(side, lambda run: side["records"] / run["inside"])


def cpu_per_million(side):
    return spread(side, lambda run: run["cpu"] * 1e6 / side["records"])


def ratio(of, to, value):
    """(median, least, most) of value(of) / value(to), of the same rounds; value(side, run)."""
    ratios = [value(of, a) / value(to, b) for a, b in zip(of["runs"], to["runs"])]
    return statistics.median(ratios), min(ratios), max(ratios)


def in_range(three, digits=0):
    median, least, most = three
    if least == most:
        return f"{median:,.{digits}f}"
    return f"{median:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"


def sides_table(sides, unit="frames"):
    """A row for each of rounds()' sides."""
    lines = [f"| | {unit} | runs | seconds | {unit}/s | {unit}/s from the first on | CPU s / million | "
             "broker's CPU s / million | peak memory |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name, side in sides.items():
        inside = rate_without_start(side)
        broker = spread(side, lambda run: run["broker_cpu"] * 1e6 / side["records"])
        lines.append(f"| {name} | {side['records']:,} | {len(side['runs'])} | "
                     f"{in_range(spread(side, lambda run: run['seconds']), 1)} | {in_range(rate(side))} | "
                     f"{in_range(inside) if inside else ''} | {in_range(cpu_per_million(side), 1)} | {broker[0]:.1f} | "
                     f"{max(run['peak_mb'] for run in side['runs']):.0f} MB |")
    return lines


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
