"""A load that lasts: so many lines a second, as life sends them."""

import itertools
import os
import subprocess
import threading
import time

from ring_report import Failure

HANG_SECONDS = 180


class PacedLoad:
    """Feeds lines of a file to `millrace load`, so many a second, until it is told to stop."""

    def __init__(self, application, path, rate):
        self.application = application
        self.rate = rate
        self.file = open(path, "rb")
        self.lines = []  # what was handed over
        self.stopping = threading.Event()
        self.failure = None
        self.log = os.path.join(application.directory, "load.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                application.programs.command("millrace", "load", "--broker", application.broker, "--topic",
                                             application.input, "--partitioner", "round-robin", "-"),
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.begin = time.monotonic()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.wait(0.02):
                due = int((time.monotonic() - self.begin) * self.rate) - len(self.lines)
                batch = list(itertools.islice(self.file, due))
                if due > 0 and not batch:
                    raise Failure("the file ended before the test: it needs more frames")
                self.process.stdin.write(b"".join(batch))
                self.process.stdin.flush()
                self.lines += batch
        except (OSError, Failure) as error:
            self.failure = error

    def seconds(self):
        return time.monotonic() - self.begin

    def stop(self):
        """Ends the load; returns the lines that are in the topic now, without their ends."""
        self.stopping.set()
        self.thread.join()
        self.process.stdin.close()
        code = self.process.wait(timeout=HANG_SECONDS)
        self.file.close()
        if code != 0 or self.failure:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Failure(f"the load ended with {code}, {self.failure}:\n{log.read()[-2000:]}")
        return [line.removesuffix(b"\n").removesuffix(b"\r") for line in self.lines]

    def end(self):
        self.stopping.set()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
