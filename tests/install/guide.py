#!/usr/bin/env python3
"""Makes a shell script of docs/guide.md: writes its files, runs its commands, compares what they print.

How a block of the page is marked, in an HTML comment on the line before it:

    <!-- file: NAME -->      the block is the file NAME, in the present directory
    <!-- append: NAME -->    it goes to the end of NAME
    (nothing)                a block of sh runs, in the shell that all blocks share; any other block is an error
    <!-- kafka -->           a block of sh that needs a broker: runs where there is one, in place of localhost:9092
    <!-- output -->          what the block of sh before it prints
    <!-- build -->           a block of sh that builds and installs Millrace: runs only from nothing

Other pages mark with <!-- compiles --> what is a whole translation unit.

By itself it prints the script that begins from nothing, for an empty machine: run it in the source tree.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from ring_report import Failure  # noqa: E402

PAGE = os.path.join(HERE, "..", "..", "docs", "guide.md")
BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
HANG_SECONDS = 300


class Step:
    """A block of sh, the files that are written before it, and what it prints (None: anything)."""

    def __init__(self, kind, text, files):
        self.kind = kind  # "", "kafka", "build"
        self.text = text
        self.files = files
        self.output = None


def steps_of(page):
    steps, files = [], []
    for block in BLOCK.finditer(page):
        mark, language, text = block["mark"] or "", block["language"], block["text"]
        if mark.startswith(("file: ", "append: ")):
            files.append((mark.partition(": ")[2], ">" if mark.startswith("file") else ">>", text))
        elif mark == "output" and steps:
            steps[-1].output = text
        elif language == "sh" and mark in ("", "kafka", "build"):
            steps.append(Step(mark, text, files))
            files = []
        else:
            raise Failure(f"a block of '{language}' marked '{mark}' is neither run nor a file:\n{text}")
    if files:
        raise Failure(f"nothing is run after {files[-1][0]} is written")
    return steps


def snippets(page):
    """The blocks of a page that are marked to compile."""
    with open(page, encoding="utf-8") as file:
        return [block["text"] for block in BLOCK.finditer(file.read()) if block["mark"] == "compiles"]


def script_of(page, kafka=None, from_nothing=False):
    """One script that ends at the first step which fails or prints something else, and says which."""
    with open(page, encoding="utf-8") as file:
        steps = steps_of(file.read())
    lines = ["set -eu", "LOGS=$(mktemp -d)", "exec 3>&1",
             """trap '[ $? = 0 ] || { cat "$LOGS/step" >&2; kill -9 $(jobs -p) 2>/dev/null; }' EXIT"""]
    for step in steps:
        if (step.kind == "kafka" and not kafka) or (step.kind == "build" and not from_nothing):
            continue
        lines += [f"cat {arrow}{name} <<'END OF FILE'\n{text}END OF FILE" for name, arrow, text in step.files]
        text = step.text.replace("localhost:9092", kafka) if step.kind == "kafka" else step.text
        lines.append(f"cat >\"$LOGS/step\" <<'END OF STEP'\n\nin the step\n\n{text}END OF STEP\n"
                     f'exec >"$LOGS/output"\n{text}exec >&3')
        if from_nothing:  # somebody looks
            lines.append('cat "$LOGS/step" "$LOGS/output"')
        if step.output is not None:
            lines.append(f"diff -u --label expected --label found - \"$LOGS/output\" <<'END OF OUTPUT' >&2\n"
                         f"{step.output}END OF OUTPUT")
    return "\n".join([*lines, 'rm -rf "$LOGS"']) + "\n"


def follow(page, home, kafka, **environment):
    """Runs the page's steps, with `home` as $HOME; those that need a broker only if `kafka` names one."""
    outcome = subprocess.run(["bash", "-c", script_of(page, kafka)], cwd=home, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
                             env={**os.environ, "HOME": home, "TMPDIR": home, **environment})
    if outcome.returncode != 0:
        raise Failure(f"ended with {outcome.returncode}:\n{outcome.stderr[-6000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", metavar="HOST:PORT", help="also follow the part that needs a broker")
    sys.stdout.write(script_of(PAGE, parser.parse_args().kafka, from_nothing=True))


if __name__ == "__main__":
    main()
