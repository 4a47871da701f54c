"""What the fail-over cases share: programs, brokers, and an application under a steady load."""

import time

from application import Application, Programs
from kafka_nodes import Kafka
from paced_load import PacedLoad

RATE = 3_000  # frames a second
MOST_FRAMES = 600_000  # more than three minutes of them
RESTART_SECONDS = 1
SESSION_SECONDS = 10  # unique_users' session time-out
NAMES = ["ann", "bob", "cid"]


class World:
    """Programs and brokers that the cases share."""

    def __init__(self, arguments):
        self.programs = Programs(arguments.build)
        self.seed = arguments.seed
        self.long = arguments.long
        self._kafka = None

    def kafka(self):
        """One broker, for all cases that do not kill it."""
        if self._kafka is None:
            self._kafka = Kafka()
        return self._kafka

    def frames(self):
        return self.programs.frames(MOST_FRAMES, self.seed)

    def close(self, keep):
        if self._kafka is not None:
            self._kafka.close(keep)
        self.programs.close(keep)


class Round:
    """An application under load, from the first frame to the verdict.

    Its members are "static" (with an instance id by which the group knows them again), "named" (with an id that
    only fences), or "dynamic" (each has the id that it keeps in its state directory).
    """

    def __init__(self, world, broker, name, *options, names=NAMES, members="static"):
        self.world = world
        self.application = Application(world.programs, broker, name, *options)
        for each in names:
            identity = {"static": ["--instance-id", each, "--static"], "named": ["--instance-id", each],
                        "dynamic": []}[members]
            self.application.add(each, *identity)
        self.load = None

    def __enter__(self):
        try:
            for instance in self.application.instances:
                instance.start()
            self.load = PacedLoad(self.application, self.world.frames(), RATE)
            self.application.wait_until_committed_beyond(0, "the first commit")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.load is not None:
            self.load.end()
        self.application.end()

    def until(self, seconds):
        """Lets the load run until it has lasted `seconds`."""
        time.sleep(max(0, seconds - self.load.seconds()))

    def verdict(self, what):
        """Ends the load, stops all in order, runs all to the end, and compares with the naive count."""
        lasted = self.load.seconds()
        lines = self.load.stop()
        self.application.stop()
        self.application.finish()
        windows, counts = self.application.judge(lines)
        say(f"{what}; {len(lines)} frames in {lasted:.0f} s, {windows} windows, {counts.late} late, "
            f"{counts.dead_lettered} dead-lettered: 0 differences")


def say(text):
    print("         " + text, flush=True)
