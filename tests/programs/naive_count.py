#!/usr/bin/env python3
"""Counts the unique users of a file of frames in the plainest way: the second opinion on unique_users.

    naive_count.py [--window S]... [--lateness S] [--grace S] [--partitions N] [--compare RESULTS] FILE

It knows nothing of streams: the whole file is in memory, each partition (line number modulo N) is judged by
itself, and a window is a Python set. What it shares with unique_users is only the rules of time:
a record is late for a window that ended, with grace, at or before the partition's watermark (highest accepted
time stamp minus lateness); a jump of more than an hour is accepted only if the next records confirm it.
"""

import argparse
import collections
import json
import re
import sys

GUARD_SECONDS = 3600
GUARD_SUCCESSORS = 7
GUARD_FALLEN = 2
LARGEST = 253_402_300_799  # the last second of the year 9999

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_INTEGER = re.compile(r"[0-9]+\Z")

Counts = collections.namedtuple("Counts", "frames accepted late dead_lettered")


def timestamp_of(value):
    """Seconds, or None where `value` is no time stamp."""
    if isinstance(value, str) and _INTEGER.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        return None
    return value


def user_of(value):
    if not isinstance(value, str):
        return None
    try:
        value.encode()  # escaped bytes of broken UTF-8, and lone surrogates
    except UnicodeEncodeError:
        return None
    return value


BOUND = {"ts": timestamp_of, "uid": user_of}


def parse(line):
    """(ts, uid) of one frame, or None. Stops as soon as both are found: what follows is not judged."""
    text = line.decode(errors="surrogateescape")
    found = {}
    try:
        at = _SPACE.match(text).end()
        if text[at] != "{":
            return None
        while True:
            at = _SPACE.match(text, at + 1).end()
            if text[at] != '"':
                return None
            key, at = _DECODER.raw_decode(text, at)
            at = _SPACE.match(text, at).end()
            if text[at] != ":":
                return None
            value, at = _DECODER.raw_decode(text, _SPACE.match(text, at + 1).end())
            if key in BOUND and key not in found:
                found[key] = BOUND[key](value)
                if found[key] is None:
                    return None
                if len(found) == len(BOUND):
                    return found["ts"], found["uid"]
            at = _SPACE.match(text, at).end()
            if text[at] != ",":
                return None
    except (ValueError, IndexError, RecursionError):
        return None


def is_false_jump(timestamps, index):
    """Whether the jump at `index` is contradicted by what follows it."""
    successors = timestamps[index + 1:index + 1 + GUARD_SUCCESSORS]
    fallen = sum(later < timestamps[index] - GUARD_SECONDS for later in successors)
    if fallen >= GUARD_FALLEN:
        return True
    if len(successors) == GUARD_SUCCESSORS:
        return False
    return fallen > 0 or len(successors) < 2


def count(lines, windows, lateness=5, grace=0, partitions=1):
    """(results, counts): results are (ts, duration, users, frames) in the order of emission.

    None among the lines stands for one that nobody could read.
    """
    users = collections.defaultdict(set)
    frames = collections.Counter()
    accepted = late = dead = 0
    for partition in range(partitions):
        parsed = [parse(line) for line in lines[partition::partitions] if line is not None]
        good = [frame for frame in parsed if frame is not None]
        dead += len(parsed) - len(good)
        timestamps = [timestamp for timestamp, _ in good]
        highest = None
        for index, (timestamp, user) in enumerate(good):
            if highest is None or timestamp > highest + GUARD_SECONDS:
                if is_false_jump(timestamps, index):
                    dead += 1
                    continue
            counted = False
            for duration in windows:
                start = timestamp - timestamp % duration
                if highest is None or start + duration + grace > highest - lateness:
                    users[start, duration].add(user)
                    frames[start, duration] += 1
                    counted = True
            accepted += counted
            late += not counted
            highest = timestamp if highest is None else max(highest, timestamp)
    order = sorted(users, key=lambda window: (window[0] + window[1], window[1]))
    results = [(start, duration, len(users[start, duration]), frames[start, duration])
               for start, duration in order]
    return results, Counts(len(lines) - lines.count(None), accepted, late, dead)


def read_frames(path):
    """The lines of a file, without their ends; a last line without an end counts."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def results_of(text):
    """The lines of unique_users, as count() gives them."""
    results = [json.loads(line) for line in text.splitlines()]
    return [(each["ts"], each["duration_s"], each["unique_users"], each["frames"]) for each in results]


def compare(path, expected, counts, summary_path):
    """Prints the verdict; returns whether all is equal."""
    with open(path, encoding="utf-8") as file:
        found = results_of(file.read())
    wrong = [(mine, theirs) for mine, theirs in zip(expected, found) if mine != theirs]
    for mine, theirs in wrong[:10]:
        print(f"   naive {mine}, unique_users {theirs} (ts, duration_s, unique_users, frames)")
    if len(expected) != len(found):
        print(f"   naive {len(expected)} windows, unique_users {len(found)}")
    equal = found == expected
    if summary_path:
        with open(summary_path, encoding="utf-8") as file:
            summary = json.load(file)
        for name, value in counts._asdict().items():
            if summary[name] != value:
                print(f"   naive {name} {value}, unique_users {summary[name]}")
                equal = False
    if equal:
        print(f"   the same: {len(found)} windows, {counts.accepted} of {counts.frames} frames accepted, "
              f"{counts.late} late, {counts.dead_lettered} dead-lettered")
    return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, action="append", help="seconds; may be repeated")
    parser.add_argument("--lateness", type=int, default=5, help="seconds")
    parser.add_argument("--grace", type=int, default=0, help="seconds")
    parser.add_argument("--partitions", type=int, default=1, help="dealt out line by line")
    parser.add_argument("--compare", metavar="RESULTS", help="lines of unique_users; differing exits 1")
    parser.add_argument("--summary", help="the summary of unique_users, compared as well")
    parser.add_argument("file")
    options = parser.parse_args()
    results, counts = count(read_frames(options.file), options.window or [60], options.lateness,
                            options.grace, options.partitions)
    if options.compare:
        sys.exit(0 if compare(options.compare, results, counts, options.summary) else 1)
    for timestamp, duration, users, frames in results:
        print(json.dumps({"ts": timestamp, "duration_s": duration, "unique_users": users, "frames": frames}))
    print(json.dumps(counts._asdict()))


if __name__ == "__main__":
    main()
