"""Real processes of one application on a real Kafka, for tests that kill, stop and starve them."""

import collections
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS, os.path.join(TESTS, "programs")]
import naive_count  # noqa: E402
from kafka_nodes import dead_letter_origins  # noqa: E402
from ring_report import Failure  # noqa: E402

HANG_SECONDS = 180  # ends a hang; nothing here takes half of it
WINDOWS = [10, 60]
PARTITIONS = 6
# A third of an hour of event time, with everything in it that can go wrong with a frame.
FRAMES = ["--users", "3000", "--rate", "100", "--bytes", "300", "--start", "1468244384", "--late-percent",
          "5", "--max-delay", "9s", "--flip-percent", "0.1", "--broken-percent", "0.3"]

PartitionState = collections.namedtuple("PartitionState", "committed end owner group")


class Programs:
    """The programs of one build, and a directory for all that they write."""

    def __init__(self, build):
        self.bin = os.path.join(os.path.abspath(build), "bin")
        self.scratch = tempfile.mkdtemp(prefix="millrace-failover-")
        self.number = itertools.count()

    def path(self, name):
        return os.path.join(self.scratch, name)

    def command(self, *arguments):
        return [os.path.join(self.bin, str(arguments[0])), *map(str, arguments[1:])]

    def run(self, *arguments, code=0):
        """(standard output, standard error) of a program that must end with `code`."""
        done = subprocess.run(self.command(*arguments), capture_output=True, timeout=HANG_SECONDS,
                              check=False)
        error = done.stderr.decode(errors="replace")
        if done.returncode != code:
            raise Failure(f"{' '.join(map(str, arguments))}\nended with {done.returncode} instead of {code}:\n"
                          f"{error[-3000:]}")
        return done.stdout.decode(errors="surrogateescape"), error

    def frames(self, count, seed):
        path = self.path(f"frames-{seed}-{count}.jsonl")
        if not os.path.exists(path):
            with open(path, "wb") as file:
                subprocess.run(self.command("frames", "--count", count, "--seed", seed, *FRAMES), stdout=file,
                               stderr=subprocess.DEVNULL, check=True, timeout=HANG_SECONDS)
        return path

    def close(self, keep=False):
        if keep:
            print(f"         logs and data are kept in {self.scratch}", flush=True)
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)


class Instance:
    """One copy of unique_users with its log and its state directory, started as often as is asked for."""

    def __init__(self, application, name, options=()):
        self.application = application
        self.name = name
        self.options = list(options)
        self.state_dir = os.path.join(application.directory, "state-" + name)
        self.log = os.path.join(application.directory, name + ".log")
        self.process = None

    def start(self, *more):
        words = self.application.options("--state-dir", self.state_dir, *self.options, *more)
        self.note("started: " + " ".join(map(str, words)))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.application.programs.command(*words), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.application.directory)

    def note(self, what):
        """A line in the log, in the form of the program's own."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1000):03d}"
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{stamp} test {what}\n")

    def signal(self, number):
        self.note(f"gets {number.name}")
        self.process.send_signal(number)

    def kill(self):
        self.check()
        self.signal(signal.SIGKILL)
        self.process.wait()

    def lose_state(self):
        self.note("loses its state directory")
        shutil.rmtree(self.state_dir, ignore_errors=True)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Nobody has killed it, so it must live."""
        if not self.alive():
            raise Failure(f"{self.name} ended by itself with {self.process.returncode}:\n{self.tail()}")

    def wait(self, code=0):
        try:
            found = self.process.wait(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired as hang:
            raise Failure(f"{self.name} does not end within {HANG_SECONDS} s:\n{self.tail()}") from hang
        if found != code:
            raise Failure(f"{self.name} ended with {found} instead of {code}:\n{self.tail()}")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def tail(self):
        return self.said()[-2500:]

    def end(self):
        if self.alive():
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


class Application:
    """Topics, group and instances of one application; the naive count is its judge."""

    def __init__(self, programs, broker, name, *options):
        self.programs = programs
        self.broker = broker
        self.name = f"{name}-{next(programs.number)}"
        self.directory = programs.path(self.name)
        os.makedirs(self.directory)
        self.repartition = f"{self.name}-users-repartition"  # read by the tasks that keep the counts
        self.changelog = f"{self.name}-users-changelog"
        self.input, self.output, self.dead = (f"{self.name}-{what}" for what in ["frames", "results", "dead"])
        self.summary = os.path.join(self.directory, "summary.json")
        self.more = list(options)
        self.instances = []
        for topic, partitions in [(self.input, PARTITIONS), (self.output, 1), (self.dead, 1)]:
            # Results of 2016 are older than any retention: Kafka would delete them under the test.
            programs.run("millrace", "create", "--broker", broker, "--topic", topic, "--partitions", partitions,
                         "--set", "retention.ms=-1")

    def options(self, *more):
        windows = [word for window in WINDOWS for word in ["--window", f"{window}s"]]
        # Only the end of the run closes windows early, so the naive count is the one right answer.
        return ["unique_users", "--broker", self.broker, "--input", self.input, "--output", self.output,
                "--dead-letter", self.dead, "--application-id", self.name, *windows, "--lateness", "5s",
                "--idle-after", "1h", "--log-level", "info", *self.more, *more]

    def add(self, name, *options):
        instance = Instance(self, name, options)
        self.instances.append(instance)
        return instance

    def check(self):
        for instance in self.instances:
            instance.check()

    def load(self, path, *more):
        self.programs.run("millrace", "load", "--broker", self.broker, "--topic", self.input, "--partitioner",
                          "round-robin", *more, path)

    def partitions(self, topic=None):
        """{partition: PartitionState} of a topic, else of the input; None while `millrace groups` cannot say.

        It cannot while a transaction of a dead instance is open, and while its coordinator is away.
        """
        done = subprocess.run(self.programs.command("millrace", "groups", "--broker", self.broker, self.name),
                              capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        if done.returncode != 0:
            return None
        found = {}
        for line in done.stdout.splitlines()[1:]:
            _, group, _, name, partition, committed, end, _, owner = line.split()
            if name == (topic or self.input):
                found[int(partition)] = PartitionState(0 if committed == "-" else int(committed),
                                                       0 if end == "-" else int(end), owner, group)
        return found

    def committed(self, topic=None):
        """The sum of the committed offsets of a topic, else of the input, or None."""
        found = self.partitions(topic)
        return None if found is None else sum(state.committed for state in found.values())

    def wait_until_committed_beyond(self, offset, what, topic=None):
        """Waits until the group has committed more than `offset` in all; returns how much."""
        def moved():
            self.check_running()
            now = self.committed(topic)
            return now if now is not None and now > offset else None
        return wait_for(what, moved)

    def check_running(self):
        """Whoever was started and not killed runs."""
        for instance in self.instances:
            if instance.process is not None and instance.process.poll() not in [None, -signal.SIGKILL]:
                instance.check()

    def stop(self):
        """An orderly end of all."""
        running = [instance for instance in self.instances if instance.process is not None]
        for instance in running:
            instance.check()
            instance.signal(signal.SIGINT)
        for instance in running:
            instance.wait()

    def finish(self):
        """The same instances once more, to the end of what was loaded."""
        for instance in self.instances:
            instance.start("--until-end", "--summary", self.summary)
        for instance in self.instances:
            instance.wait()

    def cat(self, topic, *more):
        text, _ = self.programs.run("millrace", "cat", "--broker", self.broker, "--topic", topic, "--until-end",
                                    *more)
        return text

    def judge(self, lines):
        """Compares all that was committed with a naive count of the loaded `lines`: 0 differences.

        None stands for a line that was deleted before it was read.
        """
        expected, counts = naive_count.count(lines, WINDOWS, partitions=PARTITIONS)
        text = self.cat(self.output)
        with open(os.path.join(self.directory, "results.jsonl"), "w", encoding="utf-8") as file:
            file.write(text)
        found = naive_count.results_of(text)
        wrong = differences(expected, found)
        with open(self.summary, encoding="utf-8") as file:
            summary = json.load(file)
        for name, value in {**counts._asdict(), "early_closes": 0, "dropped_after_close": 0,
                            "lost": lines.count(None)}.items():
            if summary[name] != value:
                wrong.append(f"summary: {name} is {summary[name]}, naive {value}")
        if not all(result["final"] and not result.get("revision") for result in map(json.loads, text.splitlines())):
            wrong.append("a result is not final, or a revision")
        origins = collections.Counter(dead_letter_origins(self.cat(self.dead, "--json").splitlines()))
        wrong += [f"dead letter {origin} is there {times} times" for origin, times in origins.items() if times > 1]
        if len(origins) != counts.dead_lettered:
            wrong.append(f"{len(origins)} records in the dead-letter topic, naive {counts.dead_lettered}")
        if wrong:
            self.keep_evidence()
            raise Failure(f"{len(wrong)} differences:\n" + "\n".join(wrong[:20]))
        return len(expected), counts

    def keep_evidence(self):
        """Internal topics beside the logs, for whoever looks for the cause."""
        topics, _ = self.programs.run("millrace", "topics", "--broker", self.broker)
        for topic in sorted(set(re.findall(re.escape(self.name) + r"\S*", topics))):
            with open(os.path.join(self.directory, topic + ".jsonl"), "w", encoding="utf-8") as file:
                file.write(self.cat(topic, "--json"))

    def end(self):
        for instance in self.instances:
            instance.end()


def differences(expected, found):
    """Lines about windows that are missing, wrong, doubled or out of order."""
    by_window = collections.defaultdict(list)
    for result in found:
        by_window[result[:2]].append(result)
    wrong = []
    for result in expected:
        mine = by_window.pop(result[:2], [])
        if mine != [result]:
            wrong.append(f"naive {result}, found {mine} (ts, duration_s, unique_users, frames)")
    wrong += [f"no such window: {results}" for results in by_window.values()]
    if not wrong and found != expected:
        wrong.append("the windows are out of order")
    return wrong


def wait_for(what, condition):
    """Polls until `condition()` gives something; the deadline only ends a hang."""
    deadline = time.monotonic() + HANG_SECONDS
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"{what} did not happen in {HANG_SECONDS} s")
        time.sleep(0.1)
    return found
