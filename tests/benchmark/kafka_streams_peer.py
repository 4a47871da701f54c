"""The programs of tests/benchmark/kafka_streams: what a user of Kafka Streams would run instead."""

import json
import pathlib
import shutil
import subprocess

from measuring import BenchmarkError, say

SOURCES = pathlib.Path(__file__).resolve().parent / "kafka_streams"
# By guarantee: how often it commits. Without transactions more often brings nothing.
COMMIT_MS = {"exactly_once": 100, "at_least_once": 1000}


def library(bench):
    """The folder of their jars, made once."""
    folder = bench.scratch / "kafka_streams"
    if not folder.exists():
        say("building the Kafka Streams programs")
        made = subprocess.run(["mvn", "-B", "-ntp", "-q", "-f", SOURCES / "pom.xml", f"-Dfolder={folder}", "package",
                               "dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise BenchmarkError(f"mvn could not build {SOURCES}:\n{made.stdout[-2000:]}")
    return folder


def command(bench, program, broker, source, name, threads, guarantee="exactly_once", **options):
    """`name` is that of the output topic, and the application's; options are those of Peer.java."""
    jars = library(bench)
    words = [f"{key.replace('_', '-')}={value}" for key, value in options.items()]
    return ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{jars}/*:{jars}/lib/*",
            f"millrace.{program}", broker, source, name, name, bench.scratch / name, str(threads),
            str(COMMIT_MS[guarantee]), f"guarantee={guarantee}", *words]


def seconds_from_first_record(out):
    return json.loads(out.splitlines()[-1])["seconds"]
