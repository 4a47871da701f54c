"""Cases of programs_test: TLS and passwords, on a broker that wants both, as docs/operations.md says."""

import os
import re
import signal
import subprocess
import time
import urllib.request

from ring_report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "operations.md")
TOOL = os.path.join(ROOT, "tests", "kafka_cluster", "kafka_cluster")
HEADING = "## TLS and SASL\n"
HANG_SECONDS = 180  # ends a hang; nothing here takes a tenth of it
FRAMES = 10_000  # as many as the page loads
PASSWORD = "MILLRACE_KAFKA_SASL_PASSWORD"


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blocks():
    """{language: text} of the blocks in the page's section."""
    section = read(PAGE).partition(HEADING)[2].partition("\n## ")[0]
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


class Secure:
    """A broker with TLS and passwords, and the page's configuration for it. Ends with `programs`."""

    def __init__(self, programs):
        self.programs = programs
        self.directory = os.path.join(programs.scratch, programs.unique("secure-kafka"))
        programs.at_end(lambda: self.tool("clean"))
        said = dict(line.split("=", 1) for line in self.tool("start", "--secure").splitlines())
        self.plain, self.address = said["BOOTSTRAP"], said["SECURE"]
        self.password = read(os.path.join(self.directory, "secure", "password"))
        self.properties = self.here(blocks()["properties"])
        self.config = self.write(self.properties)

    def tool(self, *arguments):
        outcome = subprocess.run([TOOL, arguments[0], "--dir", self.directory, *arguments[1:]], capture_output=True,
                                 text=True, timeout=HANG_SECONDS, check=False)
        if outcome.returncode != 0:
            raise Failure(f"kafka_cluster {' '.join(arguments)}: {outcome.stderr[-2000:]}")
        return outcome.stdout

    def here(self, text):
        """The page's text with the addresses and paths of this broker."""
        for there, here in [("kafka-1.example.com:9093", self.address),
                            ("/etc/millrace", os.path.join(self.directory, "secure"))]:
            if there not in text:
                raise Failure(f"'{there}' is not in the page any more:\n{text}")
            text = text.replace(there, here)
        return text

    def write(self, text):
        path = os.path.join(self.programs.scratch, self.programs.unique("properties"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def options(self, config=None):
        """Of a program that has got as far as its topic, and finds none."""
        config = ["--config", config or self.config]
        nothing = self.programs.unique("nothing")
        return {"load": ["millrace", "load", *config, "--topic", nothing, os.devnull],
                "cat": ["millrace", "cat", *config, "--topic", nothing, "--until-end"],
                "unique_users": ["unique_users", *config, "--input", nothing, "--output", nothing, "--state-dir", nothing]}

    def refused(self, name, code, *naming, config=None, **environment):
        """The program ends with `code` and one line that names the cause, its remedy and no password."""
        begin = time.monotonic()
        self.programs.run(*self.options(config)[name], code=code, **{PASSWORD: self.password, **environment})
        print(f"         {name} was refused in {time.monotonic() - begin:.1f} s", flush=True)
        said = self.programs.last_error
        if said.count("\n") != 1:
            raise Failure(f"not one clear line, but:\n{said}")
        for each in naming:
            if each not in said:
                raise Failure(f"'{each}' is not named: {said}")
        self.check_hidden(said, *environment.values())

    def check_hidden(self, said, *more):
        for secret in [self.password, *more]:
            if secret in said:
                raise Failure(f"a password is shown:\n{said[-3000:]}")


def page_case(programs, secure):
    """The page's commands, with its configuration."""
    where = os.path.join(programs.scratch, programs.unique("page"))
    os.mkdir(where)
    with open(os.path.join(where, "secure.properties"), "w", encoding="utf-8") as file:
        file.write(secure().properties)
    commands = blocks()["sh"].replace("/etc/millrace", os.path.join(secure().directory, "secure"))
    outcome = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=where, capture_output=True, text=True,
                             timeout=HANG_SECONDS, check=False,
                             env={**os.environ, "HOME": where, "PATH": programs.bin + ":" + os.environ["PATH"]})
    if outcome.returncode != 0:
        raise Failure(f"ended with {outcome.returncode}:\n{outcome.stderr[-3000:]}")
    counted = sum(map(int, re.findall(r'"frames":(\d+)', outcome.stdout)))
    if counted != FRAMES:
        raise Failure(f"{counted} of {FRAMES} frames are counted:\n{outcome.stdout[-3000:]}")
    secure().check_hidden(outcome.stdout + outcome.stderr)


def wrong_password_case(_programs, secure):
    for name in secure().options():
        secure().refused(name, 2, secure().address, "SASL authentication error", "kafka.sasl.password",
                         **{PASSWORD: "wrong-password"})


def untrusted_certificate_case(_programs, secure):
    config = secure().write(secure().properties.replace("/ca.pem", "/another-ca.pem"))
    secure().refused("unique_users", 2, secure().address, "certificate verify failed", "kafka.ssl.ca.location",
                     config=config)


def missing_certificate_case(_programs, secure):
    config = secure().write(secure().properties.replace("/ca.pem", "/no-such.pem"))
    secure().refused("cat", 2, "ssl.ca.location", config=config)


def plaintext_case(_programs, secure):
    """Without TLS to the port that wants it."""
    config = secure().write(f"broker={secure().address}\n")
    secure().refused("cat", 1, secure().address, "kafka.security.protocol", config=config)


def tls_to_plaintext_case(_programs, secure):
    config = secure().write(secure().properties.replace(secure().address, secure().plain))
    secure().refused("cat", 1, secure().plain, "speak TLS?", config=config)


def scram_case(programs, secure):
    """SCRAM works; or the library is too old for this Kafka, and the message says so."""
    config = secure().write(secure().properties.replace("=PLAIN", "=SCRAM-SHA-512"))
    outcome = subprocess.run(programs.command("millrace", "topics", "--config", config), capture_output=True, text=True,
                             timeout=HANG_SECONDS, check=False, env={**os.environ, PASSWORD: secure().password})
    if outcome.returncode != 0 and (outcome.returncode, "librdkafka 2.6.1" in outcome.stderr) != (2, True):
        raise Failure(f"ended with {outcome.returncode}:\n{outcome.stderr}")
    print(f"         {outcome.stderr.strip() or 'SCRAM works'}", flush=True)


def mistyped_name_case(_programs, secure):
    """The value of a name that nobody knows may be a password."""
    config = secure().write(secure().properties + f"kafka.sasl.pasword={secure().password}\n")
    secure().refused("load", 2, "kafka.sasl.pasword", config=config)


def hidden_password_case(programs, secure, wait_for):
    """The password is in none of what programs say, log and serve."""
    own = secure()
    topic = programs.unique("frames")
    environment = {PASSWORD: own.password}
    telling = ["--log-level", "debug", "--kafka", "debug=all"]
    at = ["--config", own.config]
    programs.run("millrace", "create", *at, "--topic", topic, "--partitions", 1, **environment)
    command = ["unique_users", *at, "--input", topic, "--output", topic + "-users", "--application-id", topic,
               "--state-dir", programs.unique("state"), *telling]
    for more in ["--check", "--describe"]:
        own.check_hidden(programs.run(*command, more, **environment) + programs.last_error)
    for log_format in ["text", "json"]:
        path = os.path.join(programs.scratch, programs.unique("said"))
        with open(path, "wb") as file:
            process = subprocess.Popen(programs.command(*command, "--log-format", log_format, "--http", "0"),
                                       stdout=file, stderr=file, cwd=programs.scratch, env={**os.environ, **environment})

        def said():
            if process.poll() is not None:
                raise Failure(f"it ended with {process.returncode}:\n{read(path)[-3000:]}")
            return read(path)

        wait_for("a task", lambda: "task runs" in said())
        served = re.search(r"serving (http://[\d.:]+)/", said())[1]
        pages = [urllib.request.urlopen(served + page, timeout=HANG_SECONDS).read().decode()
                 for page in ["/state", "/topology", "/metrics"]]
        process.send_signal(signal.SIGINT)
        if process.wait(timeout=HANG_SECONDS) != 0:
            raise Failure(f"Ctrl-C ended it with {process.returncode}:\n{read(path)[-3000:]}")
        text = read(path) + "".join(pages)
        if "sasl.username" not in text and "SASL" not in text:
            raise Failure("the debug log tells nothing of SASL: nothing is proved")
        own.check_hidden(text)


def cases(case, once, wait_for):
    """`case(name, function, ...)`; `once(make)`: a function that makes it for these programs when first called."""
    secure = once(Secure)
    for name, function in [
            ("PageIsFollowed", page_case),
            ("WrongPasswordIsNamed", wrong_password_case),
            ("ScramWorksOrTheOldLibraryIsNamed", scram_case),
            ("UntrustedCertificateIsNamed", untrusted_certificate_case),
            ("MissingCertificateIsNamed", missing_certificate_case),
            ("PlaintextToATlsPortIsNamed", plaintext_case),
            ("TlsToAPlaintextPortIsNamed", tls_to_plaintext_case),
            ("MistypedNameShowsNoPassword", mistyped_name_case)]:
        yield case(f"Secure.{name}", function, secure)
    yield case("Secure.PasswordIsNeverShown", hidden_password_case, secure, wait_for)
