"""Runs seeds of the simulation_tests binary, many at a time."""

import concurrent.futures
import os
import re
import subprocess

CHUNK = 25  # seeds of one process
SECONDS_A_SEED = 60  # far more than any takes: ends a hang
FAILED = re.compile(r"^seed (\d+) \(([^)]*)\): (.*)$", re.MULTILINE)


class Finding:
    """A seed that failed: by which check, and how it said so."""

    def __init__(self, seed, check, text):
        self.seed, self.check, self.text = seed, check, text


def replay_command(seed):
    return f"./dev simulate --first {seed} --seeds 1 --trace"


def call(binary, first, count, trace=False):
    """(exit code, output) of one process; the code is None if it hung."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("MILLRACE_")}
    environment.update(MILLRACE_FIRST_SEED=str(first), MILLRACE_SEEDS=str(count))
    if trace:
        environment["MILLRACE_TRACE"] = "1"
    try:
        done = subprocess.run([binary], env=environment, stdin=subprocess.DEVNULL, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS_A_SEED + 5 * count)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as hung:
        return None, (hung.stdout or b"").decode(errors="replace")


def run_chunk(binary, first, count):
    """Findings of `count` seeds; one that ends the process or hangs is found by trying each alone."""
    code, output = call(binary, first, count)
    found = [Finding(int(seed), check, text) for seed, check, text in FAILED.findall(output)]
    if code == 0 or (code == 1 and found):
        return found
    if count == 1:
        how = "hang" if code is None else "crash"
        return [Finding(first, how, (output.strip().splitlines() or [f"ended with {code}"])[-1])]
    found = []
    for seed in range(first, first + count):
        found += run_chunk(binary, seed, 1)
        if found:
            return found
    return [Finding(first, "crash", f"{count} seeds from here together, but none alone:\n{output[-2000:]}")]


def run(binary, seeds, jobs, enough=1, progress=None):
    """Runs `seeds`, a list of (first, count), until `enough` have failed; returns the findings."""
    chunks = [(first + at, min(CHUNK, count - at)) for first, count in seeds
              for at in range(0, count, CHUNK)]
    findings, done = [], 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(run_chunk, binary, *chunk): chunk for chunk in chunks[:jobs]}
        rest = iter(chunks[jobs:])
        while waiting:
            ready, _ = concurrent.futures.wait(waiting,
                                               return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                findings += future.result()
                done += waiting.pop(future)[1]
                if progress:
                    progress(done, findings)
                if len(findings) < enough and (chunk := next(rest, None)):
                    waiting[pool.submit(run_chunk, binary, *chunk)] = chunk
    return sorted(findings, key=lambda finding: finding.seed)
