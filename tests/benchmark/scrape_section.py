"""The section `scrape` of run_benchmarks: what it costs to be watched."""

import contextlib
import socket
import threading
import urllib.request

from measuring import BenchmarkError, alternate, compared, shown, table

EVERY_S = 1
GOAL = 0.99


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


class Scraper:
    """Asks for /metrics each second, until it is told to stop."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}/metrics"
        self.scrapes, self.last = 0, ""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(EVERY_S):
            with contextlib.suppress(OSError):  # not there yet, or not any more
                with urllib.request.urlopen(self.address, timeout=EVERY_S) as answer:
                    self.last = answer.read().decode()
                    self.scrapes += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def scrape(bench, frames):
    """unique_users on the file of the section `file`, watched and not."""
    path = bench.file_of_frames(frames)
    _, expected = bench.from_file(path, ["1m"])
    section = {"frames": frames, "scrapes": [], "series": 0}
    commands = {}

    def run(name, *options):
        found, users = bench.from_file(path, ["1m"], *options)
        if users != expected:
            raise BenchmarkError(f"{name}: the counts differ from those of another run")
        commands[name] = shown(bench.command)
        return found

    def alone():
        return run("alone")

    def watched():
        port = free_port()
        with Scraper(port) as scraper:
            found = run("watched", "--http", f"127.0.0.1:{port}")
        if scraper.scrapes < found.seconds / EVERY_S - 2:
            raise BenchmarkError(f"{scraper.scrapes} scrapes in {found.seconds:.1f} s")
        section["scrapes"].append(scraper.scrapes)
        section["series"] = sum(not line.startswith("#") for line in scraper.last.splitlines())
        return found

    section["scrape"] = compared(alternate(bench.plan, bench.pairs, alone, watched), ["alone", "watched"], GOAL, frames)
    return section | {"commands": list(commands.values())}


def render(section):
    row = section["scrape"]
    return ["## Being watched", "",
            f"The file again, without `--http` and with it, while a client asks for `/metrics` each second "
            f"({section['series']} series, {min(section['scrapes'])} to {max(section['scrapes'])} times a run). "
            "Counting and publishing are there on both sides. Ratio: time alone / time watched.", "",
            *table(row, row["median"] >= row["goal"])]
