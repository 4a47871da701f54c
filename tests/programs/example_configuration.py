"""docs/example.properties: it holds, names every option of unique_users, and shows their defaults."""

import os
import re

from ring_report import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "example.properties")
LEFT_OUT = re.compile(r"^#([a-z][\w.-]*)=(.*)$", re.MULTILINE)
IN_USE = re.compile(r"^([a-z][\w.-]*)=(.*)$", re.MULTILINE)
COMMAND_LINE_ONLY = {"config", "help", "version"}
EXAMPLES = {"sketch", "state-dir"}  # values that are worth more than the default
INSTEAD_OF = {"from": "broker"}  # an option that another one excludes


def options_of(text):
    """Option to default of a --help, None where it shows none."""
    found = {}
    for option in re.split(r"^  --", text, flags=re.MULTILINE)[1:]:
        default = re.search(r"\[default:\s+([^\]]*)\]", option)
        found[re.match(r"[a-z-]+", option)[0]] = default and " ".join(default[1].split())
    return found


def read():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def check_case(programs):
    """It starts as it stands, but for the address of the broker."""
    at = ["--broker", "embedded:" + programs.unique("broker")]
    text = read()
    for topic in ["input", "dead-letter"]:
        programs.run("millrace", "create", *at, "--topic", dict(IN_USE.findall(text))[topic], "--partitions", 1)
    programs.run("unique_users", "--config", PAGE, *at, "--state-dir", programs.unique("state"), "--check")


def every_option_case(programs):
    options = options_of(programs.run("unique_users", "--help"))
    text = read()
    named = {name.partition(".")[0] for name, _ in LEFT_OUT.findall(text) + IN_USE.findall(text)}
    if named != set(options) - COMMAND_LINE_ONLY:
        raise Failure(f"options on one side only: {named ^ (set(options) - COMMAND_LINE_ONLY)}")
    for name, value in LEFT_OUT.findall(text):
        default = options.get(name)
        if name not in EXAMPLES and default and " " not in default and default != value:
            raise Failure(f"the default of {name} is {default}, and not {value}")


def uncommented_case(programs):
    """Each line that is left out is accepted, too."""
    text = read()
    path = os.path.join(programs.scratch, programs.unique("properties"))
    for name, value in LEFT_OUT.findall(text):
        other = text.replace(f"#{name}={value}\n", f"{name}={value}\n")
        if name in INSTEAD_OF:
            other = re.sub(rf"^{INSTEAD_OF[name]}=.*\n", "", other, flags=re.MULTILINE)
        with open(path, "w", encoding="utf-8") as file:
            file.write(other)
        programs.run("unique_users", "--config", path, "--describe")


def cases(case):
    yield case("ExampleConfiguration.Holds", check_case)
    yield case("ExampleConfiguration.NamesEveryOptionAndItsDefault", every_option_case)
    yield case("ExampleConfiguration.HoldsWithEachLineThatIsLeftOut", uncommented_case)
