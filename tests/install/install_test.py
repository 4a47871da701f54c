#!/usr/bin/env python3
"""An installed Millrace is enough for a consumer: find_package, ten lines, run.

Installs the release build into a scratch prefix, and configures, builds and runs the projects beside this
script against it, and the one that docs/guide.md makes.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import guide  # noqa: E402
import ring_report  # noqa: E402
import syntax_check  # noqa: E402
from ring_report import Failure  # noqa: E402

# What a consumer must not need unless it asks for a component.
HIDDEN = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ["RocksDB", "spdlog", "CLI11", "simdjson"]]
LONG = os.environ.pop("MILLRACE_TEST_LONG", None) is not None  # the programs take MILLRACE_* for options
PROGRAMS = ["frames", "millrace", "unique_users", "report"]
COMPONENTS = ["kafka", "embedded", "rocksdb", "program", "testing"]
# What bash offers behind the last word; the other words are the line so far.
COMPLETIONS = [
    (["unique_users", "--guarant"], ["--guarantee"]),
    (["unique_users", "--guarantee", ""], ["exactly_once", "at_least_once"]),
    (["millrace", "verify"], ["verify-sorted"]),
    (["millrace", "load", "--partitioner", "h"], ["hash"]),
    (["millrace", "load", "/et"], ["/etc"]),
]


class Installation:
    """One installed copy, and consumers built against it."""

    def __init__(self, build):
        self.build = build
        self.scratch = tempfile.mkdtemp(prefix="millrace-install-")
        self.prefix = os.path.join(self.scratch, "prefix")

    def run(self, *command, code=0, **environment):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False,
                                 env={**os.environ, **environment})
        output = outcome.stdout + outcome.stderr
        if (outcome.returncode == 0) != (code == 0):
            raise Failure(f"{' '.join(command)}\nended with {outcome.returncode}:\n{output[-4000:]}")
        return output

    def configure(self, project, *options, code=0, **environment):
        binary = os.path.join(self.scratch, "build-" + os.path.basename(project))
        shutil.rmtree(binary, ignore_errors=True)
        output = self.run("cmake", "-S", project, "-B", binary, "-G", "Ninja",
                          f"-DCMAKE_CXX_COMPILER={syntax_check.compiler(self.build)}",
                          f"-DCMAKE_PREFIX_PATH={self.prefix}", *options, code=code, **environment)
        return binary, output

    def build_and_run(self, name, *options, **environment):
        binary, _ = self.configure(os.path.join(HERE, name), *options, **environment)
        self.run("cmake", "--build", binary)
        self.run(os.path.join(binary, name))

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)


def installs(installation):
    installation.run("cmake", "--install", installation.build, "--prefix", installation.prefix)
    for path in ["include/millrace/framework/status.h", "include/millrace/millrace.h"]:
        if not os.path.exists(os.path.join(installation.prefix, path)):
            raise Failure(f"{path} is not installed")


def programs_run(installation):
    for program in PROGRAMS:
        installation.run(os.path.join(installation.prefix, "bin", program), "--version")


def man_pages_name_every_option(installation):
    pages = {program: [program] for program in PROGRAMS}
    pages["millrace-load"] = ["millrace", "load"]
    for page, (program, *words) in pages.items():
        with open(os.path.join(installation.prefix, "share", "man", "man1", page + ".1"), encoding="utf-8") as file:
            text = file.read().replace("\\-", "-")
        said = installation.run(os.path.join(installation.prefix, "bin", program), *words, "--help")
        options = re.findall(r"^  --\S+", said, re.MULTILINE)
        missing = [option for option in options if f".B {option.strip()}" not in text]
        if missing or not options and page != "millrace":
            raise Failure(f"{page}.1 does not name {missing}")


def bash_completes(installation):
    folder = os.path.join(installation.prefix, "share", "bash-completion", "completions")
    for words, offers in COMPLETIONS:
        found = installation.run(
            "bash", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            'set -- $(complete -p "$1"); "$3"; printf "%s\n" "${COMPREPLY[@]}"',
            "bash", os.path.join(folder, words[0]), *words).split()
        if found != offers:
            raise Failure(f"behind '{' '.join(words)}' bash offers {found} and not {offers}")


def consumer_runs(installation):
    installation.build_and_run("consumer")


def framework_needs_little(installation):
    """Neither RocksDB nor librdkafka nor the libraries of programs are looked for unless asked for."""
    visible = os.path.join(installation.scratch, "pkgconfig")
    os.makedirs(visible, exist_ok=True)
    with open(os.path.join(visible, "libxxhash.pc"), "w", encoding="utf-8") as file:
        file.write("Name: xxhash\nDescription: only this is visible\nVersion: 0.8.1\nLibs: -lxxhash\n")
    installation.build_and_run("framework_only", *HIDDEN, PKG_CONFIG_LIBDIR=visible)


def components_stand_alone(installation):
    """Each finds the libraries that it links, when nothing else is asked for."""
    for component in COMPONENTS:
        project = os.path.join(installation.scratch, "component_" + component)
        os.makedirs(project, exist_ok=True)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(component CXX)\n"
                       f"find_package(millrace 0.1 REQUIRED COMPONENTS {component})\n"
                       "file(WRITE ${CMAKE_BINARY_DIR}/main.cc \"int main() {}\")\n"
                       "add_executable(component ${CMAKE_BINARY_DIR}/main.cc)\n"
                       f"target_link_libraries(component millrace::{component})\n")
        installation.configure(project, "-DCMAKE_CXX_COMPILER_WORKS=ON")


def follows_the_guide(installation, page):
    """In an empty home with nothing but the installed copy."""
    home = os.path.join(installation.scratch, "home")
    os.makedirs(home)
    os.symlink(installation.prefix, os.path.join(home, "millrace"))
    kafka = os.environ.pop("MILLRACE_TEST_KAFKA", None)  # the programs take MILLRACE_* for options
    guide.follow(page, home, kafka, CXX=syntax_check.compiler(installation.build))
    if not kafka:
        raise ring_report.Skip("MILLRACE_TEST_KAFKA is not set: the part on Kafka was left out")


def follows_the_guide_from_nothing(source):
    """In an empty Debian, where Millrace is built first: see from_nothing."""
    script = os.path.join(source, "tests", "install", "from_nothing")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise ring_report.Skip(f"{script} needs root and debootstrap")
    # On a Kafka of its own: the topics of the guide exist on the other one.
    outcome = subprocess.run([os.path.join(source, "tests", "kafka_cluster", "kafka_cluster"), "run", "--", script],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
    if outcome.returncode != 0:
        raise Failure(f"ended with {outcome.returncode}:\n{outcome.stdout[-6000:]}")
    print(outcome.stdout.splitlines()[-1])


def snippets_compile(build, pages):
    texts = [text for page in pages for text in guide.snippets(page)]
    if not texts:
        raise Failure("no page has a block that is marked to compile")
    for text in texts:
        compiles, output = syntax_check.check(build, "-", *syntax_check.WARNINGS, text=text)
        if not compiles:
            raise Failure(f"{text}\n{output[:4000]}")


def unknown_component_is_named(installation):
    project = os.path.join(installation.scratch, "unknown_component")
    os.makedirs(project, exist_ok=True)
    with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.25)\nproject(unknown_component CXX)\n"
                   "find_package(millrace REQUIRED COMPONENTS kafak)\n")
    _, output = installation.configure(project, code=1)
    if "millrace has no component 'kafak'" not in " ".join(output.split()):
        raise Failure(f"the component is not named:\n{output}")


def other_minor_version_is_refused(installation):
    project = os.path.join(installation.scratch, "other_version")
    os.makedirs(project, exist_ok=True)
    with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.25)\nproject(other_version CXX)\n"
                   "find_package(millrace 0.0 REQUIRED)\n")
    _, output = installation.configure(project, code=1)
    if "version: 0.1" not in " ".join(output.split()):
        raise Failure(f"the version is not named:\n{output}")


def main():
    arguments = ring_report.argument_parser(__doc__.splitlines()[0]).parse_args()
    installation = Installation(arguments.build)
    docs = os.path.join(arguments.source, "docs")
    cases = [(f"Install.{name}", lambda case=case: case(installation)) for name, case in [
        ("PutsHeadersAndLibrariesUnderThePrefix", installs),
        ("ProgramsRunFromThePrefix", programs_run),
        ("ManPagesNameEveryOption", man_pages_name_every_option),
        ("BashCompletesOptionsAndValues", bash_completes),
        ("TenLineConsumerRuns", consumer_runs),
        ("FrameworkAloneNeedsOnlyFmtAndXxhash", framework_needs_little),
        ("ComponentsStandAlone", components_stand_alone),
        ("GuideIsFollowedToTheLetter", lambda copy: follows_the_guide(copy, os.path.join(docs, "guide.md"))),
        ("SnippetsOfOtherPagesCompile", lambda copy: snippets_compile(copy.build, glob.glob(f"{docs}/*.md"))),
        ("UnknownComponentIsNamed", unknown_component_is_named),
        ("OtherMinorVersionIsRefused", other_minor_version_is_refused),
    ]]
    if LONG:
        cases.append(("Install.GuideIsFollowedFromNothing", lambda: follows_the_guide_from_nothing(arguments.source)))
    try:
        code = ring_report.run(arguments, cases)
    finally:
        installation.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
