"""Follows docs/guide.md to the letter: writes its files, runs its commands, compares what they print.

How a block of the page is marked, in an HTML comment on the line before it:

    <!-- file: NAME -->      the block is the file NAME, in the present directory
    <!-- append: NAME -->    it goes to the end of NAME
    (nothing)                a block of sh runs, in the shell that all blocks share; any other block is an error
    <!-- kafka -->           a block of sh that needs a broker: runs where there is one, in place of localhost:9092
    <!-- output -->          what the block of sh before it prints
    <!-- not run: WHY -->    left out

Other pages mark with <!-- compiles --> what is a whole translation unit.
"""

import os
import re
import subprocess

from ring_report import Failure

BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
HANG_SECONDS = 300


class Step:
    """A block of sh, the files that are written before it, and what it prints (None: anything)."""

    def __init__(self, text, files, needs_kafka):
        self.text = text
        self.files = files
        self.needs_kafka = needs_kafka
        self.output = None


def steps_of(page):
    steps, files = [], []
    for block in BLOCK.finditer(page):
        mark, language, text = block["mark"] or "", block["language"], block["text"]
        name = mark.partition(": ")[2]
        if mark.startswith(("file: ", "append: ")):
            files.append((name, "w" if mark.startswith("file") else "a", text))
        elif mark == "output" and steps:
            steps[-1].output = text
        elif language == "sh" and mark in ("", "kafka"):
            steps.append(Step(text, files, mark == "kafka"))
            files = []
        elif not (mark.startswith("not run: ") and name):
            raise Failure(f"a block of '{language}' marked '{mark}' is neither run nor a file:\n{text}")
    if files:
        raise Failure(f"nothing is run after {files[-1][0]} is written")
    return steps


def snippets(page):
    """The blocks of a page that are marked to compile."""
    with open(page, encoding="utf-8") as file:
        return [block["text"] for block in BLOCK.finditer(file.read()) if block["mark"] == "compiles"]


def script_of(steps, kafka):
    """One script: each step announces itself, and its output goes to a file of its own."""
    lines = ["set -eu"]
    for number, step in enumerate(steps):
        for name, mode, text in step.files:
            arrow = ">" if mode == "w" else ">>"
            lines.append(f"cat {arrow}{name} <<'END-OF-{number}'\n{text}END-OF-{number}")
        text = step.text.replace("localhost:9092", kafka) if step.needs_kafka else step.text
        lines.append(f'echo {number} >"$LOGS/step"; exec >"$LOGS/{number}"\n{text}')
    return "\n".join(lines)


def follow(page, home, kafka, **environment):
    """Runs the page's steps, with `home` as $HOME; those that need a broker only if `kafka` names one."""
    with open(page, encoding="utf-8") as file:
        steps = [step for step in steps_of(file.read()) if kafka or not step.needs_kafka]
    logs = os.path.join(home, "logs")
    os.makedirs(logs)
    with open(os.path.join(logs, "errors"), "w+", encoding="utf-8") as errors:
        code = subprocess.run(["bash", "-c", script_of(steps, kafka)], cwd=home, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=errors, timeout=HANG_SECONDS, check=False,
                              env={**os.environ, "HOME": home, "LOGS": logs, **environment}).returncode
        errors.seek(0)
        said = errors.read()
    if code != 0:
        number = int(read(logs, "step"))
        raise Failure(f"ended with {code}:\n{steps[number].text}\n{read(logs, number)[-3000:]}\n"
                      f"{said[-3000:]}")
    for number, step in enumerate(steps):
        if step.output is not None and read(logs, number) != step.output:
            raise Failure(f"{step.text}\nprints\n{read(logs, number)}\nand not\n{step.output}")
    return len(steps)


def read(logs, name):
    with open(os.path.join(logs, str(name)), encoding="utf-8") as file:
        return file.read()
