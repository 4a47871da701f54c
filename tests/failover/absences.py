"""Instances and brokers that are away for a while and come back: zombies, and a broker that restarts."""

import random
import re
import signal
import threading
import time

from application import wait_for
from deaths import kills_of, options_of, owned_by, spread, storm
from kafka_nodes import Kafka
from ring_report import Failure
from rounds import Round, say

FREEZE_SECONDS = 15  # past the session time-out
OUTAGE_SECONDS = 3
LONG_OUTAGE_SECONDS = 15  # past the session time-out, of which clients keep count as well
COMPLAINT = re.compile(r"^\S+ (warning|error) .*", re.MULTILINE)


def zombies(world, freezes):
    """SIGSTOP past the session time-out, then SIGCONT: what the zombie still holds must not be committed.

    Others take over meanwhile; afterwards it becomes a member with partitions again, without a restart.
    """
    with Round(world, world.kafka().bootstrap, "zombie") as round_:
        application = round_.application
        for freeze in range(freezes):
            victim = application.instances[freeze % len(application.instances)]
            wait_for(f"partitions of {victim.name}", lambda v=victim: owned_by(application, v))
            victim.signal(signal.SIGSTOP)
            time.sleep(FREEZE_SECONDS)
            wait_for("other owners", lambda v=victim: application.partitions() and not owned_by(application, v))
            committed = wait_for("an answer of the group", application.committed)
            application.wait_until_committed_beyond(committed, "work of the others")
            victim.signal(signal.SIGCONT)
            wait_for(f"a comeback of {victim.name}", lambda v=victim: owned_by(application, v))
        round_.until(round_.load.seconds() + 3)
        application.check()
        round_.verdict(f"{freezes} instances stood still for {FREEZE_SECONDS} s and more")


def frozen_twice(world, tries):
    """SIGCONT and SIGSTOP again, before a member that the group has given up can join it.

    librdkafka then joins later with partitions that others have had meanwhile, and does not say that it lost them.
    """
    dice = random.Random(world.seed)
    with Round(world, world.kafka().bootstrap, "frozen-twice") as round_:
        application = round_.application
        for number in range(tries):
            victim = application.instances[number % len(application.instances)]
            wait_for(f"partitions of {victim.name}", lambda v=victim: owned_by(application, v))
            for pause in [dice.uniform(0.002, 0.05), 0]:
                victim.signal(signal.SIGSTOP)
                time.sleep(FREEZE_SECONDS)
                victim.signal(signal.SIGCONT)
                time.sleep(pause)
            wait_for(f"a comeback of {victim.name}", lambda v=victim: owned_by(application, v))
        round_.until(round_.load.seconds() + 3)
        application.check()
        round_.verdict(f"{tries} instances stood still twice in a row")


def freezes_of(round_, dice, frozen):
    """A harm: SIGSTOP past the session time-out, SIGCONT by a timer. At most two stand still at a time.

    `frozen` takes (instance, timer) of each.
    """
    def harm(_):
        while sum(timer.is_alive() for _, timer in frozen) > 1:
            time.sleep(0.1)
        still = [instance for instance, timer in frozen if timer.is_alive()]
        victim = dice.choice([each for each in round_.application.instances if each not in still])
        victim.signal(signal.SIGSTOP)
        timer = threading.Timer(FREEZE_SECONDS, victim.signal, [signal.SIGCONT])
        frozen.append((victim, timer))
        timer.start()
    return harm


def freeze_storm(world, seed, seconds, freezes):
    """Zombies in numbers: one is frozen while another still is, and some have just come back."""
    dice, frozen = random.Random(seed), []
    members = ["static", "named"][seed // 4 % 2]
    with Round(world, world.kafka().bootstrap, f"freezes-{seed}", *options_of(seed), members=members) as round_:
        try:
            storm(round_, dice, freezes, spread(dice, seconds, freezes), freezes_of(round_, dice, frozen))
        finally:
            for _, timer in frozen:
                timer.join()
        round_.until(seconds)
        round_.verdict(f"seed {seed}: {freezes} freezes of {FREEZE_SECONDS} s, {members} members "
                       f"{' '.join(options_of(seed))}")


def broker_restart_under_kills(world, seed, seconds, kills):
    """Two brokers, of which one restarts in mid-run, while instances are killed, then and at all times."""
    dice = random.Random(seed)
    kafka = Kafka(2)
    keep = True
    try:
        with Round(world, kafka.bootstrap, f"restart-{seed}", *options_of(seed)) as round_:
            kill = kills_of(round_, dice)

            def harm(number):
                if number != kills // 2:
                    return kill(number)
                kafka.kill(dice.choice([1, 2]))
                kill(number)
                time.sleep(OUTAGE_SECONDS)
                kafka.start()

            storm(round_, dice, kills, spread(dice, seconds, kills), harm)
            round_.until(seconds)
            round_.verdict(f"seed {seed}: {kills} kills, and a broker away {' '.join(options_of(seed))}")
        keep = False
    finally:
        kafka.close(keep)


def broker_restart(world, brokers, nodes, outage):
    """A broker is killed and started again: all keep trying, say so, and go on."""
    kafka = Kafka(brokers)
    keep = True
    try:
        with Round(world, kafka.bootstrap, "restart") as round_:
            application = round_.application
            for node in nodes:
                heard = {each: len(each.said()) for each in application.instances}
                kafka.kill(node)
                died = time.monotonic()
                time.sleep(outage)
                kafka.start()
                started = time.monotonic()
                committed = wait_for("an answer of the group", application.committed)
                application.wait_until_committed_beyond(committed, "work after the broker's restart")
                for each in application.instances:
                    complaint = COMPLAINT.search(each.said()[heard[each]:])
                    if complaint is None:
                        raise Failure(f"{each.name} did not say that a broker was away")
                say(f"broker {node} was away for {started - died:.1f} s; work went on "
                    f"{time.monotonic() - started:.1f} s later; said: {complaint[0][30:120]}")
            round_.until(round_.load.seconds() + 3)
            application.check()
            round_.verdict("broker restarts: " + ", ".join(f"node {node}" for node in nodes))
        keep = False
    finally:
        kafka.close(keep)


def cases(world):
    yield "Zombie", lambda: zombies(world, 3 if world.long else 1)
    yield "BrokerRestart", lambda: broker_restart(world, 2, [2, 1] if world.long else [2], OUTAGE_SECONDS)
    if world.long:
        yield "FrozenTwice", lambda: frozen_twice(world, 4)
        for seed in range(world.seed, world.seed + 20):
            yield f"FreezeStorm_{seed}", lambda s=seed: freeze_storm(world, s, 70, 10)
        for seed in range(world.seed, world.seed + 4):
            yield f"BrokerRestartUnderKills_{seed}", lambda s=seed: broker_restart_under_kills(world, s, 40, 12)
        yield "OnlyBrokerGone", lambda: broker_restart(world, 1, [1, 1], LONG_OUTAGE_SECONDS)
