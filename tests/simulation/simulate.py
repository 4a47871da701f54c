#!/usr/bin/env python3
"""Simulates applications under faults, seed by seed; `./dev simulate` builds it and calls it.

    ./dev simulate [--seeds N] [--first S] [--jobs N]   many seeds, on all cores
    ./dev simulate --first 417 --seeds 1 --trace        one again, with all that happens in it
    ./dev simulate --mutants [NAME...]                  planted bugs: each must be caught

A seed picks topology, input, instances and faults; what is committed is compared with a naive count over
the input. The exit code is 1 if a seed has failed.
"""

import argparse
import json
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import seed_runs  # noqa: E402

ENOUGH = 10
TRACE_LINES = 40


def show(binary, finding, directory):
    """Prints a failing seed with the end of its trace; the whole one is kept."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"seed-{finding.seed}.trace")
    _, output = seed_runs.call(binary, finding.seed, 1, trace=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(output)
    lines = output.splitlines()
    end = next((i + 1 for i, line in enumerate(lines) if "WRONG (" in line), len(lines))
    print(f"\nseed {finding.seed} failed ({finding.check}): {finding.text}")
    print("\n".join("    " + line[:160] for line in lines[max(0, end - TRACE_LINES):end]))
    print(f"  the whole trace: {path}\n  again:           {seed_runs.replay_command(finding.seed)}")


def progress_line(total, begin):
    last = [0.0]

    def progress(done, findings):
        now = time.monotonic()
        if now - last[0] < (1 if sys.stdout.isatty() else 15) and done < total:
            return
        last[0] = now
        rate = done / max(now - begin, 1e-9)
        print(f"{done} of {total} seeds, {len(findings)} failed, {rate:.1f} a second",
              end="\r" if sys.stdout.isatty() and done < total else "\n", flush=True)
    return progress


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2000, help="how many (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--trace", action="store_true", help="print all that happens")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build directory")
    parser.add_argument("--result", help="write the outcome to this file, as JSON")
    options = parser.parse_args()
    binary = os.path.join(options.build, "bin", "simulation_tests")
    if options.trace:
        code, output = seed_runs.call(binary, options.first, options.seeds, trace=True)
        print(output)
        sys.exit(0 if code == 0 else 1)

    begin = time.monotonic()
    findings = seed_runs.run(binary, [(options.first, options.seeds)], options.jobs, ENOUGH,
                             progress_line(options.seeds, begin))
    for finding in findings[:3]:
        show(binary, finding, os.path.join(options.build, "simulation"))
    for finding in findings[3:]:
        print(f"seed {finding.seed} failed ({finding.check}): {finding.text}")
    print(f"{options.seeds} seeds from {options.first} on, {len(findings)} failed, "
          f"{time.monotonic() - begin:.0f} s")
    if options.result:
        name = f"Simulation.Seeds{options.first}To{options.first + options.seeds - 1}"
        text = "\n".join(f"seed {each.seed} ({each.check}): {each.text}\n  again: "
                         + seed_runs.replay_command(each.seed) for each in findings)
        with open(options.result, "w", encoding="utf-8") as file:
            json.dump({"passed": [] if findings else [name],
                       "failed": {name: text} if findings else {}, "skipped": {}}, file)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
