#!/usr/bin/env python3
"""`./dev demo failover`: three instances count, one is killed and one added, and the counts stay right."""

import argparse
import datetime
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

for variable in [name for name in os.environ if name.startswith("MILLRACE_")]:
    del os.environ[variable]

from application import PARTITIONS, wait_for  # noqa: E402
from deaths import owned_by  # noqa: E402
from ring_report import Failure  # noqa: E402
from rounds import RATE, Round, World  # noqa: E402

KILL_AT, ADD_AT, END_AT = 12, 18, 36  # seconds
TASK_RUNS = re.compile(r"^(\S+) info task runs .*task=(\S+) offsets_ms=(\d+) restore_ms=(\d+) restored_records=(\d+)",
                       re.MULTILINE)
NEXT = """
What next?
  tests/failover/failover_test.py     the same and worse, as tests: ./dev test failover, or with --long
  build/bin/unique_users --help       --instance-id, --static, --state-dir, --threads
  build/bin/millrace groups --help    who works on what, and how far behind
  docs/design.md, sections 6 and 9    why it holds
"""


class Demo:
    """The run and what is shown of it."""

    def __init__(self, round_, began):
        self.round = round_
        self.application = round_.application
        self.began = began

    def seconds(self):
        return time.time() - self.began

    def say(self, text):
        print(f"{self.seconds():5.1f} s  {text}", flush=True)

    def show(self):
        """One line of progress: how far, and who has which partitions."""
        loaded = len(self.round.load.lines)
        partitions = self.application.partitions()
        if partitions is None:
            self.say(f"{loaded:>7,} frames loaded; the group settles a transaction of the dead one")
            return
        committed = sum(state.committed for state in partitions.values())
        owned = {}
        for partition, state in sorted(partitions.items()):
            name = re.sub(r"^millrace-[^-]*-|-0@.*", "", state.owner)
            owned.setdefault(name, []).append(str(partition))
        owners = "  ".join(f"{name}: {','.join(numbers)}" for name, numbers in sorted(owned.items()))
        self.say(f"{loaded:>7,} frames loaded, {committed:>7,} counted and committed; partitions of  {owners}")

    def show_until(self, second):
        while self.seconds() < second:
            self.show()
            time.sleep(min(2, max(0, second - self.seconds())))

    def restores(self):
        """(second, instance, task, ms for offsets, ms for the restore, records) of each task taken over."""
        for instance in self.application.instances:
            for stamp, task, offsets, restore, records in TASK_RUNS.findall(instance.said()):
                then = datetime.datetime.fromisoformat(stamp).timestamp() - self.began
                yield then, instance.name, task, int(offsets), int(restore), int(records)

    def run(self):
        application = self.application
        self.say(f"three instances run: {', '.join(each.name for each in application.instances)}; {RATE:,} frames "
                 f"a second go to {PARTITIONS} partitions")
        self.show_until(KILL_AT)
        # The one that keeps the counts: then there is something to restore.
        victim = wait_for("an owner of the counts", lambda: next(
            (each for each in application.instances if owned_by(application, each, application.repartition)), None))
        victim.kill()
        self.say(f"kill -9 {victim.name}: its partitions and the counts stand still until its session of 10 s is over")
        self.show_until(ADD_AT)
        dan = application.add("dan", "--instance-id", "dan")
        dan.start()
        self.say(f"{dan.name} is added")
        self.show_until(END_AT)
        lines = self.round.load.stop()
        application.instances.remove(victim)
        self.say("the load ends; the others finish what is there and close the last windows")
        application.stop()
        ends = self.seconds()
        application.finish()
        application.instances.append(victim)
        self.say("done; compared with a naive count of the same frames:")
        windows, counts = application.judge(lines)
        print(f"\n         the same: {windows} windows, each once; {counts.accepted:,} of {counts.frames:,} frames "
              f"accepted, {counts.late:,} late, {counts.dead_lettered:,} dead-lettered\n")
        print("Take-overs: a task n_p is part n of the topology on partition p. Part 0 reads the frames and keeps nothing;\n"
              "part 1 keeps the counts, and restores them from its changelog.\n")
        print("   second  instance  task  offsets ms  restore ms  restored records")
        for second, name, task, offsets, restore, records in sorted(self.restores()):
            note = "  (the run to the end)" if second > ends else ""
            print(f"   {second:6.1f}  {name:8}  {task:4}  {offsets:10}  {restore:10}  {records:16,}{note}")
        print(NEXT)


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the build directory")
    arguments = parser.parse_args()
    arguments.seed, arguments.long = 1, False
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    world = World(arguments)
    code = 1
    try:
        print("         Kafka starts on loopback ports (the first time it is fetched by Maven)", flush=True)
        bootstrap, began = world.kafka().bootstrap, time.time()
        with Round(world, bootstrap, "demo", members="named") as round_:
            Demo(round_, began).run()
        code = 0
    except Failure as failure:
        print(failure)
    except KeyboardInterrupt:
        print("\n         interrupted: cleaning up", flush=True)
        code = 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        world.close(keep=code == 1)
    sys.exit(code)


if __name__ == "__main__":
    main()
