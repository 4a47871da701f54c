"""Instances that are killed, over and over, and who takes over."""

import random
import signal
import time

from application import PARTITIONS, wait_for
from ring_report import Failure
from rounds import RATE, RESTART_SECONDS, SESSION_SECONDS, Round, say

PHASE_SECONDS = 0.3  # some commit intervals
SLOW_MOTION_SECONDS = 0.001  # between two looks at a process that is made to stand still for each
MOST_STOPS = 1000
MOST_TRIES = 6  # to kill between two rounds of a rebalance


def storm(round_, dice, harms, when, harm):
    """One harm after the other, each after the group's committed offsets have moved.

    That is asserted by `millrace groups`: the sum of the input's committed offsets must exceed what it was when
    the last harm had been done. `when` tells the second of the load at which one is due at the earliest.
    """
    application = round_.application
    committed = 0
    for number in range(harms):
        round_.until(when(number))
        committed = application.wait_until_committed_beyond(committed, f"progress before harm {number + 1}")
        # The group answers between two transactions: without this each harm would hit the same moment of one.
        time.sleep(dice.random() * PHASE_SECONDS)
        application.check()
        harm(number)
        committed = wait_for("an answer of the group", application.committed)


def kills_of(round_, dice):
    """A harm: kill -9 of any instance, which is started again. Every second one loses its state directory."""
    def harm(number):
        victim = dice.choice(round_.application.instances)
        victim.kill()
        time.sleep(RESTART_SECONDS)
        if number % 2 == 1:
            victim.lose_state()
        victim.start()
    return harm


def spread(dice, seconds, harms):
    """Moments for so many harms in so many seconds."""
    return lambda number: (number + dice.random()) * seconds / harms


def options_of(seed):
    """What varies between the rounds of a storm."""
    return [["--shards", "2"], ["--threads", "2"], [], []][seed % 4]


def kill_storm(world, seed, seconds, kills, options=()):
    """Members with fixed ids: each comes back within its session, and takes up its own partitions."""
    dice = random.Random(seed)
    with Round(world, world.kafka().bootstrap, f"storm-{seed}", *options) as round_:
        storm(round_, dice, kills, spread(dice, seconds, kills), kills_of(round_, dice))
        round_.until(seconds)
        round_.verdict(f"seed {seed}: {kills} kills {' '.join(options)}")


def dynamic_storm(world, seed, kills):
    """Members without fixed ids, one killed every 15 s: the group rebalances around each death."""
    with Round(world, world.kafka().bootstrap, f"dynamic-{seed}", members="dynamic") as round_:
        dice = random.Random(seed)
        storm(round_, dice, kills, lambda number: 5 + 15 * number, kills_of(round_, dice))
        round_.until(15 * kills)
        round_.verdict(f"seed {seed}: {kills} kills of dynamic members")


def fail_over(world, members):
    """Says how long a dead instance's tasks stood still after the end of its session.

    It is the instance that keeps the counts, so that somebody must also restore them. Nothing is judged but that
    it ends: how soon depends on the machine.
    """
    with Round(world, world.kafka().bootstrap, f"failover-{members}", members=members) as round_:
        application = round_.application

        def counting():
            return next((each for each in application.instances if owned_by(application, each, application.repartition)),
                        None)

        victim = wait_for("an owner of the counts", counting)
        round_.until(4)
        orphans = wait_for("partitions of the victim", lambda: owned_by(application, victim))
        victim.kill()
        died = time.monotonic()
        # Frames with these offsets were not there yet when it died.
        beyond = (len(round_.load.lines) + RATE // 2) // PARTITIONS + 1

        def worked_on():
            application.check_running()
            now = application.partitions()
            return now and all(now[each].committed > beyond for each in orphans)

        wait_for("work of others on the partitions of the dead", worked_on)
        frames = time.monotonic() - died
        sent = wait_for("an answer of the group", lambda: application.partitions(application.repartition))[0].end
        application.wait_until_committed_beyond(sent - 1, "counts after the death", application.repartition)
        counts = time.monotonic() - died
        victim.start()
        round_.verdict(f"{members} members: others worked on {len(orphans)} partitions of the dead {frames:.1f} s after "
                       f"its death, {frames - SESSION_SECONDS:.1f} s after its session, and on its counts after "
                       f"{counts:.1f} s")


def orphans(world):
    """A static member is killed between the two rounds of a cooperative rebalance, and restarted within its session.

    It has given partitions up, which are dealt out when it joins again; but for its restart the group deals nothing
    out, so nobody owns them until the application sees that and makes it.
    """
    for number in range(1, MOST_TRIES + 1):
        with Round(world, world.kafka().bootstrap, "orphans", "--commit-interval", "1s", names=["ann"]) as round_:
            application = round_.application
            ann = application.instances[0]
            wait_for("all partitions of ann", lambda: len(owned_by(application, ann)) == PARTITIONS)
            bob = application.add("bob", "--instance-id", "bob", "--static")
            bob.start()
            if not killed_between_rounds(application, ann, bob):
                continue
            ann.start()
            began = time.monotonic()
            wait_for("an owner of each partition", lambda: all_owned(application))
            healed = time.monotonic() - began
            if "nobody works on these partitions" not in ann.said():
                say(f"try {number}: the group dealt anew by itself")
                continue
            committed = wait_for("an answer of the group", application.committed)
            application.wait_until_committed_beyond(committed, "work on all of them")
            round_.verdict(f"try {number} to kill a static member between two rounds of a rebalance: what it gave up "
                           f"had an owner {healed:.1f} s after its restart")
            return
    raise Failure(f"the moment between two rounds of a rebalance was not hit in {MOST_TRIES} tries")


def killed_between_rounds(application, ann, bob):
    """Lets ann go on in slow motion until nobody owns what she gave up, and kills her; False if bob has got it."""
    for _ in range(MOST_STOPS):
        ann.process.send_signal(signal.SIGSTOP)
        if orphaned(application) and orphaned(application):  # twice: what she has sent may be under way
            ann.kill()
            return True
        missed = owned_by(application, bob)
        ann.process.send_signal(signal.SIGCONT)
        if missed:
            return False
        time.sleep(SLOW_MOTION_SECONDS)
    raise Failure(f"{bob.name} has got nothing while {ann.name} was stopped {MOST_STOPS} times")


def orphaned(application):
    """The partitions of the input that nobody owns though the group is at rest; none while it cannot say."""
    found = application.partitions() or {}
    return [partition for partition, state in found.items() if state.owner == "-" and state.group == "Stable"]


def all_owned(application):
    found = application.partitions() or {}
    return len(found) == PARTITIONS and all(state.owner != "-" for state in found.values())


def owned_by(application, instance, topic=None):
    """The partitions of a topic, else of the input, that a member with an instance id owns."""
    found = application.partitions(topic) or {}
    return [partition for partition, state in found.items() if f"{instance.name}-0@" in state.owner]


def cases(world):
    yield "KillStorm", lambda: kill_storm(world, world.seed, *((40, 12) if world.long else (16, 4)))
    if world.long:
        for seed in range(world.seed + 1, world.seed + 20):
            yield f"KillStorm_{seed}", lambda s=seed: kill_storm(world, s, 40, 12, options_of(s))
    yield "DynamicMembers", lambda: dynamic_storm(world, world.seed, 6 if world.long else 2)
    yield "Orphans", lambda: orphans(world)
    yield "FailOver", lambda: fail_over(world, "named")
    if world.long:
        yield "FailOverOfStaticMembers", lambda: fail_over(world, "static")
