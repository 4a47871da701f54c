#!/usr/bin/env python3
"""docker/: what the compose file and the Dockerfile say exists, and the commands do what they are there for.

No Docker is needed: the two nodes are started from Maven artifacts with the broker settings of the file, and
the commands of the services run as they stand there. Only hosts, ports and directories are others.
"""

import base64
import functools
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, TESTS, os.path.join(TESTS, "programs")]
import compose_file  # noqa: E402
import naive_count  # noqa: E402
import ring_report  # noqa: E402
from compose_cluster import ComposeCluster, kafka_cluster  # noqa: E402
from ring_report import Failure  # noqa: E402

HANG_SECONDS = 180  # ends a hang; nothing here takes a tenth of it
COPIES = 3
TOPICS = {"data-input": 10, "data-output": 1, "frames": 4, "minute-stats": 1}
BASE = {"libc6", "libgcc-s1", "libstdc++6"}  # in every Debian image


def expect(condition, text):
    if not condition:
        raise Failure(text)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class Tree:
    """What the files in docker/ say."""

    def __init__(self, source, build):
        self.source = source
        self.bin = os.path.join(build, "bin")
        self.build = build
        self.compose = compose_file.load(os.path.join(source, "docker", "compose.yaml"))
        self.services = self.compose["services"]
        # Instructions, each on one line; comments and continuations are gone.
        text = "\n".join(line for line in read(source, "docker", "Dockerfile").splitlines()
                         if not line.startswith("#"))
        self.instructions = [line.split(None, 1) for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]

    def nodes(self):
        return sorted(name for name, service in self.services.items() if service["image"].startswith("apache/kafka"))

    def programs(self):
        """Services that run what is built here."""
        return {name: service for name, service in self.services.items() if name not in self.nodes()}

    def words(self, service):
        """The command of a service, as its container gets it."""
        return [compose_file.interpolated(word) for word in self.services[service]["command"]]

    def stage(self, last):
        """The instructions of the build stage, or of the last one."""
        starts = [at for at, line in enumerate(self.instructions) if line[0] == "FROM"]
        expect(len(starts) == 2, f"the Dockerfile has {len(starts)} stages")
        return self.instructions[starts[1]:] if last else self.instructions[:starts[1]]

    def packages(self, last):
        """What a stage installs."""
        text = " ".join(rest for word, rest in self.stage(last) if word == "RUN")
        return set(re.search(r"--no-install-recommends\s+([\w .+-]+?)\s*(&&|$)", text)[1].split())

    def value(self, instruction, last=True):
        return [rest for word, rest in self.stage(last) if word == instruction]

    @functools.lru_cache(maxsize=None)
    def options(self, *command):
        """Options that a program's --help names."""
        program = os.path.join(self.bin, command[0])
        expect(os.path.exists(program), f"there is no program {command[0]}")
        done = subprocess.run([program, *command[1:], "--help"], capture_output=True, text=True,
                              timeout=HANG_SECONDS, check=False, env={})
        expect(done.returncode == 0, f"{' '.join(command)} --help ended with {done.returncode}")
        return set(re.findall(r"^\s+(--[a-z][a-z-]*)", done.stdout, re.MULTILINE))

    def check_command(self, words):
        """Program, subcommand and options exist."""
        command = words[:2] if words[0] == "millrace" else words[:1]
        known = self.options(*command)
        for word in words[len(command):]:
            if word.startswith("--"):
                expect(word.partition("=")[0] in known, f"{' '.join(command)} knows no {word}; it has {sorted(known)}")

    def program_names(self):
        return sorted(set(os.listdir(self.bin)) & {"frames", "integers", "millrace", "report", "sorted_merge",
                                                   "unique_users"})


def commands_in_script(tree, words):
    """The programs that `sh -ec SCRIPT` starts, each with its arguments: it runs on stubs that note them."""
    with tempfile.TemporaryDirectory(prefix="millrace-docker-") as scratch:
        log = os.path.join(scratch, "log")
        for name in tree.program_names():
            stub = os.path.join(scratch, name)
            with open(stub, "w", encoding="utf-8") as file:
                # One write per command, or the two sides of a pipe would mix; an empty word ends it.
                file.write(f"#!/bin/sh\nprintf '%s\\0' {name} \"$@\" '' >>{log}\n")
            os.chmod(stub, 0o755)
        environment = {**os.environ, "PATH": scratch + ":" + os.environ["PATH"], "BROKERS": "BROKERS"}
        done = subprocess.run(words, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
                              env=environment, stdin=subprocess.DEVNULL)
        expect(done.returncode == 0, f"the script fails: {done.stderr}")
        return [command.split("\0") for command in read(log).removesuffix("\0\0").split("\0\0")]


@functools.lru_cache(maxsize=None)
def commands_of(tree, service):
    words = tree.words(service)
    return commands_in_script(tree, words) if words[0] == "sh" else [words]


# The files -----------------------------------------------------------------------------------------------


def services_case(tree):
    expect(tree.nodes() == ["kafka-1", "kafka-2"], f"the nodes are {tree.nodes()}")
    for name in ["unique_users", "sorted_merge"]:
        expect(tree.words(name)[0] == name, f"service {name} runs {tree.words(name)[0]}")
    images = {service["image"] for service in tree.programs().values()}
    expect(len(images) == 1, f"the programs run in {images}")
    version = re.search(r"project\(millrace VERSION ([\d.]+)", read(tree.source, "CMakeLists.txt"))[1]
    expect(images == {f"millrace:{version}"}, f"{images} is not version {version}")
    for service in tree.programs().values():
        build = service["build"]
        path = os.path.normpath(os.path.join("docker", build["context"], build["dockerfile"]))
        expect(os.path.exists(os.path.join(tree.source, path)), f"there is no {path}")


def references_case(tree):
    """What a service waits for exists, and can come."""
    for name, service in tree.services.items():
        for other, wait in (service.get("depends_on") or {}).items():
            expect(other in tree.services, f"{name} waits for {other}")
            restart = tree.services[other]["restart"]
            if wait["condition"] == "service_healthy":
                expect("test" in tree.services[other]["healthcheck"], f"{other} has no health check")
            else:
                expect(wait["condition"] == "service_completed_successfully", f"{name} waits for {wait}")
                expect(restart in ["on-failure", "no"], f"{other} never completes: restart is {restart}")
        for network in service["networks"]:
            expect(network in tree.compose["networks"], f"{name} is in network {network}")
        for volume in service.get("volumes", []):
            expect(volume.startswith("/") or volume.partition(":")[0] in tree.compose["volumes"],
                   f"{name} has the volume {volume}")


def scaling_case(tree):
    """Copies of an application share nothing that only one process may have."""
    for name in ["unique_users", "sorted_merge"]:
        service = tree.services[name]
        for key in ["container_name", "ports", "hostname"]:
            expect(key not in service, f"{name} has {key}: a second copy would not start")
        # A volume without a name is one per container. The image says where state is kept.
        home = dict(entry.split("=") for entry in tree.value("ENV"))["XDG_STATE_HOME"]
        expect(service["volumes"] == [home + "/millrace"] == tree.value("VOLUME"),
               f"state of {name}: {service['volumes']}, {home}, {tree.value('VOLUME')}")
        for option in ["--instance-id", "--state-dir"]:
            expect(option not in tree.words(name), f"all copies of {name} would have the same {option}")


def commands_case(tree, service):
    commands = commands_of(tree, service)
    expect(commands, "it starts no program")
    for words in commands:
        tree.check_command(words)
    check = tree.services[service].get("healthcheck", {}).get("test")
    if check:
        expect(check[0] == "CMD", f"health check {check}")
        tree.check_command(check[1:])


def ports_case(tree):
    """Addresses in commands are those at which a node is reached from there."""
    for index, name in enumerate(tree.nodes(), 1):
        environment = tree.services[name]["environment"]
        expect(environment["KAFKA_NODE_ID"] == index, f"{name} has the id {environment['KAFKA_NODE_ID']}")
        listeners, advertised = ({part.partition("://")[0]: part.partition("://")[2]
                                  for part in environment[key].split(",")}
                                 for key in ["KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS"])
        expect(advertised["INTERNAL"] == listeners["INTERNAL"] == f"{name}:19092", f"{advertised}, {listeners}")
        expect(listeners["CONTROLLER"] == f"{name}:9093", f"{listeners}")
        expect(f"{index}@{name}:9093" in environment["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(","),
               f"{name} has no vote")
        port = advertised["HOST"].removeprefix("localhost:")
        expect(listeners["HOST"] == f"0.0.0.0:{port}", f"{listeners['HOST']} is not advertised")
        expect(tree.services[name]["ports"] == [f"127.0.0.1:{port}:{port}"], f"{tree.services[name]['ports']}")
        expect(len(base64.urlsafe_b64decode(environment["CLUSTER_ID"] + "==")) == 16, "CLUSTER_ID is no UUID")
        expect(environment["CLUSTER_ID"] == tree.services["kafka-1"]["environment"]["CLUSTER_ID"], "two clusters")
    brokers = ",".join(f"{name}:19092" for name in tree.nodes())
    for service, what in tree.programs().items():
        expect(what["environment"]["BROKERS"] == brokers, f"BROKERS of {service}")
        for words in commands_of(tree, service):
            if "--broker" in words:
                expect(words[words.index("--broker") + 1] in [brokers, "BROKERS"], f"{service}: {words}")


def kafka_version_case(tree):
    image = f"apache/kafka:{kafka_cluster.KAFKA}"
    for name in tree.nodes():
        expect(tree.services[name]["image"] == image, f"{name} is not {image}, with which the tests run")


def reader_case(_tree):
    """What the reader does not know it refuses; what it knows means the same as in YAML."""
    text = ("a: &x\n  b: [c, \"d: e\", 3]  # note\n  f: {g: h, i: true}\nj:\n  <<: *x\n  b: '0'\n"
            "k:\n  - l\n  - |\n    m # n\n    o\n")
    wanted = {"a": {"b": ["c", "d: e", 3], "f": {"g": "h", "i": True}},
              "j": {"b": "0", "f": {"g": "h", "i": True}}, "k": ["l", "m # n\no\n"]}
    found = compose_file.parse(text)
    expect(found == wanted, f"{found}")
    expect(compose_file.interpolated("echo $$A") == "echo $A", "$$ is one $")
    for bad in ["a: yes", "a: 1.5", "a: >\n  b", "a: b\na: c", "a: \"\\n\"", "a\n", "\ta: b", "a: !b c",
                "a:\n  b: c\n d: e"]:
        try:
            raise Failure(f"{bad!r} is read as {compose_file.parse(bad)}")
        except compose_file.Unreadable:
            pass
    try:
        raise Failure(f"a variable is read as {compose_file.interpolated('$A')}")
    except compose_file.Unreadable:
        pass


def build_packages_case(tree):
    text = read(tree.source, "dev")
    wanted = re.search(r'BUILD_PACKAGES="([^"]+)"', text)[1].split()
    wanted = {entry.partition(":")[0] for entry in wanted}
    expect(tree.packages(last=False) == wanted, f"the Dockerfile installs {sorted(tree.packages(last=False))}, "
           f"./dev {sorted(wanted)}")
    for _, image in (line for line in tree.instructions if line[0] == "FROM"):
        expect(image.split()[0] == "debian:bookworm-slim", f"FROM {image}")


def packages_exist_case(tree):
    need_bookworm()
    if not glob.glob("/var/lib/apt/lists/*_Packages*"):
        raise ring_report.Skip("apt has no list of packages here")
    wanted = tree.packages(last=False) | tree.packages(last=True)
    done = subprocess.run(["apt-cache", "show", *wanted], capture_output=True, text=True, check=False)
    missing = wanted - set(re.findall("^Package: (.+)$", done.stdout, re.MULTILINE))
    expect(not missing, f"Debian has no packages {missing}")


def need_bookworm():
    try:
        release = read("/etc/os-release")
    except OSError:
        release = ""
    if 'VERSION_CODENAME=bookworm' not in release:
        raise ring_report.Skip("this is not Debian 12, whose packages the image is made of")


def libraries_case(tree):
    """The run-time image has the libraries that the programs are linked with, and no others."""
    need_bookworm()
    needed = set()
    for name in tree.program_names():
        text = subprocess.run(["readelf", "-d", os.path.join(tree.bin, name)], capture_output=True, text=True,
                              check=True).stdout
        needed |= set(re.findall(r"\(NEEDED\).*\[(.+)\]", text))
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    owners = set()
    for library in needed - {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}:
        path = os.path.realpath(re.search(rf"^\s*{re.escape(library)} .*=> (.+)$", cache, re.MULTILINE)[1])
        # The file may be known under /usr or without it.
        found = [subprocess.run(["dpkg", "-S", each], capture_output=True, text=True, check=False).stdout
                 for each in [path, path.removeprefix("/usr")]]
        owners.add("".join(found).partition(":")[0])
    expect(tree.packages(last=True) == owners - BASE, f"the image has {sorted(tree.packages(last=True))}, "
           f"the programs need {sorted(owners - BASE)}")


def image_case(tree):
    """Not root, with a health check of our own, and with all programs that the services run."""
    instructions = [word for word, _ in tree.stage(last=True)]
    users = tree.value("USER")
    expect(users and users[-1] not in ["root", "0"], f"the user is {users}")
    expect("useradd" in " ".join(tree.value("RUN")) and users[-1] in " ".join(tree.value("RUN")), "who is it?")
    expect(instructions.index("USER") < instructions.index("CMD"), "the programs do not run as that user")
    check = tree.value("HEALTHCHECK")[0].partition("CMD ")[2]
    expect("curl" not in check and "wget" not in check, check)
    tree.check_command(shlex.split(check.replace(">/dev/null", "").partition("||")[0]))
    installing = re.search(r"cmake --install build (.+?)( &&|$)", " ".join(tree.value("RUN", last=False)))[1].split()
    prefix = installing[installing.index("--prefix") + 1]
    expect(f"--from=build {prefix}/bin/ /usr/local/bin/" in tree.value("COPY"), f"{tree.value('COPY')}")
    with tempfile.TemporaryDirectory(prefix="millrace-docker-") as scratch:
        arguments = [scratch if word == prefix else word for word in installing]
        done = subprocess.run(["cmake", "--install", tree.build, *arguments], capture_output=True, text=True,
                              timeout=HANG_SECONDS, check=False)
        expect(done.returncode == 0, done.stderr)
        installed = set(os.listdir(os.path.join(scratch, "bin")))
    used = {words[0] for service in tree.programs() for words in commands_of(tree, service)}
    expect(used <= installed, f"{sorted(used - installed)} are not in the image: {sorted(installed)}")


def context_case(tree):
    """What the .dockerignore lets through can be configured as the Dockerfile does it."""
    lines = read(tree.source, "docker", "Dockerfile.dockerignore").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    expect(lines[0] == "*" and all(line[0] == "!" for line in lines[1:]), f"{lines}")
    configure = re.search(r"cmake (--preset .+?) &&", " ".join(tree.value("RUN", last=False)))[1].split()
    with tempfile.TemporaryDirectory(prefix="millrace-docker-") as scratch:
        for name in (line[1:] for line in lines[1:]):
            path, copy = os.path.join(tree.source, name), os.path.join(scratch, name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copytree(path, copy) if os.path.isdir(path) else shutil.copy(path, copy)
        for source in tree.value("COPY"):
            if not source.startswith("--from"):
                expect(os.path.exists(os.path.join(scratch, source.split()[0])), f"COPY {source}")
        done = subprocess.run(["cmake", *configure], cwd=scratch, capture_output=True, text=True,
                              timeout=HANG_SECONDS, check=False)
        expect(done.returncode == 0, done.stdout + done.stderr)


# The environment -----------------------------------------------------------------------------------------


class Environment:
    """The two nodes, and the services on them; each step takes place once, when it is first asked for."""

    def __init__(self, tree):
        self.tree = tree
        self.scratch = tempfile.mkdtemp(prefix="millrace-docker-")
        self.cluster = ComposeCluster(os.path.join(self.scratch, "kafka"),
                                      [tree.services[node]["environment"] for node in tree.nodes()])

    def close(self):
        if self.cluster.exists():
            self.cluster.clean()
        shutil.rmtree(self.scratch, ignore_errors=True)

    @functools.cached_property
    def started(self):
        self.cluster.launch_all()
        return True

    def process(self, words, copy=None):
        """A container's process: `copy` has a state directory of its own."""
        expect(self.started, "no Kafka")
        state = os.path.join(self.scratch, f"state-{copy}")
        environment = {**{name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")},
                       "PATH": self.tree.bin + ":" + os.environ["PATH"], "XDG_STATE_HOME": state,
                       "BROKERS": self.cluster.bootstrap()}
        return subprocess.Popen([self.cluster.translate(word) for word in words], text=True, cwd=self.scratch,
                                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run(self, words, code=0, copy=None):
        return finish(self.process(words, copy), code)

    def service(self, name, *more, code=0):
        return self.run(self.tree.words(name) + list(more), code)

    def scaled(self, name, *more):
        """Several copies at the same time, to their end."""
        processes = [self.process(self.tree.words(name) + list(more), f"{name}-{copy}") for copy in range(COPIES)]
        for process in processes:
            finish(process)

    def records(self):
        """{topic: (partitions, records)}"""
        lines = self.run(["millrace", "topics", "--broker", self.cluster.bootstrap()]).splitlines()[1:]
        return {topic: (int(partitions), int(records))
                for topic, partitions, records in (line.split() for line in lines)}

    @functools.cached_property
    def topics(self):
        return self.service("topics")

    @functools.cached_property
    def samples(self):
        expect(self.topics, "no topics")
        return [self.service(name) for name in ["sample_integers", "sample_frames"]]

    @functools.cached_property
    def merged(self):
        expect(self.samples, "no samples")
        self.scaled("sorted_merge")
        return True

    @functools.cached_property
    def counted(self):
        expect(self.samples, "no samples")
        self.run(self.tree.services["unique_users"]["healthcheck"]["test"][1:], code=1)  # nobody is there yet
        self.scaled("unique_users", "--until-end")
        self.run(self.tree.services["unique_users"]["healthcheck"]["test"][1:])
        return True


def finish(process, code=0):
    try:
        out, error = process.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired as hang:
        process.kill()
        raise Failure(f"{' '.join(process.args)} does not end:\n{process.communicate()[1][-2000:]}") from hang
    if process.returncode != code:
        raise Failure(f"{' '.join(process.args)}\nended with {process.returncode} instead of {code}:\n{error[-3000:]}")
    return out


def topics_case(environment):
    """All topics are there, on both nodes, and a second `up` finds them."""
    expect(environment.topics, "nothing was created")
    found = {topic: partitions for topic, (partitions, _) in environment.records().items()}
    expect({topic: found.get(topic) for topic in TOPICS} == TOPICS, f"topics: {found}")
    again = environment.service("topics")
    expect(again.count("is there already") == len(TOPICS), again)
    for node in environment.cluster.nodes():
        copies = os.listdir(environment.cluster.node(node) / "data")
        for topic, partitions in TOPICS.items():
            missing = {f"{topic}-{partition}" for partition in range(partitions)} - set(copies)
            expect(not missing, f"node {node} has no copy of {missing}")


def samples_case(environment):
    """Sample data comes once, however often the environment is brought up."""
    expect(environment.samples, "no samples")
    before = environment.records()
    expect(before["data-input"] == (10, 1_000_000), f"data-input: {before['data-input']}")
    expect(before["frames"] == (4, 60_000), f"frames: {before['frames']}")
    for name in ["sample_integers", "sample_frames"]:
        text = environment.service(name)
        expect("holds records already" in text, text)
    expect(environment.records() == before, f"now {environment.records()}")


def unique_users_case(environment):
    """Three copies count every frame once: the results are those of a naive count of the same frames."""
    expect(environment.counted, "not counted")
    generate = next(words for words in commands_of(environment.tree, "sample_frames") if words[0] == "frames")
    path = os.path.join(environment.scratch, "frames.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.write(environment.run(generate))
    results, _ = naive_count.count(naive_count.read_frames(path), [60], lateness=5, partitions=4)
    text = environment.run(["millrace", "cat", "--broker", environment.cluster.bootstrap(), "--topic",
                            "minute-stats", "--until-end"])
    found = naive_count.results_of(text)
    expect(found == results, f"naive {results}\nfound {found}")
    shown = environment.service("report")
    expect(len(shown.splitlines()) > len(results), f"report shows:\n{shown}")
    ids = {read(environment.scratch, f"state-unique_users-{copy}", "millrace", "unique-users", "instance-id")
           for copy in range(COPIES)}
    expect(len(ids) == COPIES, f"{COPIES} copies have the instance ids {ids}")


def sorted_merge_case(environment):
    """data-output holds what data-input holds, in one sorted partition."""
    expect(environment.merged, "not merged")
    found = environment.service("verify")
    expect("1,000,000 records in 1 partition" in found, found)


def cases_of(tree, environment):
    def case(name, function, *arguments):
        return name, lambda: function(*arguments)

    yield case("ComposeFile.ReaderRefusesWhatItDoesNotKnow", reader_case, tree)
    yield case("ComposeFile.HasTwoNodesAndTheApplications", services_case, tree)
    yield case("ComposeFile.WaitsForWhatCanCome", references_case, tree)
    yield case("ComposeFile.CopiesOfAnApplicationShareNothing", scaling_case, tree)
    yield case("ComposeFile.AddressesAreThoseOfTheNodes", ports_case, tree)
    yield case("ComposeFile.KafkaIsTheOneOfTheTests", kafka_version_case, tree)
    for service in sorted(tree.programs()):
        yield case(f"ComposeFile.CommandsExist_{service}", commands_case, tree, service)
    yield case("Dockerfile.BuildsWithThePackagesOfDev", build_packages_case, tree)
    yield case("Dockerfile.PackagesExist", packages_exist_case, tree)
    yield case("Dockerfile.HasTheLibrariesOfThePrograms", libraries_case, tree)
    yield case("Dockerfile.RunsAllProgramsAndNotAsRoot", image_case, tree)
    yield case("Dockerfile.ContextIsEnoughForTheBuild", context_case, tree)
    yield case("Environment.TopicsAreCreatedOnBothNodes", topics_case, environment)
    yield case("Environment.SampleDataComesOnce", samples_case, environment)
    yield case("Environment.ScaledUniqueUsersCountsRight", unique_users_case, environment)
    yield case("Environment.ScaledSortedMergeIsSortedAndComplete", sorted_merge_case, environment)


def main():
    arguments = ring_report.argument_parser(__doc__.splitlines()[0]).parse_args()
    tree = Tree(arguments.source, arguments.build)
    environment = Environment(tree)
    try:
        code = ring_report.run(arguments, list(cases_of(tree, environment)))
    finally:
        environment.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
