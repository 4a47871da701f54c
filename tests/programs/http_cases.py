"""Cases of programs_test: --http as monitoring meets it, and as those meet it who mean no good."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys

import naive_count
from ring_report import Failure

sys.path.append("/usr/lib/python3/dist-packages")  # for a python3 that is not Debian's
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

HANG_SECONDS = 180  # ends a hang; nothing here takes a tenth of it
LONG = "MILLRACE_TEST_LONG" in os.environ
CONNECTIONS = 300
BROKEN = 7  # lines that are no frames, in front of a data set
MEGABYTE = 1 << 20
NO_QUESTIONS = ["/state/users?limit=0", "/state/users?limit=1001", "/state/users?limit=1e3", "/state/users?limit=",
                "/state/users?window=x", "/state/users?window=" + "9" * 100, "/state/users/", "/state/users/60",
                "/state/users/%00", "/state/users/" + "9" * 1000, "/state/users/1/2/3"]
NOT_THERE = ["/index.html", "/page", "/page/", "/page/../page/app.js", "/page/nothing.js", "/../../etc/passwd",
             "/%2e%2e/%2e%2e/etc/passwd", "//state", "/state/", "/state%00", "/state/..", "/STATE", "/state;x",
             "/state%2f", "/a" * 1000, "*", "http://127.0.0.1/etc/passwd"]


def expect(condition, text):
    if not condition:
        raise Failure(text)


def read(*path):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", *path), encoding="utf-8") as file:
        return file.read()


def metrics_named_in(text):
    return {re.sub("_(bucket|sum|count)$", "", name)
            for name in re.findall(r"\b(?:millrace|process)_[a-z_]+_[a-z]+\b|\bmillrace_[a-z]+\b", text)}


class Served:
    """A program that runs with --http, and its answers."""

    def __init__(self, programs, command, *more, stdin=None):
        self.errors = os.path.join(programs.scratch, programs.unique("served"))
        with open(self.errors, "wb") as file:
            self.process = subprocess.Popen(programs.command(*command, "--http", "0", *more), stdin=stdin,
                                            stdout=subprocess.DEVNULL, stderr=file, cwd=programs.scratch)
        self.port = None

    def said(self):
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    def find(self):
        """Whether it has said where it serves."""
        expect(self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said()[-2000:]}")
        found = re.search(r"serving http://127\.0\.0\.1:(\d+)/", self.said())
        self.port = int(found[1]) if found else None
        return found is not None

    def ask(self, path, method="GET", **headers):
        """(status, headers, body)."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_SECONDS)) as client:
            client.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                client.putheader(name.replace("_", "-"), value)
            client.endheaders()
            answer = client.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def get(self, path, status=200, **headers):
        found, _, body = self.ask(path, **headers)
        expect(found == status, f"{path[:200]}: {found} instead of {status}: {body[:500]}")
        return body

    def state(self):
        return json.loads(self.get("/state"))

    def metrics(self):
        """(name, labels without those of no interest) -> value, as Prometheus' own parser reads them."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")):
            expect(family.documentation, f"metric {family.name} has no help")
            for sample in family.samples:
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def metric_names(self):
        return set(re.findall("^# TYPE ([a-z_]+) ", self.get("/metrics"), re.MULTILINE))

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def stop(self):
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=HANG_SECONDS)
        expect(code == 0, f"Ctrl-C ended it with {code}:\n{self.said()[-2000:]}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def partitions_of(state, topic):
    return [partition for thread in state["threads"] for task in thread["tasks"] for partition in task["partitions"]
            if partition["topic"] == topic]


def total(metrics, name, **labels):
    return sum(value for (found, of), value in metrics.items()
               if found == name and set(labels.items()) <= set(of))


def frames_with_broken_lines(programs):
    """(path, naive counts in 4 partitions) of frames of which some are late and some are none."""
    path, windows, _ = programs.data("too-late")
    mixed = os.path.join(programs.scratch, programs.unique("mixed"))
    with open(path, "rb") as source, open(mixed, "wb") as file:
        file.write(b"not a frame\n" * BROKEN + source.read())
    _, counts = naive_count.count(naive_count.read_frames(mixed), windows, partitions=4)
    return mixed, counts


def whole(counts):
    return counts.accepted + counts.late + counts.dead_lettered


@contextlib.contextmanager
def counting(programs, run, wait_for, counts, threads=2):
    """unique_users on `run`, once it is through with what is there."""
    served = Served(programs, run.options([60], "--threads", str(threads), "--summary", run.summary))
    try:
        wait_for("the address", served.find)
        yield served
        def through():
            partitions = partitions_of(served.state(), run.frames)
            return (all(partition["lag"] == 0 for partition in partitions) and
                    sum(partition["end"] for partition in partitions) == whole(counts))
        wait_for("the end of the input", through)
        check_counts(served, run, counts)
        served.stop()
    finally:
        served.close()
    with open(run.summary, encoding="utf-8") as file:
        summary = json.load(file)
    found = {name: summary[name] for name in counts._asdict()}
    expect(found == counts._asdict(), f"the summary says {found}, the naive count {counts._asdict()}")


def check_counts(served, run, counts):
    """/state and /metrics say what the naive count says, and the summary will say."""
    state, metrics = served.state(), served.metrics()
    for name in ["accepted", "late", "dead_lettered"]:
        naive = getattr(counts, name)
        expect(state["counters"][name] == naive, f"/state: {state['counters']}, naive {counts}")
        expect(total(metrics, "millrace_records_total", outcome=name) == naive,
               f"/metrics: {name} is not {naive}: {metrics}")
    expect(state["counters"]["late_by_window"] == {"60": counts.late}, f"late by window: {state['counters']}")
    expect(state["refused_by_reason"] == {"malformed": counts.dead_lettered}, str(state["refused_by_reason"]))
    expect(total(metrics, "millrace_refused_records_total") == counts.dead_lettered, str(metrics))
    expect([(record["reason"], record["value"], record["topic"]) for record in state["last_refused"]] ==
           [("malformed", "not a frame", run.frames)] * BROKEN, str(state["last_refused"]))
    ages = total(metrics, "millrace_record_age_seconds_count", sub_topology="0")
    expect(ages == whole(counts), f"the ages of {ages} records")
    for name in ["millrace_read_bytes_total", "millrace_commit_duration_seconds_count",
                 "millrace_thread_seconds_total", "millrace_sent_bytes_total"]:
        expect(total(metrics, name) > 0, name)
    partitions = partitions_of(state, run.frames)
    expect(sum(partition["committed"] for partition in partitions) == whole(counts), str(partitions))
    expect(total(metrics, "millrace_partition_end_offset", topic=run.frames) == whole(counts), str(metrics))
    expect(all(partition["watermark_ms"] > 1_468_244_000_000 for partition in partitions), str(partitions))
    expect(total(metrics, "millrace_tasks", phase="running") == 5, str(metrics))
    expect(state["application_id"] == run.application and state["state"] == "running", str(state))
    expect(sum(thread["commits"] for thread in state["threads"]) > 0, str(state["threads"]))


def check_nodes(served):
    """Each task tells of its nodes and their operators as /topology names them."""
    state, metrics = served.state(), served.metrics()
    parts = {part["id"]: part["nodes"] for part in json.loads(served.get("/topology"))["sub_topologies"]}
    for task in [task for thread in state["threads"] for task in thread["tasks"]]:
        named = [(node["name"], node["operators"]) for node in parts[int(task["task"].split("_")[0])]]
        found = [(node["node"], [each["operator"] for each in node["operators"]]) for node in task["nodes"]]
        expect(found == named, f"task {task['task']} has {found}, the topology {named}")
        for node in task["nodes"]:
            for each in node["operators"]:
                expect(total(metrics, "millrace_operator_records_total", task=task["task"], node=node["node"],
                             operator=each["operator"]) == each["records"], f"{task['task']}: {each}")
    decoding, sampled = (total(metrics, f"millrace_sampled_{what}seconds_total") for what in ["decoding_", ""])
    expect(0 < decoding < sampled, f"decoding took {decoding} s of {sampled} s")
    for name in ["millrace_node_seconds_total", "millrace_node_batches_total", "millrace_node_read_bytes_total",
                 "millrace_node_sent_bytes_total"]:
        expect(total(metrics, name) > 0, name)
    expect(total(metrics, "millrace_memory_bytes", owner="batches") > 0, str(state["memory_bytes"]))


def observed_case(programs, run, wait_for):
    """All endpoints, and their numbers against a naive count and the summary."""
    path, counts = frames_with_broken_lines(programs)
    run.create(4)
    run.load(path)
    # A second thread that joins late may take the windows over, whose sets are then not read before they are needed.
    with counting(programs, run, wait_for, counts, threads=1) as served:
        expect(served.get("/health") == "alive\n", "not alive")
        wait_for("being ready", lambda: served.ask("/ready")[0] == 200)
        expect(json.loads(served.get("/ready")) == {"ready": True, "reasons": []}, "ready, but for reasons")
        described = metrics_named_in(read("docs", "operations.md"))
        now_and_then = {"millrace_restore_remaining_offsets"}
        wait_for("all metrics", lambda: described <= served.metric_names() | now_and_then)
        expect(served.metric_names() <= described, f"in no table: {served.metric_names() - described}")
        shown = metrics_named_in(read("docker", "grafana-dashboard.json"))
        expect(shown and shown <= described, f"on the dashboard, but nowhere else: {shown - described}")
        check_nodes(served)
        topology = json.loads(served.get("/topology"))
        expect([len(part["nodes"]) for part in topology["sub_topologies"]] == [1, 2], str(topology))
        mermaid = served.get("/topology?format=mermaid")
        described = programs.run(*run.options([60]), "--describe")
        expect(mermaid.startswith("flowchart") and mermaid in described, mermaid)
        expect(served.get("/topology", Accept="text/vnd.mermaid") == mermaid, "Accept is not heard")
        expect(served.get("/topology", Accept="text/plain") in described, "it describes itself in other words")
        served.get("/topology?format=xml", status=400)
        check_windows(served, run, wait_for)
        wait_for("sets that are held", lambda: total(served.metrics(), "millrace_memory_bytes",
                                                     owner="kept by operators") > 0)
        status, headers, body = served.ask("/state", "HEAD")
        expect(status == 200 and int(headers["Content-Length"]) > 100 and not body, f"HEAD: {status} {headers}")


def check_windows(served, run, wait_for):
    """/state/users says the same as the results that are out, of windows that are still kept, and nothing twice."""
    expect(served.state()["stores"] == [{"store": "users", "kind": "windows"}], str(served.state()["stores"]))
    # The last window is emitted once its partitions are idle; then nothing changes any more.
    def closed():
        return any(entry["final"] for entry in json.loads(served.get("/state/users?limit=1"))["entries"])
    wait_for("the last window", closed)
    found = json.loads(served.get("/state/users?limit=1000"))
    expect(found["store"] == "users" and found["kind"] == "windows", str(found)[:500])
    expect(not found["more"] and not found["elsewhere"], str(found)[:500])
    entries = found["entries"]
    expect(entries, "no window is kept")
    starts = [entry["start_ms"] for entry in entries]
    expect(starts == sorted(set(starts), reverse=True), f"not the newest first: {starts}")
    emitted = {}
    # Nobody else can read the directory of an embedded broker while the program has it.
    for line in [] if run.broker.startswith("embedded:") else run.cat(run.users).splitlines():
        result = json.loads(line)
        emitted[result["ts"] * 1000, result.get("revision", 0)] = (result["unique_users"], result["frames"])
    for entry in entries:
        expect(entry["key"] == f"{entry['start_ms'] // 1000}/60" and entry["window"] == "60", str(entry))
        expect(entry["end_ms"] == entry["start_ms"] + 60_000 and entry["users"] <= entry["frames"], str(entry))
        if entry["final"] and emitted:
            counts = entry["users"], entry["frames"]
            expect(emitted.get((entry["start_ms"], entry["revision"])) == counts, f"{entry}, but {emitted}")
    first = entries[0]
    for path in [first["key"], first["key"].replace("/", "%2F"), first["key"] + "?limit=1"]:
        expect(json.loads(served.get("/state/users/" + path))["entries"] == [first], path)
    expect(json.loads(served.get("/state/users?limit=1"))["entries"] == [first], "not the newest first")
    expect(json.loads(served.get(f"/state/users?window={first['start_ms']}"))["entries"] == [first], "no window")
    expect("'users'" in served.get("/state/nothing", status=404), "it does not say what there is")
    served.get("/state/users/60/60", status=404)
    for path in NO_QUESTIONS:
        served.get(path, status=400)


def two_instances_case(programs, run_on, kafka, wait_for):
    """Of two processes each says which task the other one has, and where to ask it."""
    run = run_on(programs, kafka)
    path, counts = frames_with_broken_lines(programs)
    run.create(2)
    run.load(path)
    first = Served(programs, run.options([60], "--shards", "2", "--instance-id", "first"), "--advertise", "first:80")
    second = None
    try:
        wait_for("the address", first.find)
        second = Served(programs, run.options([60], "--shards", "2", "--instance-id", "second"))
        wait_for("the address", second.find)
        def elsewhere(served, other, address, store):
            """The tasks that `served` does not have; None while it does not name the right ones for them."""
            status, _, body = served.ask(f"/state/{store}?limit=1000")
            tasks = json.loads(body)["elsewhere"] if status == 200 else [{"instance": None, "address": None}]
            named = all((task["instance"], task["address"]) == (other, address) for task in tasks)
            return [task["task"] for task in tasks] if named else None
        def shared(store, tasks):
            """Each task of the store is at one of them, and the other one knows where."""
            found = [elsewhere(first, "second", f"127.0.0.1:{second.port}", store),
                     elsewhere(second, "first", "first:80", store)]
            return None not in found and sorted(found[0] + found[1]) == tasks
        wait_for("the shards to be shared", lambda: shared("users", ["1_0", "1_1"]))
        wait_for("the total to be at one of them", lambda: shared("users-total", ["2_0"]))
        asked = {served: json.loads(served.get("/state/users-total")) for served in [first, second]}
        has, other = (first, second) if asked[second]["elsewhere"] else (second, first)
        wait_for("the total", lambda: json.loads(has.get("/state/users-total"))["entries"])
        key = json.loads(has.get("/state/users-total"))["entries"][0]["key"]
        found = json.loads(other.get(f"/state/users-total/{key}", status=421))
        expect(found["elsewhere"] == asked[other]["elsewhere"] and not found["entries"], str(found))
        second.stop()
        wait_for("the first one to have all", lambda: (
            lambda answer: answer[0] == 200 and not json.loads(answer[2])["elsewhere"])(first.ask("/state/users")))
        first.stop()
    finally:
        first.close()
        if second:
            second.close()
    shown = programs.run("millrace", "reset", "--broker", run.broker, "--application-id", run.application,
                         "--state-dir", programs.unique("state"), "--yes")
    expect(f"topic '{run.application}-instances'" in shown, shown)


def taken_address_case(programs, run):
    """An address in use is an error that names it; so is one that is none."""
    run.create(1)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        programs.run(*run.options([60]), "--http", port, code=1)
        expect(f"127.0.0.1:{port}" in programs.last_error and "in use" in programs.last_error, programs.last_error)
    programs.run("sorted_merge", "--http", "localhost", code=2)
    expect("HOST:PORT" in programs.last_error, programs.last_error)


def open_connections(port, count, text=b""):
    """Connections that say `text` and then nothing; those that the kernel does not take yet are on their way."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)
        with contextlib.suppress(OSError):
            client.send(text)
    return clients


def send_much(port, text, piece, times):
    """Sends `text` and then `piece` again and again, until the server has had enough; returns its answer."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS)) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(text)
            for _ in range(times):
                client.sendall(piece)
        with contextlib.suppress(ConnectionError):
            return client.recv(64)
    return b""


def hostile_case(programs, run, wait_for):
    """Whatever clients do: the counts are right, memory is bounded, nothing can be written, Ctrl-C ends it."""
    path, counts = frames_with_broken_lines(programs)
    run.create(4)
    run.load(path)
    with counting(programs, run, wait_for, counts) as served:
        crowd = open_connections(served.port, CONNECTIONS, b"GET /state HT")
        wait_for("a result behind the crowd", lambda: run.cat(run.users))
        for client in crowd:
            client.close()
        for path in NOT_THERE:
            expect("root:" not in served.get(path, status=404), path)
        for path in NO_QUESTIONS:
            served.get(path, status=400)
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]:
            status, headers, _ = served.ask("/state", method, Content_Length="1000000000")
            expect(status == 405 and headers["Allow"] == "GET, HEAD", f"{method}: {status} {headers}")
        before = served.resident_bytes()
        for text, piece in [(b"GET /", b"x" * MEGABYTE), (b"GET / HTTP/1.1\r\nX: ", b"x" * MEGABYTE),
                            (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 100_000), (b"", b"\0\xff\r\n" * 100_000)]:
            for _ in range(10):
                answer = send_much(served.port, text, piece, 20)
                expect(b" 200 " not in answer, f"{text}: {answer}")
        more = served.resident_bytes() - before
        expect(more < 32 * MEGABYTE, f"hostile requests took {more >> 20} MiB")
        silent = open_connections(served.port, 3)
    for client in silent:
        client.close()


def kafka_cluster(verb, directory):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kafka_cluster", "kafka_cluster")
    outcome = subprocess.run([script, verb, "--dir", directory], capture_output=True, text=True, timeout=HANG_SECONDS,
                             check=False)
    expect(outcome.returncode == 0, f"kafka_cluster {verb}: {outcome.stderr[-2000:]}")
    return outcome.stdout


def broker_away_case(programs, run_on, wait_for):
    """A broker that is stopped makes the program unready, and it is ready again when the broker is back."""
    directory = os.path.join(programs.scratch, programs.unique("kafka"))
    try:
        found = re.search(r"^BOOTSTRAP=(.+)$", kafka_cluster("start", directory), re.MULTILINE)
        run = run_on(programs, lambda _programs: found[1])
        path, counts = frames_with_broken_lines(programs)
        run.create(4)
        with counting(programs, run, wait_for, counts) as served:
            wait_for("being ready", lambda: served.ask("/ready")[0] == 200)
            kafka_cluster("stop", directory)
            wait_for("being unready", lambda: served.ask("/ready")[0] == 503)
            reasons = json.loads(served.get("/ready", status=503))["reasons"]
            expect({each["reason"] for each in reasons} <= {"silent", "broker-away", "no-member"}, str(reasons))
            expect(served.get("/health") == "alive\n", "not alive")
            kafka_cluster("start", directory)
            wait_for("being ready again", lambda: served.ask("/ready")[0] == 200)
            run.load(path)
    finally:
        kafka_cluster("clean", directory)


def cases(case, run_on, embedded, kafka, wait_for):
    """`case(name, function)`; `run_on(programs, broker)`: topics of an application there."""
    for label, broker in [("Embedded", embedded), ("Kafka", kafka)]:
        yield case(f"Http.{label}_SaysWhatTheSummarySays", lambda programs, broker=broker: observed_case(
            programs, run_on(programs, broker), wait_for))
    yield case("Http.Kafka_TwoInstancesNameEachOther", lambda programs: two_instances_case(
        programs, run_on, kafka, wait_for))
    yield case("Http.Kafka_HostileClientsDoNoHarm", lambda programs: hostile_case(
        programs, run_on(programs, kafka), wait_for))
    if LONG:
        yield case("Http.OwnKafka_UnreadyWhileTheBrokerIsAway", lambda programs: broker_away_case(
            programs, run_on, wait_for))
    yield case("Http.AddressInUseIsNamed", lambda programs: taken_address_case(
        programs, run_on(programs, embedded)))
