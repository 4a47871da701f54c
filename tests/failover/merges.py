"""Sorted merges that are killed, over and over: the output is sorted, complete, and holds nothing twice."""

import os
import random
import time

from absences import COMPLAINT
from application import Application, wait_for
from kafka_nodes import Kafka
from rounds import RESTART_SECONDS, say

PARTITIONS = 10
AWAY_SECONDS = 5


def slowly(on_their_way):
    """So few records on their way at once that a merge lasts long enough to be killed in it."""
    return ["--kafka", f"producer.queue.buffering.max.messages={on_their_way}", "--kafka", "producer.linger.ms=5"]


class Merge(Application):
    """Integers in sorted partitions, and instances of sorted_merge."""

    def __init__(self, world, broker, name, count, *options):
        programs = world.programs
        self.programs, self.broker, self.more, self.instances = programs, broker, list(options), []
        self.name = f"{name}-{next(programs.number)}"
        self.directory = programs.path(self.name)
        os.makedirs(self.directory)
        self.input, self.output = (f"{self.name}-{what}" for what in ["input", "output"])
        self.summary = os.path.join(self.directory, "summary.json")
        programs.run("millrace", "create", "--broker", broker, "--topic", self.output, "--partitions", 1)
        # One copy of each partition: while its broker is away nobody else has it.
        programs.run("millrace", "create", "--broker", broker, "--topic", self.input, "--partitions", PARTITIONS,
                     "--replication", 1)
        programs.run("integers", "--broker", broker, "--topic", self.input, "--partitions", PARTITIONS, "--count",
                     count, "--seed", world.seed)

    def options(self, *more):
        return ["sorted_merge", "--broker", self.broker, "--input", self.input, "--output", self.output,
                "--application-id", self.name, "--log-level", "info", *self.more, *more]

    def committed(self, topic=None):
        """What readers have committed of the input, and who merges of their runs: either is progress."""
        if topic is not None or "--readers" not in self.more:
            return super().committed(topic)
        read, merged = super().committed(), super().committed(f"{self.name}-merge-repartition")
        return None if read is None or merged is None else read + merged

    def verify(self):
        said, _ = self.programs.run("millrace", "verify-sorted", "--broker", self.broker, "--topic", self.output,
                                    "--against", self.input)
        return said.strip()


def merge_kills(world, kills, members, *options):
    """kill -9 of one member after the other, each after the committed offsets have moved; then it finishes."""
    dice = random.Random(world.seed)
    count, pace = size(world)
    merge = Merge(world, world.kafka().bootstrap, "merge", count, *pace, *options)
    try:
        for name in members:
            merge.add(name, "--instance-id", name).start("--until-end")
        committed, began, done = 0, time.monotonic(), 0
        while done < kills:
            committed = merge.wait_until_committed_beyond(committed, f"progress before kill {done + 1}")
            time.sleep(dice.random())
            victim = dice.choice(merge.instances)
            victim.kill()
            done += 1
            time.sleep(RESTART_SECONDS)
            if done % 2 == 0:
                victim.lose_state()
            victim.start("--until-end")
            committed = wait_for("an answer of the group", merge.committed)
        for each in merge.instances:
            each.wait()
        said = merge.verify()
        say(f"{done} kills of {len(members)} in {time.monotonic() - began:.0f} s {' '.join(options)}; {said}")
    finally:
        merge.end()


def one_reader_each(world):
    """With readers each partition has one owner at any time; when one dies others take its partitions over."""
    count, pace = size(world)
    merge = Merge(world, world.kafka().bootstrap, "readers", count, *pace, "--readers")
    try:
        for name in ["ann", "bob", "cid"]:
            merge.add(name, "--instance-id", name).start("--until-end")

        def owners():
            now = merge.partitions() or {}
            names = {state.owner.split("-0@")[0] for state in now.values()}
            return names if len(now) == PARTITIONS and len(names) == 3 else None

        wait_for("three readers", owners)
        victim = merge.instances[0]
        victim.kill()
        wait_for("other readers", lambda: (now := merge.partitions()) and
                 all(state.owner != "-" and not state.owner.startswith(victim.name) for state in now.values()))
        for each in merge.instances[1:]:
            each.wait()
        merge.verify()
        say("three readers shared the partitions; one was killed, the others finished: sorted and complete")
    finally:
        merge.end()


def leader_away(world):
    """Half of the partitions have no leader for a while: nothing is passed on without them, and nothing lost."""
    count, pace = size(world)
    kafka = Kafka(2)
    keep = True
    merge = Merge(world, kafka.bootstrap, "away", count, *pace)
    try:
        ann = merge.add("ann", "--instance-id", "ann")
        ann.start("--until-end")
        merge.wait_until_committed_beyond(0, "the first commit")
        heard = len(ann.said())
        kafka.kill(2)
        wait_for("a word about it", lambda: COMPLAINT.search(ann.said()[heard:]))
        time.sleep(AWAY_SECONDS)
        ann.check()
        complaint = COMPLAINT.search(ann.said()[heard:])[0]
        kafka.start()
        ann.wait()
        say(f"broker 2 was away for {AWAY_SECONDS} s; said: {complaint[30:150]}; {merge.verify()}")
        keep = False
    finally:
        merge.end()
        kafka.close(keep)


def size(world):
    """(records, how they are slowed down): more than a minute of merging, or some twenty seconds."""
    return (10_000_000, slowly(500)) if world.long else (400_000, slowly(100))


def cases(world):
    kills = 12 if world.long else 2
    yield "MergeKills", lambda: merge_kills(world, kills, ["ann"])
    # Three merge faster than one.
    yield "MergeKillsOfReaders", lambda: merge_kills(world, min(kills, 10), ["ann", "bob", "cid"], "--readers")
    yield "OneReaderEach", lambda: one_reader_each(world)
    yield "MergeWithALeaderAway", lambda: leader_away(world)
