"""docs/benchmarks.md, written from the results of run_benchmarks: section by section, and a page of plots."""

import json
import os
import pathlib
import platform
import re
import subprocess

import copy_section
import growth_section
import kafka_streams_peer
import latency_section
import merge_section
import plots
import scrape_section
import state_sections
import users_section
from measuring import table, verdict

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAFKA_CLUSTER = ROOT / "tests" / "kafka_cluster" / "kafka_cluster"


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))
    packages = {name: first_line("dpkg-query", "-W", "-f=${Version}", name)
                for name in ["librdkafka1", "libsimdjson-dev", "libxxhash0"]}
    kafka = re.search(r'^KAFKA = "(.*)"', KAFKA_CLUSTER.read_text(), re.MULTILINE).group(1)
    streams = re.search(r"kafka-streams</artifactId><version>([^<]*)",
                        (kafka_streams_peer.SOURCES / "pom.xml").read_text()).group(1)
    return [f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores, {memory / (1 << 20):.0f} GB; "
            f"Linux {platform.release()}",
            f"{first_line('c++', '--version')}, -O3; librdkafka {packages['librdkafka1']}, simdjson "
            f"{packages['libsimdjson-dev']}, xxhash {packages['libxxhash0']}",
            f"Apache Kafka {kafka}, one node with 1 GiB of heap, on the same cores as its clients",
            f"Kafka Streams {streams}, {first_line('java', '--version')}"]


def revision():
    """What the build directory is taken to hold: ./dev bench has just built it."""
    return first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")


# --- the sections of a file, of Kafka and of memory

def render_file(section):
    row = section["file"]
    return ["## From a file", "",
            f"{section['frames']:,} frames, {section['bytes'] / 1e9:.1f} GB, in the page cache. The baseline is a "
            "bare loop: blocks of 1 MiB, simdjson on demand with early exit, a flat hash set per minute; one "
            "thread. Ratio: time of the bare loop / time of unique_users.", "",
            *table(row, row["median"] >= row["goal"])]


def render_windows(section):
    row = section["windows"]
    names = section["names"]
    return ["## Several windows in one run", "",
            f"The same file, windows {', '.join(names)} in one run against {names[0]} alone. "
            "Ratio: time of all / time of one.", "",
            *table(row, row["median"] < row["goal"])]


def render_kafka(section):
    lines = ["## From Kafka", "",
             f"{section['frames']:,} frames of 2 KB in {section['partitions']} partitions, one processing thread on "
             f"either side, both with at most {section['data_limit'] >> 20} MiB of data (RLIMIT_DATA). The baseline is "
             "a bare librdkafka loop without group, offsets, transactions or output. "
             "Ratio: time of the bare loop / time of unique_users."]
    for compression, title in [("none", "Uncompressed"), ("lz4", "lz4")]:
        row = section[compression]
        peak = row["sides"]["unique_users"]["peak_mb"]
        lines += ["", f"### {title}", "", *table(row, row["median"] >= row["goal"]), "",
                  f"Peak memory of unique_users {peak:.0f} MB; goal under {section['goal MB']} MB: "
                  f"{verdict(peak < section['goal MB'])}."]
    row = section["guarantee"]
    lines += ["", "### What exactly once costs", "",
              "The uncompressed topic. Ratio: time of `--guarantee at_least_once` / time of the default.", "",
              *table(row, row["median"] >= row["goal"])]
    return lines


def render_memory(section):
    sketch = section["sketch"]
    lines = ["## Memory of one window", "",
             f"`--sketch 12`: {sketch['users']:,} users in one window in **{sketch['peak_mb']:.0f} MB** of peak "
             f"memory, the whole process; goal under {sketch['goal']} MB: "
             f"{verdict(sketch['peak_mb'] < sketch['goal'])}. Counted {sketch['counted']:,} "
             f"({sketch['counted'] / sketch['users'] - 1:+.2%}).", "",
             f"`--exact`, against {section['empty_mb']:.0f} MB with a thousand users:", "",
             "| users in the window | peak memory | bytes a user |", "|--:|--:|--:|"]
    lines += [f"| {each['users']:,} | {each['peak_mb']:.0f} MB | {each['bytes_per_user']:.0f} |"
              for each in section["exact"]]
    return lines


# In the order of the document: heading and lines of each section.
RENDERERS = {
    "users": ("Unique users, side by side", users_section.render_users),
    "copy": ("Pass-through, side by side", copy_section.render),
    "count": ("Against Kafka Streams", state_sections.render_count),
    "merge": ("Sorted merge", merge_section.render),
    "restart": ("After a lost disk, side by side", users_section.render_restart),
    "restore": ("Coming back", state_sections.render_restore),
    "latency": ("Latency", latency_section.render),
    "growth": ("How cost grows", growth_section.render),
    "kafka": ("From Kafka", render_kafka),
    "file": ("From a file", render_file),
    "windows": ("Several windows in one run", render_windows),
    "scrape": ("Being watched", scrape_section.render),
    "memory": ("Memory of one window", render_memory),
}


# --- the document

class Document:
    """The document with the results that it shows, which are kept beside it. Sections that are not run keep what they
    had: their results; or, where there are none, their text."""

    def __init__(self, path):
        self.path = path
        self.results = path.with_suffix(".json")
        self.plots = path.with_suffix(".svg")
        self.sections = json.loads(self.results.read_text()) if self.results.exists() else {}

    def take(self, name, section):
        self.sections[name] = section
        replace(self.results, json.dumps(self.sections, indent=1) + "\n")
        drawn = plots.draw(self.sections)
        if drawn:
            replace(self.plots, drawn)
        replace(self.path, self.render(drawn is not None))

    def old_text(self):
        """Heading -> lines."""
        text = self.path.read_text() if self.path.exists() else ""
        blocks = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        return {block.split("\n", 1)[0]: ("## " + block).rstrip().split("\n") for block in blocks}

    def render(self, with_plots):
        old = self.old_text()
        lines = ["# Benchmarks", "",
                 "Written by `./dev bench` (tests/benchmark/run_benchmarks); the comparison with others by `./dev "
                 "bench --compare`, in one run. Not a test: on another machine, or a busy one, the numbers differ.", "",
                 "*Rule of timing, the same for all sides:* wall clock of the whole process, from before it is started "
                 "until it has been waited for. Connecting, joining the group, transactions, leaving: all of it "
                 "counts. Where there are two sides, runs alternate after one unmeasured run of each, and which side "
                 "begins alternates too; a ratio is of one pair. Where there are more, all take their turns in rounds, "
                 "every other one backwards; a ratio is of one round. Numbers are medians, in parentheses the least "
                 "and the most; peak memory is the greatest. Every run's results are compared: a wrong answer is no "
                 "benchmark."]
        if with_plots:
            lines += ["", f"![Plots of the results below]({self.plots.name})"]
        lines += ["", "## Machine and versions", "", *(f"- {line}" for line in machine())]
        for name, (heading, renderer) in RENDERERS.items():
            if name in self.sections:
                lines += ["", *renderer(self.sections[name]), *footer(self.sections[name])]
            elif heading in old:
                lines += ["", *old[heading]]
        return "\n".join(lines) + "\n"


def footer(section):
    lines = ["", "```", *section["commands"], "```", "",
             f"Measured {section['date']} at {section['revision']}; load of the machine before: {section['load']}."]
    if section["quick"]:
        lines += ["", "**By --quick: with a tenth of the data, for development only.**"]
    return lines


def replace(path, text):
    """Never leaves half a file."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)
