"""What a user of Python would run instead: confluent-kafka and orjson, in an environment of their own."""

import pathlib
import shutil
import subprocess
import sys

from measuring import BenchmarkError, say

PROGRAM = pathlib.Path(__file__).resolve().parent / "python_unique_users.py"
PACKAGES = ["confluent-kafka", "orjson"]


def environment(bench):
    """Its folder, made once."""
    folder = bench.scratch / "python"
    if not folder.exists():
        say("installing the Python packages")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        installed = subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *PACKAGES])
        if installed.returncode != 0:
            shutil.rmtree(folder)
            raise BenchmarkError(f"pip could not install {', '.join(PACKAGES)}: see above")
    return folder


def versions(bench):
    asked = ("import sys, importlib.metadata as m; print('Python ' + sys.version.split()[0], *"
             f"(', %s %s' % (p, m.version(p)) for p in {PACKAGES}), sep='')")
    return subprocess.run([environment(bench) / "bin" / "python", "-c", asked], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def command(bench, broker, topic):
    return [environment(bench) / "bin" / "python", PROGRAM, broker, topic]
