#!/usr/bin/env python3
"""The house stands as drawn: every #include points right, every third-party header stays in its room.

    apps --> operators --> state --> framework          tests --> everything

Also the rules of style that a machine can read. Each rule is first tried on a planted violation, so that a
rule which no longer bites fails here too.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ring_report  # noqa: E402

BROKERS = ["framework/kafka", "framework/embedded", "framework/file"]

# Folder -> what it may include beside itself. The longest matching folder counts. A folder that is named
# here includes another one only if that one is named in its row: "framework" does not mean "framework/kafka".
MAY_INCLUDE = {
    "framework": [],
    "framework/kafka": ["framework"],
    "framework/embedded": ["framework"],
    "framework/file": ["framework"],
    "state": ["framework"],
    "operators": ["state", "framework"],
    "apps/program": ["operators", "state", "framework", *BROKERS, "apps/program/http"],
    "apps/program/http": ["apps/program", "operators", "framework"],
    "apps": ["apps/program", "operators", "state", "framework"],  # each program by itself
    ".": ["operators", "state", "framework"],  # millrace.h
}

# Third-party library -> its headers, and the rooms that may include them.
ROOMS = {
    "librdkafka": (r"librdkafka/|rdkafka\.h", ["framework/kafka"]),
    "RocksDB": (r"rocksdb/", ["framework/embedded", "state"]),
    "simdjson": (r"simdjson", ["operators"]),
    "CLI11": (r"CLI/", ["apps/program"]),
    "spdlog": (r"spdlog/", ["apps/program"]),
    "prometheus-cpp": (r"prometheus/", ["apps/program/http"]),
    "the HTTP library": (r"httplib\.h", ["apps/program/http"]),
    "GoogleTest": (r"gtest/|gmock/", []),
    "Google Benchmark": (r"benchmark/", []),
    "fmt": (r"fmt/", [".cc"]),
    "xxhash": (r"xxhash\.h|xxh3\.h", [".cc"]),
}
SYSTEM_HEADER = re.compile(
    r"[a-z_0-9]+$"  # the C++ standard library
    r"|(sys|net|netinet|arpa|linux|sanitizer)/[a-z_0-9]+\.h$"
    r"|(unistd|fcntl|signal|poll|pthread|sched|dirent|netdb|errno|time|termios|immintrin|arm_neon"
    r"|emmintrin|cxxabi|execinfo|dlfcn|getopt|string|stdlib|malloc)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)
LINE_LIMIT = 100
LIBRARY = ("framework/", "state/", "operators/")
STREAMS = re.compile(r"std::(cout|cerr|clog|getenv|exit|quick_exit|signal)\b|\b(printf|fprintf|puts|secure_getenv)\(")
# The always-on assertion says what it found before it aborts.
MAY_PRINT = {"framework/check.cc"}


def folder_of(path):
    """The row of MAY_INCLUDE that holds `path`, or None."""
    folder = os.path.dirname(path) or "."
    while folder and folder not in MAY_INCLUDE:
        folder = os.path.dirname(folder)
    return folder or None


def in_room(path, room):
    return path.endswith(room) if room == ".cc" else path.startswith(room + "/")


def same_program(path, included):
    """apps/report includes apps/report, but not apps/frames."""
    return path.split("/")[:2] == included.split("/")[:2]


def arrow_violation(path, included):
    """Why `path` must not include the project's header `included`, or None."""
    if path.startswith("tests/"):
        return None
    here, there = folder_of(path), folder_of(included)
    if here is None:
        return f"{path}: no folder of the house; name it in tests/layering/layering_test.py"
    if there is None:
        return f"{path}: includes {included}, which lies in no folder of the house"
    if here == "apps" and there == "apps":
        allowed = same_program(path, included)
    else:
        allowed = here == there or there in MAY_INCLUDE[here]
    return None if allowed else f"{path}: {here}/ must not include {included}"


def third_party_violation(path, header):
    """Why `path` must not include the foreign header `header`, or None."""
    for library, (pattern, rooms) in ROOMS.items():
        if re.match(pattern, header):
            if path.startswith("tests/") or any(in_room(path, room) for room in rooms):
                return None
            where = " or ".join(f"a {room} file" if room == ".cc" else room + "/" for room in rooms)
            return f"{path}: <{header}> of {library} is included only in {where or 'tests/'}"
    if SYSTEM_HEADER.match(header):
        return None
    return f"{path}: <{header}> belongs to no library that the house knows"


def include_violations(tree):
    for path, text in tree.items():
        if not path.endswith((".h", ".cc")):
            continue
        for included in INCLUDE.findall(text):
            name = included[1:-1]
            if included[0] == '"' and name.startswith("millrace/"):
                violation = arrow_violation(path, name.removeprefix("millrace/"))
                if violation is None and name.removeprefix("millrace/") not in tree:
                    violation = f"{path}: includes {name}, which does not exist"
            elif included[0] == '"':
                violation = f'{path}: write "millrace/..." instead of "{name}"'
            else:
                violation = third_party_violation(path, name)
            if violation:
                yield violation


def heavy_dsl_violations(tree):
    """millrace/millrace.h gives the whole DSL without any third-party header."""
    seen, todo = set(), ["millrace.h"] if "millrace.h" in tree else []
    while todo:
        path = todo.pop()
        if path in seen or path not in tree:
            continue
        seen.add(path)
        for included in INCLUDE.findall(tree[path]):
            name = included[1:-1]
            if included[0] == '"':
                todo.append(name.removeprefix("millrace/"))
            elif not SYSTEM_HEADER.match(name):
                yield f"millrace.h reaches <{name}> through {path}"


def name_violations(tree):
    for path in tree:
        stem = os.path.splitext(os.path.basename(path))[0]
        if re.search(r"(^|_)(utils?|helpers?|common|misc)($|_)", stem):
            yield f"{path}: a file is named after what it holds"


def text_violations(tree):
    # Spelt in two halves, or this file would break its own rule.
    unfinished = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for path, text in tree.items():
        is_code = path.endswith((".h", ".cc"))
        if path.endswith(".h") and "#pragma once" not in text:
            yield f"{path}: has no #pragma once"
        lines = text.splitlines()
        too_long = [number for number, line in enumerate(lines, 1) if len(line) > LINE_LIMIT]
        if is_code and too_long:
            yield (f"{path}:{too_long[0]}: {len(too_long)} lines have more than {LINE_LIMIT} columns "
                   "(./dev format)")
        for number, line in enumerate(lines, 1):
            if path != "LICENSE" and unfinished.search(line):
                yield f"{path}:{number}: finish it, or open an issue"
            if is_code and path.startswith(LIBRARY) and path not in MAY_PRINT:
                code = line.split("//")[0]
                if STREAMS.search(code):
                    yield f"{path}:{number}: the library touches no standard stream or environment, nor exits"


def log_violations(tree):
    """Keys of a log line are members of its JSON object: framework/log.h."""
    for path, text in tree.items():
        if not path.endswith((".h", ".cc")) or path.startswith("tests/"):
            continue
        for call in re.finditer(r"(?:\.|->)write\(.*?;", text, re.DOTALL):
            for key in re.findall(r'\{"([^"]*)",', call[0]):
                if not re.fullmatch("[a-z][a-z0-9_]*", key) or key in {"time", "level", "text"}:
                    line = text.count("\n", 0, call.start()) + 1
                    yield f"{path}:{line}: '{key}' is no key of a log line"


RULES = [
    ("IncludesPointRightAndStayInTheirRooms", include_violations),
    ("TheWholeDslNeedsNoThirdPartyHeader", heavy_dsl_violations),
    ("FilesAreNamedAfterWhatTheyHold", name_violations),
    ("TextKeepsTheHouseStyle", text_violations),
    ("KeysOfLogLinesAreMembersOfJson", log_violations),
]

# What each planted file breaks: (path, text, part of the complaint).
PLANTED = [
    ("framework/task.h", '#pragma once\n#include "millrace/state/store.h"', "must not include"),
    ("framework/task.h", '#pragma once\n#include "millrace/framework/kafka/broker.h"', "must not include"),
    ("framework/file/file_broker.cc", '#include "millrace/framework/kafka/broker.h"', "must not include"),
    ("state/store.cc", '#include "millrace/operators/filter.h"', "must not include"),
    ("operators/filter.h", '#pragma once\n#include "millrace/apps/program/run.h"', "must not include"),
    ("operators/filter.h", '#pragma once\n#include "millrace/framework/embedded/b.h"', "must not include"),
    ("apps/report/main.cc", '#include "millrace/apps/frames/frame.h"', "must not include"),
    ("apps/report/main.cc", '#include "millrace/framework/kafka/broker.h"', "must not include"),
    ("framework/task.cc", '#include "millrace/tests/kit/driver.h"', "no folder of the house"),
    ("extras/thing.cc", '#include "millrace/framework/task.h"', "no folder of the house"),
    ("framework/task.cc", '#include "task.h"', "instead of"),
    ("framework/task.cc", '#include "millrace/framework/nowhere.h"', "does not exist"),
    ("framework/task.cc", "#include <librdkafka/rdkafka.h>", "librdkafka"),
    ("framework/embedded/log.cc", "#include <librdkafka/rdkafka.h>", "librdkafka"),
    ("operators/count.h", "#pragma once\n#include <rocksdb/db.h>", "RocksDB"),
    ("state/store.cc", "#  include <simdjson.h>", "simdjson"),
    ("apps/report/main.cc", "#include <CLI/CLI.hpp>", "CLI11"),
    ("framework/log.h", "#pragma once\n#include <fmt/format.h>", "fmt"),
    ("operators/hash.h", "#pragma once\n#include <xxhash.h>", "xxhash"),
    ("framework/task.cc", "#include <gtest/gtest.h>", "GoogleTest"),
    ("framework/task.cc", "#include <boost/asio.hpp>", "no library that the house knows"),
    ("framework/string_utils.h", "#pragma once", "named after"),
    ("tests/helpers.cc", "", "named after"),
    ("framework/task.h", "int x;", "#pragma once"),
    ("framework/task.cc", "//" + "x" * 99, "columns"),
    ("framework/task.cc", "// TO" + "DO: later", "finish it"),
    ("framework/task.cc", 'std::cerr << "no";', "standard stream"),
    ("framework/task.cc", 'log.write(level, "x", {{"task", id},\n {"text", y}});', "no key of a log line"),
    ("framework/task.cc", 'log_->write(level, "x", {{"end offset", 1}});', "no key of a log line"),
    ("state/store.cc", 'auto home = std::getenv("HOME");', "standard stream"),
]
# What no rule may complain about.
CLEAN = {
    "millrace.h": '#pragma once\n#include "millrace/operators/filter.h"',
    "framework/task.h": "#pragma once\n#include <vector>\n#include <sys/stat.h>",
    "framework/task.cc": '#include "millrace/framework/task.h"\n#include <fmt/format.h>\n#include <xxhash.h>',
    "framework/kafka/broker.h": '#pragma once\n#include "millrace/framework/task.h"',
    "framework/kafka/broker.cc": '#include "millrace/framework/kafka/broker.h"\n#include <librdkafka/rdkafka.h>',
    "operators/filter.h": '#pragma once\n#include "millrace/framework/task.h"',
    "framework/log_user.cc": 'log.write(level, "text", {{"task", id}, {"offset_ms", 1}});',
    "operators/codec/json.cc": "#include <simdjson.h>\n#include <charconv>",
    "apps/program/run.cc": '#include "millrace/framework/kafka/broker.h"\n#include <CLI/CLI.hpp>',
    "apps/report/table.h": "#pragma once",
    "apps/report/main.cc": '#include "millrace/apps/report/table.h"',
    "tests/framework/task_test.cc": '#include "millrace/framework/task.h"\n#include <gtest/gtest.h>',
}


def read_tree(source):
    """Path -> text of everything written by hand."""
    tree = {}
    for folder, folders, files in os.walk(source):
        relative = os.path.relpath(folder, source)
        folders[:] = [name for name in folders
                      if not name.startswith(("build", ".git", ".cache", "__pycache__"))]
        for name in files:
            path = os.path.normpath(os.path.join(relative, name))
            if name.endswith((".h", ".cc", ".py", ".cmake", ".txt", ".md")) or path == "dev":
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    tree[path] = file.read()
    return tree


def must_be_silent(rule, tree):
    def check():
        violations = list(rule(tree))
        if violations:
            raise ring_report.Failure("\n".join(violations))
    return check


def must_complain(path, text, complaint):
    def check():
        found = [violation for _, rule in RULES for violation in rule({path: text})]
        if not any(complaint in violation for violation in found):
            raise ring_report.Failure(f"{path} with {text!r} was not caught, but: {found}")
    return check


def light_dsl_is_watched():
    tree = {"millrace.h": '#include "millrace/operators/json.h"',
            "operators/json.h": "#include <simdjson.h>"}
    if not list(heavy_dsl_violations(tree)):
        raise ring_report.Failure("millrace.h may reach simdjson unseen")


def planted_bugs_apply(source):
    """Code that moves on leaves patches behind; compiling and catching them all is for ./dev simulate --mutants."""
    def check():
        folder = os.path.join(source, "tests", "simulation", "mutants")
        patches = sorted(name for name in os.listdir(folder) if name.endswith(".patch"))
        left = [name for name in patches
                if subprocess.run(["git", "apply", "--check", os.path.join(folder, name)], cwd=source,
                                  stderr=subprocess.DEVNULL).returncode != 0]
        if left or not patches:
            raise ring_report.Failure(f"of {len(patches)} patches in {folder} these do not apply any more: {left}")
    return check


def main():
    arguments = ring_report.argument_parser(__doc__.splitlines()[0]).parse_args()
    tree = read_tree(arguments.source)
    cases = [(f"House.{name}", must_be_silent(rule, tree)) for name, rule in RULES]
    cases += [(f"SelfTest.CatchesInFile{number}_{os.path.basename(path)}",
               must_complain(path, text, complaint))
              for number, (path, text, complaint) in enumerate(PLANTED)]
    cases += [(f"SelfTest.LeavesCleanTreeAlone_{name}", must_be_silent(rule, CLEAN))
              for name, rule in RULES]
    cases.append(("SelfTest.CatchesThirdPartyHeaderBehindTheDsl", light_dsl_is_watched))
    cases.append(("House.EveryPlantedBugApplies", planted_bugs_apply(os.path.abspath(arguments.source))))
    ring_report.main(arguments, cases)


if __name__ == "__main__":
    main()
