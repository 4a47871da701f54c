#!/usr/bin/env python3
"""The programs as a user runs them: generated frames to results, from files, embedded broker and Kafka.

Whatever the road (file, broker, partitions, threads, instances, shards), the lines must be the same, and
right by the naive count of naive_count.py. Kafka cases need MILLRACE_TEST_KAFKA=HOST:PORT.
"""

import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import example_configuration  # noqa: E402
import http_cases  # noqa: E402
import merge_cases  # noqa: E402
import naive_count  # noqa: E402
import page_cases  # noqa: E402
import ring_report  # noqa: E402
import secure_cases  # noqa: E402
import semantics  # noqa: E402
from ring_report import Failure  # noqa: E402

# The programs take MILLRACE_* for options, so they must not see what is meant for tests.
KAFKA = os.environ.get("MILLRACE_TEST_KAFKA")
for variable in [name for name in os.environ if name.startswith("MILLRACE_")]:
    del os.environ[variable]

FRAMES = 20_000
HANG_SECONDS = 180  # ends a hang; nothing here takes a tenth of it
START = ["--start", "1468244384"]
CSV = ["--format", "csv", "--csv-header", "page,ts,referrer,uid,agent"]
MSGPACK = ["--format", "msgpack"]

# What a data set is made of, and the windows (seconds) it is counted in.
DATA = {
    "in-order": (["--users", "4000", "--rate", "90", "--seed", "1", "--bytes", "600"], [60]),
    "late": (["--users", "4000", "--rate", "90", "--seed", "2", "--bytes", "600",
              "--late-percent", "5", "--max-delay", "5s"], [60]),
    "too-late": (["--users", "4000", "--rate", "90", "--seed", "3", "--bytes", "300",
                  "--late-percent", "5", "--max-delay", "90s"], [60]),
    "hard": (["--users", "1500", "--rate", "90", "--seed", "4", "--bytes", "600",
              "--late-percent", "5", "--max-delay", "9s", "--flip-percent", "0.2",
              "--broken-percent", "1", "--crlf"], [60]),
    "edges": (["--users", "1500", "--rate", "3", "--seed", "5", "--bytes", "300",
               "--flip-percent", "0.5", "--broken-percent", "1"], [60, 600, 86400]),
    "hour": (["--users", "2000", "--rate", "5", "--seed", "6", "--bytes", "300",
              "--late-percent", "5", "--max-delay", "5s", "--broken-percent", "0.1"], [60, 600]),
}


class Programs:
    """The programs of one build, a scratch folder, and generated data with their naive counts."""

    def __init__(self, build):
        self.bin = os.path.join(build, "bin")
        self.scratch = tempfile.mkdtemp(prefix="millrace-programs-")
        self.number = itertools.count()
        self.once = threading.Lock()
        self.ending = contextlib.ExitStack()
        self.lines = {}  # name of a data set -> the lines of its results, by whatever road came first

    def unique(self, what):
        """A name that no other case uses, also not on a Kafka that outlives this run."""
        return f"{what}-{os.getpid()}-{next(self.number)}"

    def command(self, *arguments):
        return [os.path.join(self.bin, arguments[0]), *map(str, arguments[1:])]

    def run(self, *arguments, code=0, stdin=None, **environment):
        """Standard output of a program that must end with `code`."""
        outcome = subprocess.run(self.command(*arguments), input=stdin, capture_output=True,
                                 timeout=HANG_SECONDS, cwd=self.scratch, check=False,
                                 env={**os.environ, **environment})
        self.last_error = outcome.stderr.decode(errors="replace")
        if outcome.returncode != code:
            raise Failure(f"{' '.join(map(str, arguments))}\nended with {outcome.returncode} instead of "
                          f"{code}:\n{self.last_error[-3000:]}")
        return outcome.stdout.decode(errors="surrogateescape")

    def data(self, name):
        """(path, windows, naive results, naive counts, counts with 4 partitions)."""
        with self.once:
            return self._data(name)

    def write_frames(self, name, path, *more):
        options = [word for word in DATA[name][0] if word != "--crlf" or "msgpack" not in more]
        with open(path, "wb") as file:
            subprocess.run(self.command("frames", "--count", FRAMES, *START, *options, *more), stdout=file,
                           stderr=subprocess.DEVNULL, check=True, timeout=HANG_SECONDS)
        return path

    @functools.lru_cache(maxsize=None)
    def _data(self, name):
        _, windows = DATA[name]
        path = self.write_frames(name, os.path.join(self.scratch, name + ".jsonl"))
        lines = naive_count.read_frames(path)
        return path, windows, {partitions: naive_count.count(lines, windows, partitions=partitions)
                               for partitions in [1, 4]}

    def at_end(self, function):
        self.ending.callback(function)

    def close(self):
        self.ending.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def lines_of(text):
    """Lines as programs write them: str.splitlines would also split at what a user's id may hold."""
    return text.removesuffix("\n").split("\n") if text else []


def window_options(windows):
    return [word for window in windows for word in ["--window", f"{window}s"]]


def check_same_lines(programs, name, partitions, text):
    """The same bytes by every road: file, broker, threads, shards, instances.

    Also with other partitions, unless frames are judged late or dead: that depends on the partition.
    """
    _, _, naive = programs.data(name)
    key = name if naive[1] == naive[4] else (name, partitions)
    first = programs.lines.setdefault(key, text)
    if text != first:
        raise Failure(f"other lines than before; before:\n{first}\nnow:\n{text}")


def check_results(text, expected):
    """`text` are lines of unique_users; `expected` is what naive_count gives."""
    results, _ = expected
    found = naive_count.results_of(text)
    if found != results:
        wrong = [pair for pair in itertools.zip_longest(results, found) if pair[0] != pair[1]]
        raise Failure(f"{len(wrong)} of {len(results)} windows are wrong; naive, then unique_users "
                      "(ts, duration_s, unique_users, frames):\n" +
                      "\n".join(f"{mine}  {theirs}" for mine, theirs in wrong[:5]))
    if not all(json.loads(line)["final"] for line in lines_of(text)):
        raise Failure("a result of a bounded run is not final")


def check_summary(path, expected):
    with open(path, encoding="utf-8") as file:
        summary = json.load(file)
    _, counts = expected
    found = {name: summary[name] for name in counts._asdict()}
    if found != counts._asdict():
        raise Failure(f"the summary says {found}, the naive count {counts._asdict()}")


# From a file ---------------------------------------------------------------------------------------------


def count_file(programs, path, windows, *options):
    summary = programs.unique("summary")
    text = programs.run("unique_users", "--from", path, "--output", "-", *window_options(windows),
                        "--lateness", "5s", "--on-bad-record", "skip", "--summary", summary, *options)
    return text, os.path.join(programs.scratch, summary)


def file_case(programs, name, *options):
    path, windows, naive = programs.data(name)
    text, summary = count_file(programs, path, windows, *options)
    check_results(text, naive[1])
    check_summary(summary, naive[1])
    check_same_lines(programs, name, 1, text)


def standard_input_case(programs):
    path, windows, naive = programs.data("hard")
    with open(path, "rb") as file:
        text = programs.run("unique_users", "--from", "-", "--output", "-", *window_options(windows),
                            "--lateness", "5s", "--on-bad-record", "skip", stdin=file.read())
    check_results(text, naive[1])


def csv_file_case(programs, name):
    """The same frames in CSV give the lines that they give in JSON."""
    _, windows, naive = programs.data(name)
    path = programs.write_frames(name, os.path.join(programs.scratch, name + ".csv"), "--format", "csv")
    text, summary = count_file(programs, path, windows, *CSV)
    check_results(text, naive[1])
    check_summary(summary, naive[1])
    check_same_lines(programs, name, 1, text)


def output_file_case(programs):
    path, windows, naive = programs.data("late")
    output = os.path.join(programs.scratch, programs.unique("results"))
    text = programs.run("unique_users", "--from", path, "--output", output, *window_options(windows),
                        "--lateness", "5s")
    if text:
        raise Failure(f"results are on standard output as well:\n{text}")
    with open(output, encoding="utf-8") as file:
        check_results(file.read(), naive[1])


def many_windows_case(programs, name):
    """Several windows in one run are what as many runs with one window each give."""
    path, _, _ = programs.data(name)
    windows = ["1m", "10m", "1h", "day", "month"]
    together, _ = count_file(programs, path, [], *(word for each in windows for word in ["--window", each]))
    apart = "".join(count_file(programs, path, [], "--window", each)[0] for each in windows)
    if sorted(lines_of(together)) != sorted(lines_of(apart)):
        raise Failure(f"in one run:\n{together}\nin {len(windows)}:\n{apart}")


def stop_case(programs):
    """Without a dead-letter destination the first bad record ends the run, and is named."""
    bad = os.path.join(programs.scratch, programs.unique("bad"))
    with open(bad, "w", encoding="utf-8") as file:
        file.writelines(f'{{"ts":{1468244340 + i},"uid":"a"}}\n' for i in range(20))
        file.write('{"ts":null,"uid":"b"}\n')
    text = programs.run("unique_users", "--from", bad, "--output", "-", "--window", "1m", code=1)
    if text:
        raise Failure(f"results of a run that failed:\n{text}")
    check_one_line(programs, "offset 20", "ts", "--on-bad-record")
    check_last_line(programs.last_error, "records committed in ", "a file is read from its beginning at each start")


def dead_letter_file_case(programs):
    """Every record that is not counted or late is in the dead-letter file, as it was."""
    path, windows, naive = programs.data("hard")
    dead = os.path.join(programs.scratch, programs.unique("dead"))
    programs.run("unique_users", "--from", path, "--output", "-", *window_options(windows), "--lateness",
                 "5s", "--dead-letter", dead)
    found = naive_count.read_frames(dead)
    if len(found) != naive[1][1].dead_lettered:
        raise Failure(f"{len(found)} dead letters, naive {naive[1][1].dead_lettered}")
    if not set(found) <= set(naive_count.read_frames(path)):
        raise Failure("a dead letter is not a line of the input")


# Through a broker ----------------------------------------------------------------------------------------


class Run:
    """Topics of one application on one broker."""

    def __init__(self, programs, broker):
        self.programs = programs
        self.broker = broker
        self.frames, self.users, self.dead = map(programs.unique, ["frames", "users", "dead"])
        self.application = programs.unique("application")
        self.summary = os.path.join(programs.scratch, self.application + ".json")

    def create(self, partitions):
        for topic, count in [(self.frames, partitions), (self.users, 1), (self.dead, 1)]:
            # Results of 2016 are older than any retention: Kafka would delete them under the test.
            self.programs.run("millrace", "create", "--broker", self.broker, "--topic", topic,
                              "--partitions", count, "--set", "retention.ms=-1")

    def load(self, path, *more):
        self.programs.run("millrace", "load", "--broker", self.broker, "--topic", self.frames,
                          "--partitioner", "round-robin", *more, path)

    def options(self, windows, *more):
        return ["unique_users", "--broker", self.broker, "--input", self.frames, "--output", self.users,
                "--dead-letter", self.dead, "--application-id", self.application, "--state-dir",
                os.path.join(self.programs.scratch, self.programs.unique("state")),
                *window_options(windows), "--lateness", "5s", *more]

    def count(self, windows, *more):
        self.programs.run(*self.options(windows, "--until-end", "--summary", self.summary, *more))

    def cat(self, topic):
        return self.programs.run("millrace", "cat", "--broker", self.broker, "--topic", topic,
                                 "--until-end")


def embedded(programs):
    return "embedded:" + os.path.join(programs.scratch, programs.unique("broker"))


def kafka(_programs):
    if not KAFKA:
        raise ring_report.Skip("MILLRACE_TEST_KAFKA is not set")
    return KAFKA


def broker_case(programs, broker, name, partitions, *options):
    path, windows, naive = programs.data(name)
    run = Run(programs, broker(programs))
    run.create(partitions)
    run.load(path)
    run.count(windows, *options)
    text = run.cat(run.users)
    check_results(text, naive[partitions])
    check_same_lines(programs, name, partitions, text)
    check_summary(run.summary, naive[partitions])
    dead = len(lines_of(run.cat(run.dead)))
    if dead != naive[partitions][1].dead_lettered:
        raise Failure(f"{dead} records in the dead-letter topic, "
                      f"naive {naive[partitions][1].dead_lettered}")


def msgpack_case(programs, broker, name, partitions):
    """The same frames in MessagePack give the lines that they give in JSON."""
    _, windows, naive = programs.data(name)
    run = Run(programs, broker(programs))
    run.create(partitions)
    path = os.path.join(programs.scratch, programs.unique(name))
    run.load(programs.write_frames(name, path, *MSGPACK), *MSGPACK)
    run.count(windows, *MSGPACK)
    text = run.cat(run.users)
    check_results(text, naive[partitions])
    check_same_lines(programs, name, partitions, text)
    check_summary(run.summary, naive[partitions])


def integers_case(programs, broker):
    """`integers` sorts each partition, `verify-sorted` sees that, and that a copy in one partition is sorted too."""
    at = ["--broker", broker(programs)]
    source, copy = map(programs.unique, ["integers", "sorted"])
    programs.run("integers", *at, "--topic", source, "--partitions", 5, "--count", 20_000, "--skew", "0.9")
    values = lines_of(programs.run("millrace", "cat", *at, "--topic", source, "--until-end"))
    if len(values) != 20_000:
        raise Failure(f"{len(values)} integers")
    values.sort(key=int)
    load = ["millrace", "load", *at, "--topic", copy, "-"]
    verify = ["millrace", "verify-sorted", *at, "--topic", copy, "--against", source]
    programs.run(*load, stdin="".join(value + "\n" for value in values[:-1]).encode())
    programs.run(*verify, code=1)
    check_one_line(programs, f"the first value that differs is {values[-1]}: ")
    programs.run(*load, stdin=values[-1].encode())
    if f"holds what '{source}' holds: 20,000 records in 1 partition" not in programs.run(*verify):
        raise Failure("the summary says something else")


def two_processes_case(programs, name, *options):
    """Two instances of one application share the partitions and leave together."""
    path, windows, naive = programs.data(name)
    run = Run(programs, kafka(programs))
    run.create(4)
    run.load(path)
    instances = [subprocess.Popen(
        programs.command(*run.options(windows, "--until-end", "--instance-id", instance, *options)),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=programs.scratch)
        for instance in ["first", "second"]]
    for instance in instances:
        _, error = instance.communicate(timeout=HANG_SECONDS)
        if instance.returncode != 0:
            raise Failure(f"an instance ended with {instance.returncode}:\n{error.decode()[-3000:]}")
    text = run.cat(run.users)
    check_results(text, naive[4])
    check_same_lines(programs, name, 4, text)


def two_runs_case(programs, broker):
    """A second bounded run of the same application counts what came since the first, and nothing twice."""
    run = Run(programs, broker(programs))
    run.create(4)
    whole, windows, _ = programs.data("in-order")
    lines = naive_count.read_frames(whole)
    half = len(lines) // 2 // 4 * 4  # so that both halves are dealt out as the whole would be
    for part in [lines[:half], lines[half:]]:
        path = os.path.join(programs.scratch, programs.unique("half"))
        with open(path, "wb") as file:
            file.writelines(line + b"\n" for line in part)
        run.load(path)
        run.count(windows)
    last = {}
    for result in map(json.loads, lines_of(run.cat(run.users))):
        last[result["ts"]] = (result["ts"], result["duration_s"], result["unique_users"], result["frames"])
    results, _ = naive_count.count(lines, windows, partitions=4)
    if sorted(last.values()) != results:
        raise Failure(f"the last revisions are {sorted(last.values())}, naive {results}")


def wait_for(what, condition):
    """Polls until `condition()` is true; the deadline only ends a hang."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"{what} did not happen in {HANG_SECONDS} s")
        time.sleep(0.2)
    return found


def idle_case(programs, broker):
    """A quiet input lets its last window out; more of the same minute is a revision, and nothing is lost.

    Says how long the window took, without judging it: that is tested with a manual clock.
    """
    run = Run(programs, broker(programs))
    run.create(1)
    first, second = (os.path.join(programs.scratch, programs.unique("part")) for _ in range(2))
    with open(first, "w", encoding="utf-8") as file:
        file.writelines(f'{{"ts":{1468244340 + i % 110},"uid":"user-{i}"}}\n' for i in range(1000))
    with open(second, "w", encoding="utf-8") as file:
        file.writelines(f'{{"ts":{1468244440 + i % 10},"uid":"late-{i}"}}\n' for i in range(100))
    last_minute = 1468244400

    def emitted():
        lines = [json.loads(line) for line in lines_of(run.cat(run.users))]
        return [line for line in lines if line["ts"] == last_minute and line["final"]]

    run.load(first)
    process = subprocess.Popen(programs.command(*run.options([60], "--idle-after", "1s")),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=programs.scratch)
    try:
        wait_for("the first window", lambda: run.cat(run.users))
        quiet = time.monotonic()
        before = wait_for("the last window", emitted)
        print(f"         the last window came {time.monotonic() - quiet:.1f} s after the first one; "
              "idle after 1 s", flush=True)
        if [each.get("revision", 0) for each in before] != [0]:
            raise Failure(f"not one first emission of the last window, but {before}")
        run.load(second)
        after = wait_for("the revision", lambda: [each for each in emitted() if each.get("revision")])
        if after[-1]["frames"] != before[0]["frames"] + 100:
            raise Failure(f"first {before[0]}, then {after[-1]}: frames are lost")
        if after[-1]["unique_users"] != before[0]["unique_users"] + 100:
            raise Failure(f"first {before[0]}, then {after[-1]}: users are lost")
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=HANG_SECONDS)
    if code != 0:
        raise Failure(f"Ctrl-C ended it with {code}")


# The last line ---------------------------------------------------------------------------------------------


def check_last_line(error, *naming):
    last = lines_of(error)[-1]
    for each in naming:
        if each not in last:
            raise Failure(f"the last line does not say '{each}', but:\n{last}")


def done_case(programs, broker):
    """A bounded run says what it did and how to go on; the same command finds nothing new."""
    path, windows, naive = programs.data("too-late")
    run = Run(programs, broker(programs))
    run.create(1)
    run.load(path)
    run.count(windows)
    late = naive[1][1].late
    check_last_line(programs.last_error, f"unique_users: done, all input is read; {FRAMES:,} records committed in ",
                    f", {late:,} late", "the same command goes on behind them")
    run.count(windows)
    check_last_line(programs.last_error, "unique_users: done, all input is read; 0 records committed in ")


def stopped_case(programs, broker):
    """Ctrl-C: the records that were committed, and that the same command goes on."""
    path, windows, _ = programs.data("in-order")
    run = Run(programs, broker(programs))
    run.create(1)
    run.load(path)
    said = os.path.join(programs.scratch, programs.unique("said"))
    with open(said, "wb") as file:
        process = subprocess.Popen(programs.command(*run.options(windows, "--progress-every", "1")),
                                   stdout=subprocess.DEVNULL, stderr=file, cwd=programs.scratch)

    def text():
        with open(said, encoding="utf-8") as file:
            return file.read()

    wait_for("all records", lambda: re.search(rf"^{FRAMES} records; ", text(), re.MULTILINE))
    process.send_signal(signal.SIGINT)
    if process.wait(timeout=HANG_SECONDS) != 0:
        raise Failure(f"Ctrl-C ended it with {process.returncode}:\n{text()[-3000:]}")
    check_last_line(text(), f"unique_users: stopped as asked; {FRAMES:,} records committed in ",
                    "the same command goes on behind them")


def interrupted_case(programs):
    """Tools that are interrupted say how far they came, what to do, and end with 1."""
    at = ["--broker", embedded(programs)]
    topic = programs.unique("frames")
    command = programs.command("millrace", "load", *at, "--topic", topic, "-")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               cwd=programs.scratch)
    process.stdin.write(b"a\n" * 200_000)  # more than a pipe holds: it reads when this returns
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    error = process.stderr.read().decode()
    process.stdin.close()
    if process.wait(timeout=HANG_SECONDS) != 1:
        raise Failure(f"Ctrl-C ended it with {process.returncode}:\n{error}")
    found = re.search(r"interrupted: ([\d,]+) records are in topic .*; to load that: tail -n \+(\d+) FILE", error)
    if not found:
        raise Failure(f"it does not say how to go on:\n{error}")
    count = int(found[1].replace(",", ""))
    there = len(lines_of(programs.run("millrace", "cat", *at, "--topic", topic, "--until-end"))) if count else 0
    if (there, int(found[2])) != (count, count + 1):
        raise Failure(f"{there} records are there:\n{error}")


def json_log_case(programs, broker):
    """Each line is an object; those of the library name task, topic, partition and offset as members."""
    path, windows, _ = programs.data("hard")
    run = Run(programs, broker(programs))
    run.create(1)
    run.load(path)
    run.count(windows, "--log-format", "json", "--log-level", "info", "--progress-every", "1000")
    lines = [json.loads(line) for line in lines_of(programs.last_error)]
    for line in lines:
        if list(line)[:3] != ["time", "level", "text"]:
            raise Failure(f"a line begins with other members: {line}")
    if not any(line["text"] == "task runs" and line["task"] and line["restore_ms"] >= 0 for line in lines):
        raise Failure(f"no task is named:\n{programs.last_error[-3000:]}")
    if not lines[-1]["text"].startswith("unique_users: done"):
        raise Failure(f"the last line is {lines[-1]}")
    missing = Run(programs, broker(programs))
    programs.run(*missing.options(windows, "--log-format", "json"), code=1)
    line = json.loads(programs.last_error)
    if (line["level"], missing.frames in line["text"]) != ("error", True):
        raise Failure(f"the error is {line}")


# How programs talk ---------------------------------------------------------------------------------------


def same_seed_case(programs):
    options = ["frames", "--count", "500", *START, "--users", "50", "--rate", "10", "--late-percent", "5",
               "--flip-percent", "1", "--broken-percent", "1"]
    if programs.run(*options, "--seed", "7") != programs.run(*options, "--seed", "7"):
        raise Failure("the same seed gives other bytes")
    if programs.run(*options, "--seed", "7") == programs.run(*options, "--seed", "8"):
        raise Failure("another seed gives the same bytes")


def help_case(programs, program):
    if "--help" not in programs.run(program, "--help"):
        raise Failure(f"{program} --help does not name --help")
    if not re.search(r"\d+\.\d+\.\d+", programs.run(program, "--version")):
        raise Failure(f"{program} --version names no version")


def check_one_line(programs, *naming):
    """The last program said one line, and named these."""
    error = programs.last_error
    for each in naming:
        if each not in error:
            raise Failure(f"'{each}' is not named: {error[-1000:]}")
    said = [line for line in lines_of(error) if not re.match(r"\d+ records; ", line)]
    if len(said) != 1:
        raise Failure(f"not one clear line, but:\n{error[-1000:]}")


def usage_case(programs, naming, *arguments):
    """Wrong usage is exit code 2 and a line that names what is wrong."""
    programs.run(*arguments, code=2)
    if naming not in programs.last_error:
        raise Failure(f"'{naming}' is not named: {programs.last_error[-1000:]}")


def missing_topic_case(programs, broker):
    run = Run(programs, broker(programs))
    programs.run(*run.options([60], "--until-end"), code=1)
    check_one_line(programs, run.frames, "does not exist")


def unreachable_broker_case(programs):
    programs.run("unique_users", "--broker", "127.0.0.1:1", "--input", "frames", "--output", "users",
                 "--window", "1m", "--state-dir", programs.unique("state"), code=1)
    check_one_line(programs, "127.0.0.1:1")


def changed_shards_case(programs, broker):
    """The number of shards is fixed by the topics that the first run made."""
    run = Run(programs, broker(programs))
    run.create(1)
    run.count([60], "--shards", "2")
    programs.run(*run.options([60], "--until-end", "--shards", "3"), code=2)
    check_one_line(programs, run.application, "2 partitions", "millrace reset")


def other_topology_case(programs):
    """A live member with another topology is left alone, and named."""
    run = Run(programs, kafka(programs))
    run.create(1)
    process = subprocess.Popen(programs.command(*run.options([60])), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=programs.scratch)
    try:
        wait_for("a member", lambda: "Stable" in subprocess.run(
            programs.command("millrace", "groups", "--broker", run.broker, run.application),
            capture_output=True, text=True, timeout=HANG_SECONDS, check=False).stdout)
        programs.run(*run.options([600]), code=1)
        check_one_line(programs, run.application, "another topology")
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=HANG_SECONDS)
    if code != 0:
        raise Failure(f"the live member ended with {code}")


def describe_case(programs):
    """The program is the same program with and without a broker."""
    broker, file = (programs.run("unique_users", *source, "--describe") for source in
                    [["--broker", "embedded:", "--output", "unique-users"],
                     ["--from", "frames.jsonl", "--output", "-"]])
    if "distinct_count" not in broker or broker != file:
        raise Failure(f"with a broker:\n{broker}\nwith a file:\n{file}")


def cases_of(programs):
    def case(name, function, *arguments):
        return name, lambda: function(programs, *arguments)

    for program in ["frames", "integers", "millrace", "sorted_merge", "unique_users", "report"]:
        yield case(f"Usage.HelpAndVersionOf_{program}", help_case, program)
    yield case("Usage.UnknownOption", usage_case, "--windw", "unique_users", "--windw", "1m")
    yield case("Usage.WindowThatIsNone", usage_case, "'1x'", "unique_users", "--window", "1x")
    yield case("Usage.TwoWaysToCount", usage_case, "--sketch", "unique_users", "--exact", "--sketch", "12")
    yield case("Usage.MessagePackFromAFile", usage_case, "millrace load --format msgpack", "unique_users",
               "--from", "frames.msgpack", "--output", "-", *MSGPACK)
    yield case("Usage.CsvHeaderWithoutUser", usage_case, "'ts,user'", "unique_users", "--from", "-",
               "--output", "-", "--format", "csv", "--csv-header", "ts,user")
    yield case("Usage.CsvHeaderOfJson", usage_case, "--format csv", "unique_users", "--from", "-", "--output",
               "-", "--csv-header", "uid,ts")
    yield case("Usage.LineEndsOfMessagePack", usage_case, "--crlf", "frames", "--count", "1", "--crlf",
               *MSGPACK)
    yield case("Usage.DescribesTheSameTopologyWithoutABroker", describe_case)
    yield case("Usage.InterruptedToolsSayHowToGoOn", interrupted_case)
    yield case("Frames.AreTheSameBytesForTheSameSeed", same_seed_case)
    for name in DATA:
        yield case(f"File.{name}", file_case, name)
    for name in ["in-order", "late", "hard"]:
        yield case(f"File.{name}_threads2_shards3", file_case, name, "--threads", "2", "--shards", "3")
    for name in ["in-order", "hard", "edges"]:
        yield case(f"File.{name}_AsCsv", csv_file_case, name)
    yield case("File.StandardInput", standard_input_case)
    yield case("File.OutputToAFile", output_file_case)
    for name in ["late", "edges"]:
        yield case(f"File.{name}_FiveWindowsInOneRunEqualOneRunEach", many_windows_case, name)
    yield case("File.DeadLettersAreTheLinesThatWereBad", dead_letter_file_case)
    yield case("File.BadRecordStopsTheRunAndIsNamed", stop_case)
    brokers = [("Embedded", embedded), ("Kafka", kafka)]
    yield from http_cases.cases(case, lambda each, broker: Run(each, broker(each)), embedded, kafka, wait_for)
    yield from page_cases.cases(case, lambda each, broker: Run(each, broker(each)), embedded, wait_for)
    for label, broker in brokers:
        for name in DATA:
            yield case(f"{label}.{name}_partitions1", broker_case, broker, name, 1)
        for name in ["in-order", "late"]:
            for options in [["--threads", "1"], ["--threads", "2"], ["--shards", "3"],
                            ["--threads", "2", "--shards", "3"]]:
                words = "".join(options).replace("--", "_")
                yield case(f"{label}.{name}_partitions4{words}", broker_case, broker, name, 4, *options)
        yield case(f"{label}.hard_partitions4", broker_case, broker, "hard", 4)
        yield case(f"{label}.hard_partitions1_AsMessagePack", msgpack_case, broker, "hard", 1)
        yield case(f"{label}.late_partitions4_AsMessagePack", msgpack_case, broker, "late", 4)
        yield case(f"{label}.SecondRunGoesOnWhereTheFirstEnded", two_runs_case, broker)
        yield case(f"{label}.IntegersAreVerified", integers_case, broker)
        yield case(f"{label}.MissingTopicIsNamed", missing_topic_case, broker)
        yield case(f"{label}.LastLineOfABoundedRun", done_case, broker)
        yield case(f"{label}.LastLineAfterCtrlC", stopped_case, broker)
        yield case(f"{label}.JsonLogIsJsonInEachLine", json_log_case, broker)
        yield case(f"{label}.ChangedShardsAreRefused", changed_shards_case, broker)
    yield from semantics.cases(case)
    yield from example_configuration.cases(case)
    yield from merge_cases.cases(case, brokers, check_one_line)
    yield from secure_cases.cases(case, lambda make: functools.cache(lambda: make(programs)), wait_for)
    for name in ["in-order", "late"]:
        yield case(f"Kafka.{name}_partitions4_TwoProcesses", two_processes_case, name)
    yield case("Kafka.late_partitions4_TwoProcesses_shards3", two_processes_case, "late", "--shards", "3")
    yield case("Kafka.QuietInputIsEmittedAndRevised", idle_case, kafka)
    yield case("Kafka.UnreachableBrokerIsNamed", unreachable_broker_case)
    yield case("Kafka.LiveMemberWithAnotherTopologyIsNamed", other_topology_case)


def main():
    arguments = ring_report.argument_parser(__doc__.splitlines()[0]).parse_args()
    programs = Programs(arguments.build)
    try:
        code = ring_report.run(arguments, list(cases_of(programs)))
    finally:
        programs.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
