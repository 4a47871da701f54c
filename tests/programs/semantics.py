"""The worked tables of docs/semantics.md: their input goes through the programs, and must give their output.

    <!-- example: PROGRAM OPTIONS -->
    | frame | user | ...          a table of input; with a column `partition` or `run` it goes through a broker
    | window | users | ...        the next table: the results

The first word of the last column says what becomes of a frame, which the program's counters must confirm; the
watermarks are computed here.
"""

import calendar
import collections
import json
import os
import re
import time

from ring_report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "semantics.md")
DAY = "2016-07-11"
EXAMPLE = re.compile(r"^<!-- example: (?P<command>[^\n]*) -->\n(?P<input>(?:\|[^\n]*\n)+)"
                     r".*?^(?P<output>(?:\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
VERDICTS = {"accepted": "accepted", "late": "late", "dead": "dead_lettered"}


def rows_of(table):
    """A Markdown table as a list of dictionaries."""
    cells = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines(keepends=True)]
    return [dict(zip(cells[0], row)) for row in cells[2:]]


def seconds(text):
    """Unix time of "12:00", "12:00:10" or "2050-07-21 01:37:29"."""
    day, _, moment = text.rpartition(" ")
    moment += ":00" * (2 - moment.count(":"))
    return calendar.timegm(time.strptime(f"{day or DAY} {moment}", "%Y-%m-%d %H:%M:%S"))


def option(command, name):
    return int(command[command.index(name) + 1].removesuffix("s"))


def verdict(row):
    return VERDICTS[re.match(r"\w+", list(row.values())[-1])[0]]


def check_watermarks(frames, lateness):
    """Of each partition: the highest time accepted so far, minus the lateness."""
    highest = collections.defaultdict(int)
    for row in frames:
        if verdict(row) == "accepted":
            partition = row.get("partition")
            highest[partition] = max(highest[partition], seconds(row["frame"]))
        expected = highest[row.get("partition")] - lateness
        if seconds(row["watermark then"]) != expected:
            raise Failure(f"the watermark at {row['frame']} is {time.strftime('%F %T', time.gmtime(expected))}")


def values_of(text):
    return text.removesuffix("\n").split("\n")


class Broker:
    """An embedded broker with one topic of input."""

    def __init__(self, programs, partitions):
        self.programs = programs
        self.at = ["--broker", "embedded:" + programs.unique("broker")]
        self.state = programs.unique("state")
        self.run("millrace", "create", "--topic", "input", "--partitions", partitions)

    def run(self, program, *words, **more):
        subcommand, options = (words[:1], words[1:]) if program == "millrace" else ((), words)
        return self.programs.run(program, *subcommand, *self.at, *options, **more)

    def load(self, partition, values):
        self.run("millrace", "load", "--topic", "input", "--partition", partition, "-",
                 stdin="".join(value + "\n" for value in values).encode())

    def process(self, command):
        self.run(*command, "--input", "input", "--output", "output", "--state-dir", self.state, "--until-end")

    def output(self):
        return self.run("millrace", "cat", "--topic", "output", "--until-end")


def unique_users(programs, command, frames, results):
    check_watermarks(frames, option(command, "--lateness"))
    summary = os.path.join(programs.scratch, programs.unique("summary"))
    command = [*command, "--on-bad-record", "skip", "--summary", summary]
    lines = [json.dumps({"ts": seconds(row["frame"]), "uid": row["user"]}) for row in frames]
    if "partition" in frames[0] or "run" in frames[0]:
        places = [(row.get("run", "1"), row.get("partition", "0")) for row in frames]
        broker = Broker(programs, len({partition for _, partition in places}))
        for run in sorted({run for run, _ in places}):
            for partition in sorted({partition for _, partition in places}):
                part = [line for line, place in zip(lines, places) if place == (run, partition)]
                if part:
                    broker.load(partition, part)
            broker.process(command)
        text = broker.output()
    else:
        text = programs.run(*command, "--from", "-", "--output", "-",
                            stdin="".join(line + "\n" for line in lines).encode())
    found = [(line["ts"], line["duration_s"], line["unique_users"], line["frames"], line.get("revision", 0))
             for line in map(json.loads, values_of(text))]
    expected = [(seconds(row["window"]), int(row.get("seconds", 60)), int(row["users"]), int(row["frames"]),
                 int(row.get("revision", 0))) for row in results]
    if found != expected:
        raise Failure(f"the page says {expected}, {' '.join(command)} {found}")
    with open(summary, encoding="utf-8") as file:
        counters = json.load(file)
    wanted = collections.Counter(map(verdict, frames))
    if any(counters[name] != wanted[name] for name in VERDICTS.values()):
        raise Failure(f"the page says {dict(wanted)}, the summary {counters}")


def sorted_merge(programs, command, partitions, results):
    broker = Broker(programs, len(partitions))
    for row in partitions:
        broker.load(row["partition"], row["values"].split(", "))
    broker.process(command)
    found = ", ".join(values_of(broker.output()))
    if found != results[0]["output"]:
        raise Failure(f"the page says {results[0]['output']}, {' '.join(command)} {found}")


PROGRAMS = {"unique_users": unique_users, "sorted_merge": sorted_merge}


def example_case(programs, command, given, results):
    PROGRAMS[command[0]](programs, command, rows_of(given), rows_of(results))


def cases(case):
    """One for each example of the page; `case` makes it."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    examples = list(EXAMPLE.finditer(text))
    if len(examples) != text.count("<!-- example:"):
        raise Failure(f"{PAGE}: an example has no two tables behind it")
    for number, example in enumerate(examples, 1):
        command = example["command"].split()
        yield case(f"Semantics.Example{number}_{command[0]}", example_case, command, example["input"],
                   example["output"])
