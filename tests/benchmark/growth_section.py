"""The section `growth` of run_benchmarks: what more partitions, users and windows cost, and other ways to count and to
write frames."""

import json
import re
import shutil
import subprocess

import library_shares
from measuring import (BenchmarkError, Side, cpu_per_million, in_range, must_equal, rate, rounds, shown, taken,
                       users_by_window)

ROUNDS = 2

PARTITIONS = [1, 2, 4, 8, 16]
KAFKA_FRAMES = 2_000_000
SMALL = ["--users", "100000", "--rate", "5000", "--seed", "1", "--bytes", "400"]

USERS = [10_000, 100_000, 1_000_000, 10_000_000]
RARE_USERS = 4_000_000_000
ONE_WINDOW_FRAMES = 10_000_000
# All of them are in one window of ten minutes.
ONE_WINDOW = ["--start", "1468244400", "--rate", "1000000", "--bytes", "100", "--seed", "1"]
METHODS = {"exact": ["--exact"], "sketch": ["--sketch", "12"]}
SKETCH_ERROR = 0.06  # five standard errors of 2^12 registers

WINDOWS = ["1m", "10m", "1h", "day", "month"]
FILE_FRAMES = 1_000_000
LARGE = ["--users", "100000", "--rate", "5000", "--seed", "1", "--bytes", "2000"]

FORMATS = ["json", "csv", "msgpack"]
PARSERS = r"(Json|Csv|Msgpack)(Codec|Reader|Scanner)|simdjson"


class Growth:
    def __init__(self, bench):
        self.bench = bench
        self.count = bench.rounds(ROUNDS)
        self.commands = {}

    def rounds(self, sides):
        return rounds(self.bench.plan, self.count, sides)

    # --- partitions

    def load(self, broker, topic, partitions, options, framing=None):
        self.bench.plan.step(f"loading '{topic}'")
        source = self.bench.generated(*options)
        self.bench.call("millrace", "load", "--broker", broker, "--topic", topic, "--partitions", str(partitions),
                        "--compression", "none", *(["--format", framing] if framing else []), "-", stdin=source.stdout)
        source.wait()

    def counting(self, broker, topic, name, threads, *options):
        return self.bench.program(
            "unique_users", "--broker", broker, "--input", topic, "--output", name, "--window", "1m", "--until-end",
            "--threads", str(threads), "--application-id", name, "--state-dir", self.bench.scratch / name,
            "--progress-every", "1000000000", *options)

    def results(self, broker, name):
        shutil.rmtree(self.bench.scratch / name, ignore_errors=True)
        return users_by_window(self.bench.call("millrace", "cat", "--broker", broker, "--topic", name, "--until-end"))

    def partitions(self, broker):
        frames = self.bench.frames(KAFKA_FRAMES)
        sides = []
        for partitions in PARTITIONS:
            topic = f"frames-{partitions}"
            self.load(broker, topic, partitions, ["--count", str(frames), *SMALL])
            expected = users_by_window(self.bench.call("raw_kafka_count", broker, topic))
            sides += [self.partitioned(broker, topic, frames, partitions, threads, expected) for threads in [1, 2]]
        return self.rounds(sides)

    def partitioned(self, broker, topic, frames, partitions, threads, expected):
        def run():
            name = self.bench.next_name()
            command = self.counting(broker, topic, name, threads)
            self.commands["partitions"] = shown(command)
            run = self.bench.timed(command)
            must_equal(f"unique_users on '{topic}'", self.results(broker, name), expected)
            return taken(run)
        return Side(f"{partitions} x {threads}", frames, run)

    # --- users, exactly and by sketch

    def users(self):
        frames = self.bench.frames(ONE_WINDOW_FRAMES)
        counted = {}
        sides = [self.one_window(users, method, frames, counted) for users in USERS for method in METHODS]
        return {"counted": counted, "sides": self.rounds(sides)}

    def one_window(self, users, method, frames, counted):
        def run():
            # Where there are as many users as frames, few come twice.
            pool = users if users < frames else RARE_USERS
            options = ["--count", str(frames), "--users", str(pool), *ONE_WINDOW]
            source = self.bench.generated(*options)
            command = self.bench.program("unique_users", "--from", "-", "--output", "-", "--window", "10m",
                                         *METHODS[method], "--progress-every", "1000000000")
            self.commands[method] = f"{shown(self.bench.program('frames', *options))} | {shown(command)}"
            run = self.bench.timed(command, stdin=source.stdout)
            source.wait()
            result = list(users_by_window(run.out).values())
            if len(result) != 1:
                raise BenchmarkError(f"{len(result)} windows instead of one")
            number = counted.setdefault(str(users), {}).setdefault(method, result[0])
            exact = counted[str(users)].get("exact", number)
            if number != result[0] or abs(number / exact - 1) > SKETCH_ERROR:
                raise BenchmarkError(f"{method}: {result[0]} users, {exact} before")
            return taken(run)
        return Side(f"{users} {method}", frames, run)

    # --- windows, from a file

    def file_of_frames(self, options):
        path = self.bench.scratch / "growth-frames"
        with open(path, "wb") as file:
            subprocess.run(self.bench.program("frames", *options), stdout=file, check=True)
        return path

    def count_file(self, path, windows):
        """(run, users)"""
        output = self.bench.scratch / "results.jsonl"
        output.unlink(missing_ok=True)
        command = self.bench.program("unique_users", "--from", path, "--output", output, "--progress-every",
                                     "1000000000",
                                     *[word for window in windows for word in ("--window", window)])
        self.commands["windows"] = shown(command)
        return self.bench.timed(command), users_by_window(output.read_text())

    def windows(self):
        frames = self.bench.frames(FILE_FRAMES)
        path = self.file_of_frames(["--count", str(frames), *LARGE])
        expected = {}
        for window in WINDOWS:
            expected |= self.count_file(path, [window])[1]

        def side(number):
            def run():
                run, users = self.count_file(path, WINDOWS[:number])
                names = {key[0] for key in users}
                must_equal(f"{number} windows in one run", users,
                           {key: count for key, count in expected.items() if key[0] in names})
                if len(names) != number:
                    raise BenchmarkError(f"results of {len(names)} windows instead of {number}")
                return taken(run)
            return Side(str(number), frames, run)
        found = self.rounds([side(number) for number in range(1, len(WINDOWS) + 1)])
        path.unlink()
        return found

    # --- formats of frames, from Kafka: MessagePack frames are no lines

    def formats(self, broker):
        """Nothing where the programs know only one."""
        if not all("--format" in self.bench.call(program, "--help") for program in ["frames", "unique_users"]):
            return None
        frames = self.bench.frames(FILE_FRAMES)
        expected, sides = {}, []
        for name in FORMATS:
            self.load(broker, f"frames-{name}", 4, ["--count", str(frames), "--format", name, *LARGE],
                      "msgpack" if name == "msgpack" else None)
            sides.append(self.formatted(broker, name, self.reading(name), frames, expected))
        found = self.rounds(sides)
        for name, side in found.items():
            read = json.loads(self.bench.call("raw_records", "read", broker, f"frames-{name}"))
            side["bytes"] = read["bytes"]
            side["parser"] = self.parser_share(broker, name)
        return found

    def reading(self, name):
        """The options by which unique_users reads it."""
        if name != "csv":
            return ["--format", name]
        columns = re.search(r"columns\s+([\w,]+)", self.bench.call("frames", "--help")).group(1)
        return ["--format", name, "--csv-header", columns]

    def formatted(self, broker, name, reading, frames, expected):
        def run():
            output = self.bench.next_name()
            command = self.counting(broker, f"frames-{name}", output, 1, *reading)
            self.commands["formats"] = shown(command)
            run = self.bench.timed(command)
            users = self.results(broker, output)
            must_equal(f"--format {name}", users, expected.setdefault("users", users))
            return taken(run)
        return Side(name, frames, run)

    def parser_share(self, broker, name):
        """Of the CPU time of a run of its own: what is in its codec and below."""
        data = self.bench.scratch / "perf.data"
        command = self.counting(broker, f"frames-{name}", self.bench.next_name(), 1, *self.reading(name))
        if not library_shares.record(command, data):
            return None
        share = library_shares.share_below(data, PARSERS)
        data.unlink()
        return share


def growth(bench):
    every = Growth(bench)
    with bench.cluster(bench.settings) as broker:
        section = {"partitions": every.partitions(broker), "formats": every.formats(broker)}
    section |= {"users": every.users(), "windows": every.windows()}
    return section | {"commands": list(every.commands.values())}


def microseconds(side):
    return in_range(cpu_per_million(side), 2)


def peak(side):
    return f"{max(run['peak_mb'] for run in side['runs']):,.0f} MB"


def render(section):
    lines = ["## How cost grows", "",
             "Exactly once, and CPU time that of the whole process in microseconds a frame, which is the same as CPU "
             "seconds a million. Medians, least and most.", "",
             "### Partitions", "",
             "Unique users per minute from Kafka: frames of 400 bytes, the same ones in each topic.", "",
             "| partitions | frames/s, 1 thread | frames/s, 2 threads | CPU µs, 1 thread | CPU µs, 2 threads |",
             "|--:|--:|--:|--:|--:|"]
    for partitions in PARTITIONS:
        one, two = (section["partitions"][f"{partitions} x {threads}"] for threads in [1, 2])
        lines.append(f"| {partitions} | {in_range(rate(one))} | {in_range(rate(two))} | {microseconds(one)} | "
                     f"{microseconds(two)} |")
    some = next(iter(section["users"]["sides"].values()))
    lines += ["", "### Users, exactly and by sketch", "",
              f"One window of {some['records']:,} frames of 100 bytes through a pipe (whose other end sets the pace, "
              "so CPU time is what is told). The sketch is an UltraLogLog of 4 KiB (`--sketch 12`).", "",
              "| users | counted | CPU µs, exact | CPU µs, sketch | memory, exact | memory, sketch | its error |",
              "|--:|--:|--:|--:|--:|--:|--:|"]
    for users in USERS:
        exact, sketch = (section["users"]["sides"][f"{users} {method}"] for method in METHODS)
        counted = section["users"]["counted"][str(users)]
        lines.append(f"| {users:,} | {counted['exact']:,} | {microseconds(exact)} | {microseconds(sketch)} | "
                     f"{peak(exact)} | {peak(sketch)} | {counted['sketch'] / counted['exact'] - 1:+.2%} |")
    lines += ["", "### Windows in one run", "",
              "From a file of frames of 2 KB. Each window is compared with a run of its own.",
              "", "| windows | | frames/s | CPU µs | memory |", "|--:|---|--:|--:|--:|"]
    for number, side in section["windows"].items():
        lines.append(f"| {number} | {', '.join(WINDOWS[:int(number)])} | {in_range(rate(side))} | {microseconds(side)} "
                     f"| {peak(side)} |")
    if section["formats"]:
        lines += ["", "### Formats of frames", "",
                  "The same frames, of some 2 KB in JSON, from Kafka, one thread. The parser's share is of CPU time: "
                  "samples in the codec and below, by perf.", "",
                  "| format | bytes a frame | frames/s | CPU µs | parser's share |", "|---|--:|--:|--:|--:|"]
        for name, side in section["formats"].items():
            share = f"{side['parser']:.0%}" if side["parser"] is not None else "no perf here"
            lines.append(f"| {name} | {side['bytes'] / side['records']:,.0f} | {in_range(rate(side))} | "
                         f"{microseconds(side)} | {share} |")
    return lines
