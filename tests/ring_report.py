"""Outcome of a ring that is a script: runs its cases, prints what failed, writes the counts."""

import argparse
import concurrent.futures
import json
import os
import sys
import traceback


class Failure(Exception):
    """A case did not hold; the text says how."""


class Skip(Exception):
    """A case cannot run here; the text says why."""


def argument_parser(description):
    """Arguments that every script ring has."""
    parser = argparse.ArgumentParser(description=description)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--source", default=root, help="the tree")
    parser.add_argument("--build", default=os.path.join(root, "build"), help="the build directory")
    parser.add_argument("--result", help="write the outcome to this file, as JSON")
    parser.add_argument("cases", nargs="*", help="run only cases whose name contains one of these")
    return parser


def run(arguments, cases, jobs=1):
    """Runs `cases`, a list of (name, function without arguments), and returns the exit code."""
    if arguments.cases:
        cases = [case for case in cases if any(part in case[0] for part in arguments.cases)]
    outcome = {"passed": [], "failed": {}, "skipped": {}}

    def run_one(case):
        name, function = case
        try:
            function()
            return name, "passed", ""
        except Failure as failure:
            return name, "failed", str(failure)
        except Skip as skip:
            return name, "skipped", str(skip)
        except Exception:  # a case that breaks has failed; the others still run
            return name, "failed", traceback.format_exc()

    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
        for name, verdict, text in pool.map(run_one, cases):
            print(f"{verdict:8} {name}", flush=True)
            if verdict == "passed":
                outcome["passed"].append(name)
            else:
                outcome[verdict][name] = text
                print("         " + text.strip().replace("\n", "\n         "), flush=True)
    if arguments.result:
        with open(arguments.result, "w", encoding="utf-8") as file:
            json.dump(outcome, file)
    return 1 if outcome["failed"] else 0


def main(arguments, cases, jobs=1):
    sys.exit(run(arguments, cases, jobs))
