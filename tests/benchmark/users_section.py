"""The sections `users` and `restart` of run_benchmarks: unique users per minute, by Millrace and by all that one would
do instead, on one Kafka."""

import re
import shutil
import signal
import subprocess
import time

import kafka_streams_peer
import python_peer
from measuring import (BenchmarkError, Side, cpu_per_million, in_range, must_equal, rate, rate_without_start, ratio,
                       reaped, rounds, shown, sides_table, spread, started, taken, users_by_window, verdict)

# So many that the faster sides need some 10 s; the others are given less.
MANY, FEW = 4_000_000, 1_000_000
FRAMES = ["--users", "100000", "--rate", "1000", "--seed", "1", "--bytes", "2000"]
PARTITIONS = 4
DATA_LIMIT = 1 << 30  # RLIMIT_DATA of Millrace and of the bare loop
ROUNDS = {"none": 3, "lz4": 2}
GUARANTEES = {"exactly_once": "exactly once", "at_least_once": "at least once"}
RATE_GOALS = {"Kafka Streams": 8, "Python": 4}
CPU_GOAL = 5


def load(bench, broker, topic, count, compression, options=FRAMES):
    bench.plan.step(f"loading {count:,} frames into '{topic}'")
    source = bench.generated("--count", str(count), *options)
    bench.call("millrace", "load", "--broker", broker, "--topic", topic, "--partitions", str(PARTITIONS),
               "--compression", compression, "-", stdin=source.stdout)
    source.wait()


class UniqueUsers:
    """Every side's run on two topics, of which one is the beginning of the other."""

    def __init__(self, bench, broker, compression):
        self.bench, self.broker = bench, broker
        self.topics = {count: f"frames-{compression}-{count}" for count in [bench.frames(MANY), bench.frames(FEW)]}
        self.expected, self.commands = {}, {}
        for count, topic in self.topics.items():
            load(bench, broker, topic, count, compression)
            self.expected[count] = users_by_window(bench.call("raw_kafka_count", broker, topic))

    def forget(self):
        for topic in self.topics.values():
            self.bench.call("raw_records", "delete", self.broker, topic)

    def timed(self, name, command, **limit):
        self.commands[name] = shown(command)
        return self.bench.timed(command, **limit)

    def check(self, name, count, text):
        must_equal(name, users_by_window(text), self.expected[count])

    def by_hand(self, count):
        def run():
            run = self.timed("raw", self.bench.program("raw_kafka_count", self.broker, self.topics[count]),
                             data_limit=DATA_LIMIT)
            self.check("raw_kafka_count", count, run.out)
            return taken(run)
        return Side("bare C++ loop", count, run)

    def python(self, count):
        def run():
            run = self.timed("python", python_peer.command(self.bench, self.broker, self.topics[count]))
            self.check("Python", count, run.out)
            return taken(run)
        return Side("Python", count, run)

    def millrace(self, count, threads, guarantee="exactly_once"):
        def run():
            name = self.bench.next_name()
            run = self.timed("millrace", self.bench.program(
                "unique_users", "--broker", self.broker, "--input", self.topics[count], "--output", name,
                "--window", "1m", "--until-end", "--threads", str(threads), "--guarantee", guarantee,
                "--application-id", name, "--state-dir", self.bench.scratch / name,
                "--progress-every", "1000000000"), data_limit=DATA_LIMIT)
            self.check("unique_users", count, self.results(name))
            return taken(run)
        return Side(f"Millrace, {GUARANTEES[guarantee]}, {threads_text(threads)}", count, run)

    def kafka_streams(self, count, threads, guarantee="exactly_once"):
        def run():
            name = self.bench.next_name()
            self.bench.create_topic(self.broker, name, 1)
            run = self.timed("kafka streams", kafka_streams_peer.command(
                self.bench, "UniqueUsers", self.broker, self.topics[count], name, threads, guarantee))
            self.check("Kafka Streams", count, self.results(name))
            return taken(run, inside=kafka_streams_peer.seconds_from_first_record(run.out))
        return Side(f"Kafka Streams, {GUARANTEES[guarantee]}, {threads_text(threads)}", count, run)

    def results(self, name):
        text = self.bench.call("millrace", "cat", "--broker", self.broker, "--topic", name, "--until-end")
        shutil.rmtree(self.bench.scratch / name, ignore_errors=True)
        return text


def threads_text(threads):
    return f"{threads} thread" + "s" * (threads > 1)


def best(sides, start):
    """The name of the fastest of the sides whose name starts so."""
    return max((name for name in sides if name.startswith(start)), key=lambda name: rate(sides[name])[0])


def users(bench):
    many, few = bench.frames(MANY), bench.frames(FEW)
    section = {"python": python_peer.versions(bench), "commands": []}
    kafka_streams_peer.library(bench)
    with bench.cluster(bench.settings) as broker:
        every = UniqueUsers(bench, broker, "none")
        sides = [every.by_hand(many), every.python(few)]
        for guarantee in GUARANTEES:
            for threads in [1, 2]:
                sides += [every.millrace(many, threads, guarantee), every.kafka_streams(few, threads, guarantee)]
        section["none"] = rounds(bench.plan, bench.rounds(ROUNDS["none"]), sides)
        section["commands"] = list(every.commands.values())
        every.forget()
        every = UniqueUsers(bench, broker, "lz4")
        threads = {start: 1 + ("2 threads" in best(section["none"], f"{start}, exactly"))
                   for start in ["Millrace", "Kafka Streams"]}
        section["lz4"] = rounds(bench.plan, bench.rounds(ROUNDS["lz4"]), [
            every.by_hand(many), every.python(few), every.millrace(many, threads["Millrace"]),
            every.kafka_streams(few, threads["Kafka Streams"])])
    return section


def ratios(sides):
    """Of the best of Millrace, exactly once, to the best of each other: peer -> rates, CPU, rates without start."""
    mine = sides[best(sides, "Millrace, exactly")]
    found = {}
    for peer, start in [("Kafka Streams", "Kafka Streams, exactly"), ("Python", "Python"), ("bare C++ loop", "bare")]:
        other = sides[best(sides, start)]

        def speed(side, run):
            return side["records"] / run["seconds"]

        def speed_inside(side, run):
            return side["records"] / run["inside"]

        def cheapness(side, run):
            return side["records"] / run["cpu"]

        found[peer] = {"rate": ratio(mine, other, speed), "cpu": ratio(mine, other, cheapness)}
        if rate_without_start(other):
            inside = [speed(mine, a) / speed_inside(other, b) for a, b in zip(mine["runs"], other["runs"])]
            found[peer]["inside"] = spread({"runs": inside}, lambda value: value)
    return found


def ratio_lines(sides, goals):
    lines = ["| Millrace, exactly once, against | frames/s | frames/s, without the other's start | CPU seconds |",
             "|---|--:|--:|--:|"]
    verdicts = []
    for peer, each in ratios(sides).items():
        lines.append(f"| {peer} | {in_range(each['rate'], 2)} | "
                     f"{in_range(each['inside'], 2) if 'inside' in each else ''} | {in_range(each['cpu'], 2)} |")
        if goals and peer in RATE_GOALS:
            verdicts.append(f"at least {RATE_GOALS[peer]} times the rate of {peer}: "
                            f"{verdict(each['rate'][0] >= RATE_GOALS[peer])}")
        if goals and peer == "Kafka Streams":
            verdicts.append(f"a fifth of its CPU seconds at most: {verdict(each['cpu'][0] >= CPU_GOAL)}")
    return lines + (["", "Goals: " + "; ".join(verdicts) + "."] if goals else [])


def render_users(section):
    lines = ["## Unique users, side by side", "",
             f"Unique users per minute, exactly: frames of 2 KB in {PARTITIONS} partitions, 60,000 a minute, of "
             "100,000 users. The slower sides are given the beginning of what the faster ones are given: compared are "
             f"rates. All sides read the same broker in turns. Millrace and the bare loop may have {DATA_LIMIT >> 20} "
             "MiB of data (RLIMIT_DATA), the others what they want.", "",
             "Kafka Streams (tests/benchmark/kafka_streams): the Processor API, which is faster here than the DSL; a "
             "window store behind a topic by user, counts per partition, one sum; -Xmx2g, a record cache of 128 MB, "
             "memtables of 64 MB, lz4; exactly_once_v2 with commits each 100 ms, or at least once with 1 s; late "
             "records correct a window that is out already, for with a grace of 5 s most frames of a backlog are "
             f"dropped. Python (tests/benchmark/python_unique_users.py): {section['python']}; large batches, a set per "
             "minute, one process without recovery or output topic. The bare loop has none of these either.", "",
             "*From the first on*: without the start of the JVM, the creation of its topics and the first rebalance, "
             "up to the moment when its results account for every frame, as its program tells; for Millrace all that "
             "is in the time. CPU seconds are of the whole process; the broker's in the same time come on top."]
    for compression, title in [("none", "Uncompressed"), ("lz4", "lz4")]:
        lines += ["", f"### {title}", "", *sides_table(section[compression]), "",
                  "Ratios of the same round, each side with the number of threads that is better uncompressed:", "",
                  *ratio_lines(section[compression], compression == "none")]
    missed = explain_missed(section["none"])
    return lines + (["", missed] if missed else [])


def explain_missed(sides):
    """What bounds Millrace where a goal is missed: said from the numbers."""
    each = ratios(sides)
    fast = all(each[peer]["rate"][0] >= goal for peer, goal in RATE_GOALS.items())
    if fast and each["Kafka Streams"]["cpu"][0] >= CPU_GOAL:
        return ""
    mine = sides[best(sides, "Millrace, exactly")]
    broker = spread(mine, lambda run: run["broker_cpu"] * 1e6 / mine["records"])[0]
    own = cpu_per_million(mine)[0]
    bare = each["bare C++ loop"]["rate"][0]
    ceiling = ", ".join(f"{each[peer]['rate'][0] / bare:.1f} times that of {peer}" for peer in RATE_GOALS)
    return (f"Why: on this machine the client shares two cores with the broker. Of a million frames Millrace takes "
            f"{own:.1f} CPU seconds and the broker {broker:.1f}; it runs at {bare:.2f} times the rate of the bare "
            f"loop, which does the same reading and parsing and nothing else. The rate of that loop is {ceiling}.")


# --- restart

RESTARTED = 1_000_000
LEAST_RESTARTED = 500_000  # fewer would be done before it is killed
RESTART_ROUNDS = 3


class Restart:
    """Unique users, killed (-9) when half is done; its directory is lost; started again."""

    def __init__(self, bench, broker, topic, frames):
        self.bench, self.broker, self.topic, self.frames = bench, broker, topic, frames
        self.expected = users_by_window(bench.call("raw_kafka_count", broker, topic))
        self.commands = {}

    def millrace(self):
        def command(name):
            return self.bench.program(
                "unique_users", "--broker", self.broker, "--input", self.topic, "--output", name, "--window", "1m",
                "--until-end", "--application-id", name, "--state-dir", self.bench.scratch / name, "--instance-id",
                "one", "--static", "--progress-every", "1000", "--log-level", "info")
        return self.run("Millrace", command, r"task runs", r"restored .*\brecords=(\d+)")

    def kafka_streams(self):
        def command(name):
            return kafka_streams_peer.command(self.bench, "UniqueUsers", self.broker, self.topic, name, 1,
                                              instance="one", progress="true")
        return self.run("Kafka Streams", command, r"^running", r"^running, restored records=(\d+)")

    def run(self, side, command, running, restored):
        name = self.bench.next_name()
        self.bench.create_topic(self.broker, name, 1)
        words = command(name)
        self.commands[side] = shown(words)
        killed_at = self.kill_at_half(words)
        shutil.rmtree(self.bench.scratch / name)
        begin = time.monotonic()
        runs_after, records, lines = 0, 0, []
        with started(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout:
                lines.append(line)
                if re.search(running, line):
                    runs_after = time.monotonic() - begin
                if found := re.search(restored, line):
                    records = int(found.group(1)) + (records if side == "Millrace" else 0)
            run = reaped(process, begin, "".join(lines), shown(words))
        users = users_by_window(
            self.bench.call("millrace", "cat", "--broker", self.broker, "--topic", name, "--until-end"))
        must_equal(f"{side}, restarted", users, self.expected)
        shutil.rmtree(self.bench.scratch / name)
        return taken(run, runs_after=runs_after, restored=records, killed_at=killed_at)

    def kill_at_half(self, words):
        """Records done when it was killed."""
        with started(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            lines = []
            for line in process.stdout:
                lines.append(line)
                found = re.match(r"(\d+) records", line)
                if found and int(found.group(1)) >= self.frames / 2:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    return int(found.group(1))
        raise BenchmarkError(f"{shown(words)} ended before it was killed:\n{''.join(lines[-20:])}")


def restart(bench):
    frames = max(LEAST_RESTARTED, bench.frames(RESTARTED))
    kafka_streams_peer.library(bench)
    with bench.cluster(bench.settings) as broker:
        load(bench, broker, "frames", frames, "none")
        both = Restart(bench, broker, "frames", frames)
        sides = rounds(bench.plan, bench.rounds(RESTART_ROUNDS),
                       [Side("Millrace", frames, both.millrace), Side("Kafka Streams", frames, both.kafka_streams)])
    return {"frames": frames, "sides": sides, "commands": list(both.commands.values())}


def render_restart(section):
    lines = ["## After a lost disk, side by side", "",
             f"Unique users per minute of {section['frames']:,} frames of 2 KB, exactly once, one thread, a static "
             "member: killed (-9) when half is done, its state directory deleted, started again at once. *Until it "
             "runs*: from the start of the process until all its tasks process, with their state restored from Kafka. "
             "Afterwards the counts of all windows are compared.", "",
             "| | runs | killed after | seconds until it runs | changelog records restored | seconds to the end | CPU "
             "s | peak memory |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for name, side in section["sides"].items():
        def of(key):
            return spread(side, lambda run: run[key])
        lines.append(f"| {name} | {len(side['runs'])} | {of('killed_at')[0]:,.0f} | {in_range(of('runs_after'), 2)} | "
                     f"{of('restored')[0]:,.0f} | {in_range(of('seconds'), 1)} | {in_range(of('cpu'), 1)} | "
                     f"{of('peak_mb')[2]:.0f} MB |")
    return lines
