#!/usr/bin/env python3
"""Plants bugs, one at a time, and demands that the simulation catches each.

    ./dev simulate --mutants [NAME...] [--record]

A planted bug is a patch, mutants/NAME.patch. It is applied to a copy of the tree under build/mutants, of
which only simulation_tests is built. A patch that does not apply or does not compile has failed. Seeds that
caught a mutant before are in mutants/seeds.txt and come first; --record writes them down anew.
"""

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import seed_runs  # noqa: E402

PATCHES = os.path.join(HERE, "mutants")
SEEDS = os.path.join(PATCHES, "seeds.txt")
MORE_SEEDS = 8000


class Failure(Exception):
    """The mutant could not be tried."""


class Scratch:
    """A copy of the tree and a build directory of its own, used for one mutant after the other."""

    def __init__(self, build):
        self.home = os.path.join(build, "mutants")
        self.tree = os.path.join(self.home, "tree")
        self.build = os.path.join(self.tree, "build")  # as in the tree, so that ccache knows it
        self.binary = os.path.join(self.build, "bin", "simulation_tests")
        os.makedirs(self.home, exist_ok=True)

    def restore(self):
        """Makes the copy equal to the tree; files that are equal keep their times."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        names = {name for name in listed.split("\0")
                 if name and os.path.isfile(os.path.join(ROOT, name))}
        for name in names:
            source, target = os.path.join(ROOT, name), os.path.join(self.tree, name)
            if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(source, target)
        for folder, folders, files in os.walk(self.tree):
            if folder == self.tree and "build" in folders:
                folders.remove("build")
            for file in files:
                path = os.path.join(folder, file)
                if os.path.relpath(path, self.tree) not in names:
                    os.remove(path)

    def run(self, what, *command):
        log = os.path.join(self.home, what + ".log")
        with open(log, "wb") as output:
            # The copy lies inside a repository; the patch is not for that one.
            environment = {**os.environ, "GIT_CEILING_DIRECTORIES": self.home,
                           "CCACHE_BASEDIR": self.tree}
            code = subprocess.run(command, cwd=self.tree, stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, env=environment).returncode
        if code == 0:
            return
        with open(log, encoding="utf-8", errors="replace") as output:
            lines = output.read().splitlines()
        telling = [line for line in lines if "error" in line.lower()][:5] or lines[-5:]
        raise Failure(f"does not {what}:\n    " + "\n    ".join(telling))

    def plant(self, patch, jobs):
        self.restore()
        self.run("apply", "git", "apply", patch)
        self.compile(jobs)

    def compile(self, jobs):
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            self.run("configure", "cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=Release", "-DMILLRACE_BUILD_APPS=OFF",
                     "-DMILLRACE_BUILD_TESTS=ON")
        self.run("compile", "cmake", "--build", self.build, "-j", str(jobs), "--target",
                 "simulation_tests")


def read_seeds():
    """NAME -> seeds that have caught it."""
    seeds = {}
    if os.path.exists(SEEDS):
        with open(SEEDS, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, _, numbers = line.partition(":")
                    seeds[name] = [int(number) for number in numbers.split()]
    return seeds


def write_seeds(seeds):
    with open(SEEDS, "w", encoding="utf-8") as file:
        file.write("# Seeds that catch each mutant; written by ./dev simulate --mutants --record.\n")
        for name in sorted(seeds):
            file.write(f"{name}: {' '.join(str(seed) for seed in seeds[name])}\n")


def attempt(scratch, name, known, jobs):
    """(what caught it, how many seeds were run), or raises Failure."""
    scratch.plant(os.path.join(PATCHES, name + ".patch"), jobs)
    findings = seed_runs.run(scratch.binary, [(seed, 1) for seed in known], jobs)
    if not findings:
        findings = seed_runs.run(scratch.binary, [(0, MORE_SEEDS)], jobs)
    if not findings:
        raise Failure(f"not caught by {MORE_SEEDS} seeds")
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--record", action="store_true", help="write the seeds that caught them down")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build directory")
    parser.add_argument("--result", help="write the outcome to this file, as JSON")
    options = parser.parse_args()
    there = sorted(file.removesuffix(".patch") for file in os.listdir(PATCHES)
                   if file.endswith(".patch"))
    unknown = [name for name in options.names if name not in there]
    if unknown:
        parser.error(f"no mutant '{unknown[0]}'; there are {', '.join(there)}")

    scratch, seeds = Scratch(options.build), read_seeds()
    outcome = {"passed": [], "failed": {}, "skipped": {}}
    print(f"{'mutant':28} {'seed':>6}  {'check':14} seconds", flush=True)
    for name in options.names or there:
        begin = time.monotonic()
        try:
            found = attempt(scratch, name, seeds.get(name, []), options.jobs)
            outcome["passed"].append("Mutants." + name)
            seeds[name] = sorted({*seeds.get(name, []), *(each.seed for each in found)})[:5]
            seen, check = str(found[0].seed), found[0].check
        except Failure as failure:
            outcome["failed"]["Mutants." + name] = str(failure)
            seen, check = "-", str(failure)
        print(f"{name:28} {seen:>6}  {check:14} {time.monotonic() - begin:7.0f}", flush=True)
        if options.record:
            write_seeds(seeds)
    scratch.restore()
    print(f"{len(outcome['passed'])} caught, {len(outcome['failed'])} not")
    if options.result:
        with open(options.result, "w", encoding="utf-8") as file:
            json.dump(outcome, file)
    sys.exit(1 if outcome["failed"] else 0)


if __name__ == "__main__":
    main()
