"""A Kafka of one or two brokers that a test may kill, and a look into its files."""

import json
import os
import socket
import struct
import subprocess
import tempfile

from ring_report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "tests", "kafka_cluster", "kafka_cluster")
HANG_SECONDS = 180
DELETE_RECORDS, DELETE_RECORDS_VERSION = 21, 1
TRANSACTIONAL, CONTROL = 0x10, 0x20  # attributes of a record batch


class Kafka:
    """Brokers in a directory of their own, until close()."""

    def __init__(self, nodes=1):
        self.nodes = nodes
        self.directory = tempfile.mkdtemp(prefix="millrace-failover-kafka-")
        # As brokers come: so late do they see by themselves that a dead member's transaction is over.
        self.bootstrap = self._start("--nodes", str(nodes), "--set",
                                     "transaction.abort.timed.out.transaction.cleanup.interval.ms=10000")

    def _start(self, *arguments):
        text = self._tool("start", "--dir", self.directory, *arguments)
        return dict(line.split("=", 1) for line in text.splitlines())["BOOTSTRAP"]

    @staticmethod
    def _tool(*arguments):
        done = subprocess.run(["python3", TOOL, *arguments], capture_output=True, text=True,
                              timeout=HANG_SECONDS, check=False)
        if done.returncode != 0:
            raise Failure(f"kafka_cluster {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def kill(self, node):
        """As a crash: nothing is said to the other one, or to clients."""
        self._tool("stop", "--dir", self.directory, "--node", str(node), "--kill")

    def start(self):
        """Starts what does not run, and waits until all brokers know each other."""
        self._start()

    def delete_records(self, topic, partition, before):
        """Cuts a partition's log off below the offset `before`, as an operator or retention would."""
        name = topic.encode()
        body = struct.pack(f">ih{len(name)}siiqi", 1, len(name), name, 1, partition, before, 10_000)
        for port in (int(address.rpartition(":")[2]) for address in self.bootstrap.split(",")):
            answer = ask(port, DELETE_RECORDS, DELETE_RECORDS_VERSION, body)
            if struct.unpack(">h", answer[-2:])[0] == 0:
                return
        raise Failure(f"no broker deleted records of '{topic}', partition {partition}")

    def batches(self, topic, partition):
        """What a partition's log holds, batch by batch, aborted ones as well."""
        folder = os.path.join(self.directory, "node-1", "data", f"{topic}-{partition}")
        for name in sorted(name for name in os.listdir(folder) if name.endswith(".log")):
            with open(os.path.join(folder, name), "rb") as file:
                yield from batches_in(file.read())

    def close(self, keep=False):
        if not keep:
            self._tool("clean", "--dir", self.directory)
            return
        self._tool("stop", "--dir", self.directory)
        print(f"         Kafka's files are kept in {self.directory}", flush=True)


def ask(port, key, version, body):
    """One request of Kafka's protocol, with the first form of its header, and the answer's body."""
    request = struct.pack(">hhih", key, version, 1, -1) + body
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            size = struct.unpack(">i", answer.read(4))[0]
            return answer.read(size)[4:]


def batches_in(log):
    """Dictionaries of what stands in the heads of record batches (format 2)."""
    at = 0
    while at + 61 <= len(log):
        base, length = struct.unpack_from(">qi", log, at)
        if at + 12 + length > len(log):
            return  # being written
        attributes, last_delta = struct.unpack_from(">hi", log, at + 21)
        producer, epoch = struct.unpack_from(">qh", log, at + 43)
        batch = {"offset": base, "last": base + last_delta, "producer": producer, "epoch": epoch,
                 "transactional": bool(attributes & TRANSACTIONAL), "marker": None}
        if attributes & CONTROL:
            # One record: length, attributes and deltas take a byte each, the key's length too; then
            # the key: version and type.
            kind = struct.unpack_from(">h", log, at + 61 + 5 + 2)[0]
            batch["marker"] = "commit" if kind == 1 else "abort"
        yield batch
        at += 12 + length


def dead_letter_origins(lines):
    """(topic, partition, offset) of each record of a dead-letter topic, from `millrace cat --json`."""
    for line in lines:
        headers = json.loads(line)["headers"]
        yield (headers["millrace.topic"], int(headers["millrace.partition"]),
               int(headers["millrace.offset"]))
