#!/usr/bin/env python3
"""Builds and runs the tests, ring by ring; `./dev test` calls it once the packages are there.

    ./dev test [--long] [RING...]

A ring that ran no test has failed, and so has a skip that tests/SKIPS does not name. The last line is
`N passed, N failed` (`, N skipped`), over all rings. Rings that mostly wait, for Kafka and for windows to
close, run beside those that compile.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HANG_SECONDS = 40 * 60  # ends a ring that hangs; no ring comes near


class Outcome:
    """What the cases of one ring did."""

    def __init__(self):
        self.passed = 0
        self.failed = []  # (name, text)
        self.skipped = []  # (name, reason)


class Session:
    """One run of the rings: options, logs, and the Kafka that they share."""

    def __init__(self, options):
        self.long = options.long
        self.build = os.path.join(ROOT, "build")
        self.logs = os.path.join(self.build, "test-logs")
        os.makedirs(self.logs, exist_ok=True)
        self.kafka_directory = None
        self.starting_kafka = threading.Lock()  # rings run side by side
        self.kafka_bootstrap = os.environ.get("MILLRACE_TEST_KAFKA")  # or else one is started

    def environment(self, **more):
        """The user's, without the MILLRACE_* that programs would take for options."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("MILLRACE_")}
        return {**environment, **more}

    def full_counts(self):
        """What asks tests for the full counts, if they are wanted."""
        return {"MILLRACE_TEST_LONG": "1"} if self.long else {}

    def log(self, name):
        return os.path.join(self.logs, name + ".log")

    def command(self, name, command, **environment):
        """Runs `command` with its output in a log; returns (exit code, path of the log)."""
        path = self.log(name)
        begin = time.monotonic()
        with open(path, "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT,
                                       stdin=subprocess.DEVNULL, env=self.environment(**environment))
            while True:
                try:
                    return process.wait(timeout=60), path
                except subprocess.TimeoutExpired:
                    minutes = (time.monotonic() - begin) / 60
                    print(f"  ... {minutes:4.1f} min  {name}: {last_line(path)[:70]}", flush=True)
                    if minutes * 60 > HANG_SECONDS:
                        process.kill()

    def kafka(self):
        """host:port of a Kafka that lives until the end of the session."""
        with self.starting_kafka:
            return self.kafka_started_once()

    def kafka_started_once(self):
        if self.kafka_bootstrap is None:
            self.kafka_directory = tempfile.mkdtemp(prefix="millrace-kafka-")
            code, log = self.command("kafka-start", [
                "tests/kafka_cluster/kafka_cluster", "start", "--dir", self.kafka_directory])
            for line in read(log).splitlines():
                if line.startswith("BOOTSTRAP="):
                    self.kafka_bootstrap = line.removeprefix("BOOTSTRAP=")
            if code != 0 or self.kafka_bootstrap is None:
                raise RingFailure("Kafka did not start", log)
        return self.kafka_bootstrap

    def close(self):
        if self.kafka_directory is not None:
            self.command("kafka-clean", ["tests/kafka_cluster/kafka_cluster", "clean", "--dir",
                                         self.kafka_directory])
            shutil.rmtree(self.kafka_directory, ignore_errors=True)


class RingFailure(Exception):
    """The ring as a whole could not run."""

    def __init__(self, what, log):
        lines = read(log).splitlines()
        telling = [line for line in lines if "error" in line.lower()][:20]
        super().__init__("\n".join([what + ":", *telling, "...", *lines[-25:], f"(whole log: {log})"]))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def last_line(path):
    lines = read(path)[-4000:].splitlines()
    return lines[-1] if lines else ""


def build(session, preset, targets, *options):
    """Configures `preset` and builds `targets` (none: all)."""
    code, log = session.command(f"configure-{preset}", ["cmake", "--preset", preset, *options])
    if code != 0:
        raise RingFailure(f"configuring {preset} failed", log)
    command = ["cmake", "--build", "--preset", preset, "-j", str(os.cpu_count() or 1)]
    code, log = session.command(f"build-{preset}",
                                command + (["--target", *targets] if targets else []))
    if code != 0:
        raise RingFailure(f"building {preset} failed", log)


def gtest(session, name, binary, outcome, filter_text="*", **environment):
    """Runs a GoogleTest binary and adds what its report says."""
    environment.update(session.full_counts())
    report = os.path.join(session.logs, name + ".xml")
    if os.path.exists(report):
        os.remove(report)
    code, log = session.command(name, [binary, f"--gtest_output=xml:{report}",
                                       f"--gtest_filter={filter_text}"], **environment)
    if not os.path.exists(report):
        raise RingFailure(f"{os.path.basename(binary)} ended with {code} and without a report", log)
    failed_before = len(outcome.failed)
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        label = f"{case.get('classname')}.{case.get('name')}"
        failures, skips = case.findall("failure"), case.findall("skipped")
        if failures:
            outcome.failed.append((label, "\n".join(each.get("message") or "" for each in failures)))
        elif skips or case.get("status") == "notrun":
            outcome.skipped.append((label, skips[0].get("message") if skips else "disabled"))
        else:
            outcome.passed += 1
    if code != 0 and len(outcome.failed) == failed_before:
        raise RingFailure(f"{os.path.basename(binary)} ended with {code} after its last test", log)


def script(session, name, path, outcome, *arguments, **environment):
    """Runs a ring that is a script (see ring_report.py)."""
    report = os.path.join(session.logs, name + ".json")
    if os.path.exists(report):
        os.remove(report)
    code, log = session.command(name, ["python3", path, "--build", session.build, "--result", report,
                                       *arguments], **environment)
    if not os.path.exists(report):
        raise RingFailure(f"{path} ended with {code} and without a report", log)
    with open(report, encoding="utf-8") as file:
        result = json.load(file)
    outcome.passed += len(result["passed"])
    outcome.failed += result["failed"].items()
    outcome.skipped += result["skipped"].items()


def program(session, name):
    return os.path.join(session.build, "bin", name)


# The rings ---------------------------------------------------------------------------------------------


def layering(session, outcome):
    script(session, "layering", "tests/layering/layering_test.py", outcome)


def unit(session, outcome):
    gtest(session, "unit", program(session, "unit_tests"), outcome)


def topology(session, outcome):
    gtest(session, "topology", program(session, "topology_tests"), outcome,
          f"-{CONFORMANCE_SUITES}")


def conformance(session, outcome):
    gtest(session, "conformance", program(session, "topology_tests"), outcome, CONFORMANCE_SUITES)


def simulation(session, outcome):
    script(session, "simulation", "tests/simulation/simulate.py", outcome,
           "--seeds", "60000" if session.long else "6000")
    if session.long:
        script(session, "mutants", "tests/simulation/mutants.py", outcome)


def broker(session, outcome):
    gtest(session, "broker", program(session, "broker_tests"), outcome,
          MILLRACE_TEST_KAFKA=session.kafka())


def programs(session, outcome):
    gtest(session, "program_tests", program(session, "program_tests"), outcome)
    script(session, "programs", "tests/programs/programs_test.py", outcome,
           MILLRACE_TEST_KAFKA=session.kafka(), **session.full_counts())


def failover(session, outcome):
    script(session, "failover", "tests/failover/failover_test.py", outcome, **session.full_counts())


def docker(session, outcome):
    script(session, "docker", "tests/docker/docker_test.py", outcome)


def compile_fail(session, outcome):
    script(session, "compile_fail", "tests/compile_fail/compile_fail_test.py", outcome)


def headers(session, outcome):
    script(session, "headers", "tests/headers/headers_test.py", outcome)


def install(session, outcome):
    script(session, "install", "tests/install/install_test.py", outcome,
           MILLRACE_TEST_KAFKA=session.kafka(), **session.full_counts())


def sanitized(preset, directory, binaries, **environment):
    """A ring that builds `binaries` with a sanitizer, and no programs, and runs them."""
    def ring(session, outcome):
        build(session, preset, binaries)
        for binary in binaries:
            gtest(session, f"{preset}-{binary}", os.path.join(ROOT, directory, "bin", binary), outcome,
                  **environment)
    return ring


CONFORMANCE_SUITES = "*Conformance*"
SUPPRESSIONS = os.path.join(ROOT, "tests", "sanitizers")
RINGS = {
    "layering": layering,
    "unit": unit,
    "topology": topology,
    "conformance": conformance,
    "simulation": simulation,
    "broker": broker,
    "programs": programs,
    "failover": failover,
    "docker": docker,
    "compile_fail": compile_fail,
    "headers": headers,
    "install": install,
    "asan": sanitized("asan-ubsan", "build-asan", ["unit_tests", "topology_tests", "simulation_tests"],
                      MILLRACE_SEEDS="30",
                      ASAN_OPTIONS="detect_stack_use_after_return=1",
                      UBSAN_OPTIONS="print_stacktrace=1"),
    "tsan": sanitized("tsan", "build-tsan", ["thread_tests"],
                      TSAN_OPTIONS=f"suppressions={SUPPRESSIONS}/tsan.txt"),
}
WITHOUT_BUILD = {"layering", "asan", "tsan"}  # what needs nothing in build/
WAITING = {"broker", "programs", "failover", "docker"}


def allowed_skips():
    """Names from tests/SKIPS: `Suite.Name: reason`."""
    names = {}
    for line in read(os.path.join(ROOT, "tests", "SKIPS")).splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(": ")
            if not reason:
                sys.exit(f"tests/SKIPS: '{line}' has no reason")
            names[name] = reason
    return names


def run_ring(session, name, ring, allowed):
    """Runs one ring, prints its line, and returns its outcome with forbidden skips as failures."""
    print(f"{name:13} ...", flush=True)
    begin = time.monotonic()
    outcome = Outcome()
    try:
        ring(session, outcome)
        if not (outcome.passed or outcome.failed or outcome.skipped):
            outcome.failed.append((name, "the ring ran no test"))
    except RingFailure as failure:
        outcome.failed.append((name, str(failure)))
    forbidden = [skip for skip in outcome.skipped if skip[0] not in allowed]
    outcome.failed += [(case, f"skipped, and tests/SKIPS does not name it: {why}")
                       for case, why in forbidden]
    outcome.skipped = [skip for skip in outcome.skipped if skip[0] in allowed]
    lines = [f"  FAILED {case} ({name})\n    " + text.strip().replace("\n", "\n    ")
             for case, text in outcome.failed]
    print("\n".join([*lines, ring_line(name, begin, outcome)]), flush=True)
    return outcome


def ring_line(name, begin, outcome):
    return f"{name:13} {(time.monotonic() - begin) / 60:5.1f} min   {counts(outcome)}"


def counts(outcome):
    text = f"{outcome.passed} passed, {len(outcome.failed)} failed"
    return text + (f", {len(outcome.skipped)} skipped" if outcome.skipped else "")


def build_everything(session):
    """The programs and the tests of the release preset; returns an outcome that failed, or None."""
    print(f"{'build':13} ...", flush=True)
    begin = time.monotonic()
    try:
        build(session, "release", [], "-DMILLRACE_BUILD_TESTS=ON")
    except RingFailure as failure:
        outcome = Outcome()
        outcome.failed.append(("build", str(failure)))
        print(str(failure))
        return outcome
    print(f"{'build':13} {(time.monotonic() - begin) / 60:5.1f} min", flush=True)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="the full counts")
    parser.add_argument("rings", nargs="*", metavar="RING", help=f"of {', '.join(RINGS)}; default: all")
    options = parser.parse_args()
    unknown = [name for name in options.rings if name not in RINGS]
    if unknown:
        parser.error(f"no ring '{unknown[0]}'; there are {', '.join(RINGS)}")
    chosen = options.rings or list(RINGS)
    allowed = allowed_skips()
    session = Session(options)
    begin = time.monotonic()
    total = Outcome()
    try:
        broken_build = None
        if any(name not in WITHOUT_BUILD for name in chosen):
            broken_build = build_everything(session)
        outcomes = [broken_build] if broken_build else []
        runnable = [name for name in chosen if broken_build is None or name in WITHOUT_BUILD]
        lanes = [[name for name in runnable if name not in WAITING],
                 [name for name in runnable if name in WAITING]]
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            for done in pool.map(lambda lane: [run_ring(session, name, RINGS[name], allowed)
                                               for name in lane], lanes):
                outcomes += done
    finally:
        session.close()
    for outcome in outcomes:
        total.passed += outcome.passed
        total.failed += outcome.failed
        total.skipped += outcome.skipped
    for case, why in total.skipped:
        print(f"skipped {case}: {allowed[case]}")
    print(f"{(time.monotonic() - begin) / 60:.1f} min in all; logs in {session.logs}")
    print(counts(total))
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
