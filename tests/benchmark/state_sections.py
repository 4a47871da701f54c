"""The sections `restore` and `count` of run_benchmarks: state on disk, changelogs, exactly once."""

import json
import re
import shutil
import signal
import subprocess
import time

import kafka_streams_peer
import library_shares
from measuring import (BenchmarkError, alternate, compared, measure, say, shown, table, verdict)

PARTITIONS = 4

STORE_KEYS = 5_000_000
STORE_WRITES = 20
VALUE_BYTES = 100
RESTORE_GOAL = 0.6
RESTART_GOAL_S = 2
# So that little is left of what was overwritten: segments that are written to are never compacted.
COMPACTION = ["log.segment.bytes=16777216", "log.cleaner.min.cleanable.ratio=0.1", "log.cleaner.backoff.ms=1000",
              "log.cleaner.dedupe.buffer.size=134217728", "log.segment.delete.delay.ms=1000"]
QUIET_S = 20  # nothing compacted for so long: done

COUNTED_KEYS = 1_000_000
INPUT = "visits"
COUNTED_RECORDS = 10_000_000
COUNT_GOAL = 8
COUNT_CPU_GOAL = 5
COUNT_SHARE_GOAL = 0.7  # of its time in RocksDB and librdkafka


def create_topic(bench, broker, topic):
    bench.call("millrace", "load", "--broker", broker, "--topic", topic, "--partitions", str(PARTITIONS), "-",
               stdin=subprocess.DEVNULL)


# --- restore

class Restore:
    """A store, its changelog on Kafka, and ways to come back to it."""

    def __init__(self, bench, broker, directory):
        self.bench, self.broker, self.directory = bench, broker, directory
        self.state = bench.scratch / "state"
        self.log = bench.scratch / "stderr"
        self.changelog = "keep-values-changelog"
        self.program = bench.program("keep_values", "--broker", broker, "--application-id", "keep", "--instance-id",
                                     "one", "--static", "--state-dir", self.state, "--log-level", "info")
        self.raw = bench.program("raw_records", "read", broker, self.changelog)

    def load(self, keys):
        create_topic(self.bench, self.broker, "keys")
        measure([*self.program, "--until-end"], self.bench.scratch)  # makes the changelog
        say(f"writing {keys:,} keys {STORE_WRITES} times")
        self.bench.call("raw_records", "changelog", self.broker, self.changelog, str(keys), str(STORE_WRITES),
                        str(VALUE_BYTES))
        say("waiting for compaction")
        quiet_since, before = time.monotonic(), None
        while time.monotonic() - quiet_since < QUIET_S:
            now = self.segments()
            if now != before:
                quiet_since, before = time.monotonic(), now
            time.sleep(1)

    def segments(self):
        found = {}
        for path in self.directory.glob(f"node-1/data/{self.changelog}-*/*.log"):
            try:
                found[path] = path.stat().st_size
            except FileNotFoundError:  # replaced just now
                pass
        return found

    def by_hand(self):
        run = measure(self.raw, self.bench.scratch)
        self.read = json.loads(run.out)
        return run

    def from_nothing(self):
        shutil.rmtree(self.state, ignore_errors=True)
        run = measure([*self.program, "--until-end"], self.bench.scratch)
        restored = {"records": 0, "bytes": 0}
        for name in restored:
            restored[name] = sum(int(number) for number in
                                 re.findall(rf"restored .*\b{name}=(\d+)", self.log.read_text()))
        if restored != self.read:
            raise BenchmarkError(f"restored {restored} instead of {self.read}")
        return run

    def start(self, *options):
        """(process, seconds from its start until all tasks process)"""
        begin = time.monotonic()
        process = subprocess.Popen([*map(str, self.program), *options], stderr=subprocess.PIPE, text=True)
        running = 0
        for line in process.stderr:
            running += " task runs " in line
            if running == PARTITIONS:
                return process, time.monotonic() - begin
        raise BenchmarkError("keep_values ended before it ran")

    def stop(self, process, how):
        process.send_signal(how)
        process.stderr.read()
        process.wait()

    def restarts(self, keys):
        """Seconds after a clean stop, and after kill -9 amid changes of all keys."""
        process, after_stop = self.start()
        self.stop(process, signal.SIGTERM)
        self.bench.call("raw_records", "keys", self.broker, "keys", str(keys), str(keys))
        process, _ = self.start()
        time.sleep(5)
        self.stop(process, signal.SIGKILL)
        process, after_kill = self.start("--until-end")
        process.stderr.read()
        if process.wait() != 0:
            raise BenchmarkError(f"keep_values ended with {process.returncode}")
        found = json.loads(self.bench.call("raw_records", "last", self.broker, "values"))
        expected = json.loads(self.bench.call("raw_records", "kept", self.broker, self.changelog))
        if found["checksum"] != expected["checksum"] or found["keys"] != keys:
            raise BenchmarkError(f"values came out as {found}, the changelog holds {expected}")
        return after_stop, after_kill


def restore(bench):
    keys = bench.frames(STORE_KEYS)
    with bench.cluster(COMPACTION) as broker:
        store = Restore(bench, broker, bench.scratch / "kafka")
        store.load(keys)
        row = compared(alternate(bench.plan, bench.pairs, store.by_hand, store.from_nothing),
                       ["raw_records read", "keep_values"], RESTORE_GOAL, store.read["records"])
        after_stop, after_kill = store.restarts(keys)
    return {"keys": keys, "records": store.read["records"], "bytes": store.read["bytes"], "restore": row,
            "after_stop": after_stop, "after_kill": after_kill,
            "commands": [shown(store.raw), shown([*store.program, "--until-end"])]}


def render_restore(section):
    row = section["restore"]
    slowest = max(section["after_stop"], section["after_kill"])
    return ["## Coming back", "",
            f"A store of {section['keys']:,} keys with values of {VALUE_BYTES} bytes, each written {STORE_WRITES} "
            f"times. Its changelog, when the broker has compacted it: {section['records']:,} records, "
            f"{section['bytes'] / 1e6:,.0f} MB, {PARTITIONS} partitions. The baseline is a bare librdkafka loop that "
            "reads it and does nothing. The other side is a program with one processing thread that finds no "
            "directory: it joins its group, restores, and ends. Records and bytes are compared in each run. "
            "Ratio: time of the bare loop / time of keep_values.", "",
            *table(row, row["median"] >= row["goal"], "records/s", long_enough=False), "",
            f"With its directory: all tasks process {section['after_stop']:.2f} s after the process was started when "
            f"it had been stopped, {section['after_kill']:.2f} s when it had been killed (-9) amid changes of all "
            f"keys; goal {RESTART_GOAL_S} s: {verdict(slowest <= RESTART_GOAL_S)}. Afterwards every key's value is "
            "compared with the changelog's."]


# --- count

class Count:
    """The same count per key, by Millrace and by Kafka Streams."""

    def __init__(self, bench, broker):
        self.bench, self.broker = bench, broker
        self.expected = None
        self.records = {}

    def run(self, side, command, name, changelog):
        run = measure(command, self.bench.scratch)
        counted = json.loads(self.bench.call("raw_records", "last", self.broker, name))
        logged = json.loads(self.bench.call("raw_records", "read", self.broker, changelog))
        result = counted["keys"], counted["checksum"]
        self.expected = self.expected or result
        if result != self.expected:
            raise BenchmarkError(f"{side} counted {result}, others {self.expected}")
        self.records[side] = {"results": counted["records"], "changelog": logged["records"]}
        return run

    def millrace(self, instead=None):
        name = self.bench.next_name()
        self.command = self.bench.program("count_keys", "--broker", self.broker, "--input", INPUT, "--output", name,
                                          "--until-end", "--threads", "1", "--commit-interval", "100ms",
                                          "--application-id", name, "--state-dir", self.bench.scratch / name,
                                          "--progress-every", "1000000000")
        create_topic(self.bench, self.broker, name)
        if instead:
            return instead(self.command)
        run = self.run("count_keys", self.command, name, f"{name}-counts-changelog")
        shutil.rmtree(self.bench.scratch / name)
        return run

    def profile(self):
        """Shares of the time of a run of its own."""
        data = self.bench.scratch / "perf.data"
        self.millrace(lambda command: library_shares.record(command, data))
        return library_shares.shares(data, "count_keys") if data.exists() else {}

    def kafka_streams(self, threads=1):
        name = self.bench.next_name()
        create_topic(self.bench, self.broker, name)
        self.peer_command = kafka_streams_peer.command(self.bench, "CountKeys", self.broker, INPUT, name, threads)
        run = self.run(f"Kafka Streams, {threads}", self.peer_command, name, f"{name}-counts-changelog")
        shutil.rmtree(self.bench.scratch / name)
        return run


def count(bench):
    records = bench.frames(COUNTED_RECORDS)
    keys = min(COUNTED_KEYS, records // 2)
    with bench.cluster() as broker:
        create_topic(bench, broker, INPUT)
        say(f"writing {records:,} records of {keys:,} keys")
        bench.call("raw_records", "keys", broker, INPUT, str(keys), str(records))
        sides = Count(bench, broker)
        measured = alternate(bench.plan, bench.pairs, sides.kafka_streams, sides.millrace)
        names = ["Kafka Streams", "count_keys"]
        row = compared(measured, names, COUNT_GOAL, records)
        cpu = compared(measured, names, COUNT_CPU_GOAL, records, by=lambda a, b: a.cpu / b.cpu)
        two = sides.kafka_streams(threads=2)
        shares = sides.profile()
    return {"records": records, "keys": keys, "count": row, "cpu": cpu, "two": two._asdict(), "shares": shares,
            "written": sides.records["count_keys"], "commands": [shown(sides.peer_command), shown(sides.command)]}


def render_count(section):
    row, cpu, written, two = section["count"], section["cpu"], section["written"], section["two"]
    lines = ["## Against Kafka Streams", "",
             f"`count` per key: {section['records']:,} records of {section['keys']:,} keys, drawn evenly, in "
             f"{PARTITIONS} partitions; RocksDB, changelog, exactly once, a commit interval of 100 ms, one processing "
             "thread on either side. While input waits, Millrace commits less often than that: a commit may take a "
             "thirtieth of the time. Kafka Streams 4.1 (tests/benchmark/kafka_streams) has a record cache of 128 MB, "
             "memtables of 64 MB, lz4. Every run's count of every key is compared. "
             "Ratio: time of Kafka Streams / time of count_keys.", "",
             *table(row, row["median"] >= row["goal"], "records/s"), "",
             f"CPU seconds of Kafka Streams / of count_keys: **{cpu['median']:.2f}** ({cpu['least']:.2f} to "
             f"{cpu['most']:.2f}); goal, where the other is missed: {cpu['goal']}: "
             f"{verdict(cpu['median'] >= cpu['goal'])}."]
    if section["shares"]:
        inside = sum(section["shares"].get(name, 0) for name in library_shares.LIBRARIES)
        parts = ", ".join(f"{name} {share:.0%}" for name, share in section["shares"].items())
        lines += ["", f"Where those of count_keys go, by perf: {parts}; goal, in RocksDB and librdkafka together: "
                      f"{COUNT_SHARE_GOAL:.0%}: {verdict(inside >= COUNT_SHARE_GOAL)}."]
    if two:
        lines += ["", f"Kafka Streams with two threads, one run: {two['seconds']:.2f} s, {two['cpu']:.2f} CPU seconds."]
    lines += ["", f"The last run of count_keys wrote {written['changelog']:,} changelog records, one per key and commit "
                  f"(AggregateTest.WritesOneChangelogRecordPerKeyAndCommit), and {written['results']:,} results."]
    return lines
