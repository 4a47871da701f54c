"""State and logs that are not as they were left, and starts that must be refused."""

import random
import signal
import time

from application import PARTITIONS, wait_for
from deaths import PHASE_SECONDS, owned_by
from ring_report import Failure
from rounds import RESTART_SECONDS, Round, say

ESTABLISHED_SECONDS = 12  # after ten it is clear which of two processes was there first
KILLS_IN_TRANSACTIONS = 2
MOST_STOPS = 300  # to hit as many transactions; one in ten does
ANSWER_SECONDS = 0.1


def state_wiped(world):
    """All instances die at once and lose what they kept: the changelog has it."""
    with Round(world, world.kafka().bootstrap, "wiped") as round_:
        application = round_.application
        committed = application.wait_until_committed_beyond(10_000, "some state")
        for instance in application.instances:
            instance.kill()
        for instance in application.instances:
            instance.lose_state()
        time.sleep(RESTART_SECONDS)
        for instance in application.instances:
            instance.start()
        application.wait_until_committed_beyond(committed, "work after the restart")
        round_.verdict("all instances were killed and their state directories wiped")


def aborted_tail(world):
    """A changelog whose last records were aborted: a restore must not believe them, nor wait for more.

    Commits follow each other at once here. The instance is stopped again and again until it stands between the
    changelog's records and the commit, as the log's own batches show, and is killed there; they also show that the
    restart aborted them.
    """
    kafka = world.kafka()
    with Round(world, kafka.bootstrap, "aborted", "--commit-interval", "1ms", names=["ann"]) as round_:
        application = round_.application
        instance = application.instances[0]
        changelog, repartition = application.changelog, application.repartition
        dice = random.Random(world.seed)
        stops = 0
        committed = application.wait_until_committed_beyond(10, "some state", repartition)
        for _ in range(KILLS_IN_TRANSACTIONS):
            open_since = None
            while open_since is None:
                if (stops := stops + 1) > MOST_STOPS:
                    raise Failure(f"{MOST_STOPS} stops, and too few of them in a transaction of {changelog}")
                time.sleep(dice.random() * PHASE_SECONDS)  # see there
                open_since = stopped_in_transaction(instance, kafka, changelog)
            instance.kill()
            instance.lose_state()
            instance.start()
            wait_for("the end of the open transaction", lambda since=open_since: "abort" in [
                batch["marker"] for batch in kafka.batches(changelog, 0) if batch["offset"] > since])
            committed = application.wait_until_committed_beyond(committed, "work after the restart", repartition)
        round_.verdict(f"{KILLS_IN_TRANSACTIONS} kills left an aborted tail in the changelog, {stops} stops to find them")


def stopped_in_transaction(instance, kafka, changelog):
    """Stops the instance; where its transaction is open, or None: then it goes on."""
    instance.process.send_signal(signal.SIGSTOP)
    time.sleep(ANSWER_SECONDS)  # what it has asked for is done by then
    open_since = open_transaction(kafka.batches(changelog, 0))
    if open_since is None:
        instance.process.send_signal(signal.SIGCONT)
    return open_since


def open_transaction(batches):
    """The first offset of the transaction that is open at the end of a log, or None."""
    since = {}
    for batch in batches:
        if batch["marker"]:
            since.pop(batch["producer"], None)
        elif batch["transactional"]:
            since.setdefault(batch["producer"], batch["offset"])
    return min(since.values(), default=None)


def truncated_input(world):
    """Frames that were deleted before they were counted are an error that says which, not a smaller count.

    Unless they are to be passed over: then what is there is counted, and what is missing.
    """
    kafka = world.kafka()
    with Round(world, kafka.bootstrap, "truncated", names=["ann"]) as round_:
        application = round_.application
        application.wait_until_committed_beyond(3_000, "some work")
        instance = application.instances[0]
        instance.signal(signal.SIGINT)
        instance.wait()
        loaded = len(round_.load.lines)
        round_.until(round_.load.seconds() + 1)
        lines = round_.load.stop()
        state = application.partitions()[3]
        cut = state.committed + 100
        if cut >= state.end:
            raise Failure(f"only {len(lines) - loaded} frames were loaded after the stop: {state}")
        kafka.delete_records(application.input, 3, cut)
        said = len(instance.said())
        instance.start("--until-end")
        instance.wait(code=1)
        check_said(instance.said()[said:], application.input, "partition 3", f"offset {state.committed} ",
                   f"begins at {cut}", "100 records were deleted", f"millrace reset --application-id {application.name}")
        after = application.partitions()[3]
        if after.committed != state.committed:
            raise Failure(f"the committed offset moved from {state.committed} to {after.committed}")
        say("it said: " + instance.said().splitlines()[-1])

        said = len(instance.said())
        application.more += ["--on-lost-input", "skip"]
        application.finish()
        check_said(instance.said()[said:], "going on where its log begins", f"topic={application.input}",
                   "partition=3", f"offset={cut}", f"committed={state.committed}", "lost=100")
        # Frames are dealt out to the partitions in turns.
        lost = range(state.committed * PARTITIONS + 3, cut * PARTITIONS + 3, PARTITIONS)
        windows, _ = application.judge([None if at in lost else line for at, line in enumerate(lines)])
        say(f"told to go on without them it counted the rest: {windows} windows, 0 differences")


def same_instance_id(world, members):
    """Of two processes with one instance id the newer one works; the older one ends and says why."""
    with Round(world, world.kafka().bootstrap, "twice", members=members) as round_:
        application = round_.application
        older = application.instances[0]
        wait_for(f"partitions of {older.name}", lambda: owned_by(application, older))
        round_.until(ESTABLISHED_SECONDS if members == "named" else 0)
        newer = application.add("dan", *older.options)
        newer.start()
        older.wait(code=1)
        check_said(older.said(), "another process runs with", "instance id", older.name)
        application.instances.remove(older)
        committed = wait_for("an answer of the group", application.committed)
        application.wait_until_committed_beyond(committed, "work of the others")
        round_.verdict(f"a second process with an instance id took the first one's place ({members} members)")
        say("it said: " + older.said().splitlines()[-1])


def other_topology(world):
    """A copy with other windows does not disturb those that run."""
    with Round(world, world.kafka().bootstrap, "topology", names=["ann", "bob"]) as round_:
        application = round_.application
        wait_for("members", lambda: owned_by(application, application.instances[0]))
        words = application.options("--state-dir", world.programs.path("other-topology"), "--window", "1h")
        _, error = world.programs.run(*words, code=1)
        check_said(error, application.name, "another topology", "choose another application id")
        application.check()
        round_.verdict("a copy with another topology was refused")
        say("it said: " + error.splitlines()[-1])


def check_said(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f"'{part}' is not named:\n{text[-2000:]}")


def cases(world):
    for name, case in [("StateWiped", state_wiped), ("AbortedTail", aborted_tail),
                       ("TruncatedInput", truncated_input), ("OtherTopology", other_topology)]:
        yield name, lambda case=case: case(world)
    yield "SameInstanceIdOfStaticMembers", lambda: same_instance_id(world, "static")
    yield "SameInstanceIdOfNamedMembers", lambda: same_instance_id(world, "named")
