"""Starts the Kafka nodes that docker/compose.yaml describes as processes on loopback ports, without Docker."""

import importlib.machinery
import importlib.util
import os
import re

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def module_of(path):
    """A script without .py, as a module."""
    loader = importlib.machinery.SourceFileLoader(os.path.basename(path), path)
    specification = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(specification)
    loader.exec_module(module)
    return module


kafka_cluster = module_of(os.path.join(TESTS, "kafka_cluster", "kafka_cluster"))

ADDRESS = re.compile(r"(?P<host>[\w.-]+):(?P<port>\d+)")
CLIENT_PORT = 19092  # at which containers reach a node


def broker_properties(environment):
    """{property: value} that the image apache/kafka makes of its environment (KAFKA_A_B is a.b)."""
    found = {}
    for name, value in environment.items():
        if name.startswith("KAFKA_") and not name.endswith("_OPTS"):
            words = name.removeprefix("KAFKA_").lower()
            found[words.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")] = str(value)
    return found


class ComposeCluster(kafka_cluster.Cluster):
    """The nodes kafka-1, kafka-2 ... with the settings of the file; only hosts, ports and paths are others."""

    def __init__(self, directory, environments):
        super().__init__(directory)
        self.settings = [broker_properties(environment) for environment in environments]
        self.translated = {}  # (number of the node, port in the file) -> port here

    def create(self, nodes, first_port, settings=()):
        self.translated = {}
        super().create(nodes, first_port, settings)

    def properties(self, index):
        lines = {**self.settings[index - 1], "log.dirs": str(self.node(index) / "data")}
        for name in ["listeners", "advertised.listeners", "controller.quorum.voters"]:
            lines[name] = self.translate(lines[name], index)
        return "".join(f"{name}={value}\n" for name, value in lines.items())

    def translate(self, text, index=None):
        """`text` with the addresses that are in force here. A host that is no node's name is node `index`."""
        def here(match):
            name = re.fullmatch(r"kafka-(\d+)", match["host"])
            if name is None and index is None:
                return match[0]
            node, port = int(name[1]) if name else index, int(match["port"])
            if port == CLIENT_PORT:
                return f"127.0.0.1:{self.ports[node - 1]}"
            if (node, port) not in self.translated:
                self.translated[node, port] = kafka_cluster.free_ports(1)[0]
            return f"127.0.0.1:{self.translated[node, port]}"
        return ADDRESS.sub(here, text)

    def launch_all(self):
        """Starts all nodes and waits until they know each other; leaves nothing behind if they do not."""
        self.create(len(self.settings), None)
        try:
            self.start()
        except kafka_cluster.ClusterError:
            self.stop(self.nodes(), kill=True)
            raise
