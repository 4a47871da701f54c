"""The programs of tests/benchmark/kafka_streams: what a user of Kafka Streams would run instead."""

import pathlib
import subprocess

from measuring import say

SOURCES = pathlib.Path(__file__).resolve().parent / "kafka_streams"


def library(bench):
    """The folder of their jars, made once."""
    folder = bench.scratch / "kafka_streams"
    if not folder.exists():
        say("building the Kafka Streams programs")
        subprocess.run(["mvn", "-B", "-ntp", "-q", "-f", SOURCES / "pom.xml", f"-Dfolder={folder}", "package",
                        "dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib"], check=True)
    return folder


def command(bench, program, broker, source, name, threads):
    """`name` is that of the output topic, and the application's."""
    jars = library(bench)
    return ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{jars}/*:{jars}/lib/*",
            f"millrace.{program}", broker, source, name, name, bench.scratch / name, str(threads), "100"]
