"""The section `copy` of run_benchmarks: a topic passed through to another."""

import json

import kafka_streams_peer
from measuring import BenchmarkError, Side, in_range, ratio, rounds, shown, sides_table, taken
from users_section import GUARANTEES, PARTITIONS, best, load, threads_text

COPIED = 1_000_000
ROUNDS = 3


class Copies:
    """Every side's run on one topic."""

    def __init__(self, bench, broker, frames):
        self.bench, self.broker, self.frames = bench, broker, frames
        load(bench, broker, "frames", frames, "none")
        self.expected = self.content("frames")
        self.commands = {}

    def content(self, topic):
        return json.loads(self.bench.call("raw_records", "content", self.broker, topic))

    def run(self, name, make_command, from_first=None):
        output = self.bench.next_name()
        self.bench.create_topic(self.broker, output, PARTITIONS)
        command = make_command(output)
        self.commands[name.split(",")[0]] = shown(command)
        run = self.bench.timed(command)
        found = self.content(output)
        if found != self.expected:
            raise BenchmarkError(f"{name} copied {found} instead of {self.expected}")
        self.bench.call("raw_records", "delete", self.broker, output)
        return taken(run, inside=from_first(run.out)) if from_first else taken(run)

    def side(self, name, make_command, from_first=None):
        return Side(name, self.frames, lambda: self.run(name, make_command, from_first))

    def by_hand(self, how):
        return self.side(f"bare C++ loop, {how}", lambda output: self.bench.program(
            "raw_kafka_copy", self.broker, "frames", output, how, "100", "end"))

    def millrace(self, threads, guarantee):
        def command(output):
            return self.bench.program(
                "pass_through", "--broker", self.broker, "--input", "frames", "--output", output, "--until-end",
                "--threads", str(threads), "--guarantee", guarantee, "--application-id", output, "--state-dir",
                self.bench.scratch / output, "--progress-every", "1000000000")
        return self.side(f"Millrace, {GUARANTEES[guarantee]}, {threads_text(threads)}", command)

    def kafka_streams(self, threads, guarantee):
        def command(output):
            return kafka_streams_peer.command(self.bench, "PassThrough", self.broker, "frames", output, threads,
                                              guarantee)
        return self.side(f"Kafka Streams, {GUARANTEES[guarantee]}, {threads_text(threads)}", command,
                         kafka_streams_peer.seconds_from_first_record)


def copy(bench):
    kafka_streams_peer.library(bench)
    with bench.cluster(bench.settings) as broker:
        every = Copies(bench, broker, bench.frames(COPIED))
        sides = [every.by_hand("transactional"), every.by_hand("idempotent")]
        for guarantee in GUARANTEES:
            for threads in [1, 2]:
                sides += [every.millrace(threads, guarantee), every.kafka_streams(threads, guarantee)]
        found = rounds(bench.plan, bench.rounds(ROUNDS), sides)
    return {"sides": found, "commands": list(every.commands.values())}


def render(section):
    sides = section["sides"]
    mine = best(sides, "Millrace, exactly")
    lines = ["## Pass-through, side by side", "",
             f"A topic of uncompressed frames of 2 KB copied to another, {PARTITIONS} partitions each; all sides write "
             "lz4. The bare loop commits each 100 ms in one transaction with the offsets, or writes idempotently "
             "without any; it has no group. Records have no keys: Kafka Streams does not keep "
             "their partitions, the others do. The records of each output are compared with the input's.", "",
             *sides_table(sides), "",
             "Ratios of frames/s, of the same round, each side with its better number of threads:", ""]
    for start in ["Kafka Streams, exactly", "bare C++ loop, transactional"]:
        other = best(sides, start)
        found = ratio(sides[mine], sides[other], lambda side, run: side["records"] / run["seconds"])
        lines.append(f"- {mine}, to {other}: {in_range(found, 2)}")
    return lines
