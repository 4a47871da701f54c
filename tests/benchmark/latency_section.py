"""The section `latency` of run_benchmarks: from a frame to its result, at a steady pace."""

import json
import signal
import time

import kafka_streams_peer
from measuring import BenchmarkError, Side, in_range, measure, reaped, rounds, shown, spread, started, taken
from users_section import GUARANTEES

FRAMES_PER_S = 10_000
WARM_S, MEASURED_S = 15, 12
PARTITIONS = 4
ROUNDS = 2


class Latency:
    def __init__(self, bench, broker):
        self.bench, self.broker = bench, broker
        self.log = bench.scratch / "running"
        self.commands = {}

    def run(self, name, kind, make_command):
        output = self.bench.next_name()
        source = f"{output}-frames"
        self.bench.create_topic(self.broker, source, PARTITIONS)
        self.bench.create_topic(self.broker, output, PARTITIONS if kind == "copies" else 1)
        command = make_command(source, output)
        probe = self.bench.program("latency_probe", self.broker, source, output, kind, str(FRAMES_PER_S),
                                   str(WARM_S if not self.bench.quick else 5),
                                   str(MEASURED_S if not self.bench.quick else 4))
        self.commands[name.split(",")[0] + kind] = shown(command)
        self.commands["probe"] = shown(probe)
        begin = time.monotonic()
        with open(self.log, "w") as log:
            with started(command, stdout=log, stderr=log) as process:
                try:
                    found = json.loads(measure(probe, self.bench.scratch).out)
                except BenchmarkError as error:
                    raise BenchmarkError(f"{error}\n{self.log.read_text()[-2000:]}") from error
                process.send_signal(signal.SIGTERM)
                run = reaped(process, begin)
        self.bench.call("raw_records", "delete", self.broker, source)
        if kind == "copies":
            self.bench.call("raw_records", "delete", self.broker, output)
        return taken(run, **found)

    def side(self, name, kind, make_command):
        return Side(name, None, lambda: self.run(name, kind, make_command))

    def by_hand(self, how):
        return self.side(f"bare C++ loop, {how}", "copies", lambda source, output: self.bench.program(
            "raw_kafka_copy", self.broker, source, output, how, "100", "stopped"))

    def millrace(self, kind, guarantee):
        def command(source, output):
            program = ["pass_through"] if kind == "copies" else ["unique_users", "--window", "1s", "--lateness", "0s"]
            return self.bench.program(*program, "--broker", self.broker, "--input", source, "--output", output,
                                      "--guarantee", guarantee, "--application-id", output, "--state-dir",
                                      self.bench.scratch / output, "--progress-every", "1000000000")
        return self.side(f"Millrace, {GUARANTEES[guarantee]}", kind, command)

    def kafka_streams(self, kind, guarantee):
        def command(source, output):
            program, options = ("PassThrough", {}) if kind == "copies" else ("UniqueUsers", {"window_ms": 1000})
            return kafka_streams_peer.command(self.bench, program, self.broker, source, output, 1, guarantee,
                                              until="stopped", linger_ms=5, **options)
        return self.side(f"Kafka Streams, {GUARANTEES[guarantee]}", kind, command)


def latency(bench):
    kafka_streams_peer.library(bench)
    with bench.cluster(bench.settings) as broker:
        every = Latency(bench, broker)
        count = bench.rounds(ROUNDS)
        copies = [every.by_hand("transactional"), every.by_hand("idempotent")]
        for guarantee in GUARANTEES:
            copies += [every.millrace("copies", guarantee), every.kafka_streams("copies", guarantee)]
        found = {"copies": rounds(bench.plan, count, copies)}
        found["windows"] = rounds(bench.plan, count, [every.millrace("windows", "exactly_once"),
                                                      every.kafka_streams("windows", "exactly_once")])
    return found | {"commands": list(every.commands.values())}


def render(section):
    lines = ["## Latency", "",
             f"At {FRAMES_PER_S:,} frames of 2 KB a second, one thread. *The latency of a result is the time from the "
             "moment when the frame that completes it is given to the producer until its right value has been read by "
             "a read_committed consumer*: of a copied frame, from that frame; of a window of one second of event time, "
             f"of which twenty go by in a second, from the last of the {PARTITIONS} frames, one in each partition, "
             f"that are the first there at or past its end. The first {WARM_S} s after the first result do not count; "
             f"then {MEASURED_S} s are measured. Every result must come and be right. Commits each 100 ms (Kafka "
             "Streams at least once: 1 s, it does not wait for them), linger.ms 5. CPU seconds are of the whole run, "
             "start included. A p50 of seconds means that the side did not keep the pace."]
    for kind, title in [("copies", "Pass-through"), ("windows", "Unique users per second of event time")]:
        lines += ["", f"### {title}", "",
                  "| | runs | results each | p50 ms | p99 ms | greatest ms | CPU s / s | peak memory |",
                  "|---|--:|--:|--:|--:|--:|--:|--:|"]
        for name, side in section[kind].items():
            def of(key):
                return spread(side, lambda run: run[key])
            cpu = spread(side, lambda run: run["cpu"] / run["seconds"])
            lines.append(f"| {name} | {len(side['runs'])} | {of('samples')[0]:,.0f} | {in_range(of('p50_ms'), 1)} | "
                         f"{in_range(of('p99_ms'), 1)} | {of('most_ms')[2]:,.0f} | {cpu[0]:.2f} | "
                         f"{of('peak_mb')[2]:.0f} MB |")
    return lines
