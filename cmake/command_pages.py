#!/usr/bin/env python3
"""Writes man pages and bash completions from what the programs say of themselves with --help and --version.

    command_pages.py --output DIR PROGRAM...

makes DIR/man/man1/NAME.1 of each program and of each of its subcommands, and
DIR/bash-completion/completions/NAME of each program.
"""

import argparse
import os
import re
import subprocess

EXIT_STATUS = [("0", "done"), ("1", "failed"), ("2", "wrong usage or configuration")]


class Entry:
    """An option (`--name VALUE`) or a positional value, under its heading."""

    def __init__(self, label):
        self.label = label
        self.text = []

    @property
    def name(self):
        return self.label.split()[0]

    @property
    def value(self):
        return self.label.partition(" ")[2]


class Help:
    """A --help, taken apart."""

    def __init__(self, text):
        head, _, rest = text.partition("\n\n")
        self.summary = " ".join(head.split())
        self.usage = re.search(r"^Usage: (.*)$", rest, re.MULTILINE)[1]
        self.sections = []  # (heading, entries)
        self.commands = []  # (name, summary)
        self.examples = []  # (command, effect)
        heading = None
        for line in rest.splitlines():
            if re.fullmatch(r"\S.*:", line):
                heading = line[:-1]
                if heading not in ("Commands", "Examples"):
                    self.sections.append((heading, []))
            elif not line.startswith("  ") or heading is None:
                continue
            elif heading == "Commands":
                self.commands.append(tuple(line.strip().split(None, 1)))
            elif heading == "Examples":
                self.read_example(line)
            else:
                self.read_entry(line)

    def read_example(self, line):
        if line.startswith("      "):
            self.examples[-1] = (self.examples[-1][0], line.strip())
        else:
            self.examples.append((line.strip(), ""))

    def read_entry(self, line):
        entries = self.sections[-1][1]
        if line[2] != " ":  # else the text of the entry before goes on
            label, _, line = line.strip().partition("  ")
            entries.append(Entry(label))
        entries[-1].text.append(line.strip())

    def entries(self):
        return [entry for _, entries in self.sections for entry in entries]


def ask(program, *words):
    """Its answer, for nobody's home in particular: defaults below it begin with ~."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "XDG_"))}
    return subprocess.run([program, *words], capture_output=True, text=True, check=True,
                          env={**environment, "HOME": "~"}).stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def man_page(name, version, page):
    sentence = re.split(r"[.:] |\.$", page.summary)[0]
    lines = [f'.TH {roff(name.upper())} 1 "" "Millrace {version}" "User Commands"', ".SH NAME",
             f"{roff(name)} \\- {roff(sentence[0].lower() + sentence[1:])}",
             ".SH SYNOPSIS", f".B {roff(page.usage)}", ".SH DESCRIPTION", roff(page.summary)]
    if page.commands:
        lines.append(".SH COMMANDS")
        for command, summary in page.commands:
            lines += [".TP", f".B {roff(command)}", f"{roff(summary)}; see {roff(name)}\\-{roff(command)}(1)"]
    if page.sections:
        lines.append(".SH OPTIONS")
    for heading, entries in page.sections:
        lines.append(f".SS {roff(heading)}")
        for entry in entries:
            lines += [".TP", f".B {roff(entry.label)}", roff(" ".join(filter(None, entry.text)))]
    if any(entry.name == "--config" for entry in page.entries()):
        lines += [".SH ENVIRONMENT", ".TP", ".B MILLRACE_NAME",
                  roff("The option --name: MILLRACE_COMMIT_INTERVAL=1s is --commit-interval 1s. It overrules the "
                       "file of --config; the command line overrules both.")]
    if page.examples:
        lines.append(".SH EXAMPLES")
        for command, effect in page.examples:
            lines += [".TP", f".B {roff(command)}", roff(effect)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_STATUS:
        lines += [".TP", f".B {code}", meaning]
    return "\n".join(lines) + "\n"


def takes_path(entry):
    return "FILE" in entry.label or "DIR" in entry.value.split(",")


def completion_of(page, indent):
    """The case statement for the words behind a program or subcommand: values of an option, or options."""
    lines = ['case "$before" in']
    for entry in page.entries():
        if entry.name.startswith("--") and entry.value:
            words = [word for word in entry.value.split("|") if "|" in entry.value and not word.isupper()]
            lines.append(f'  {entry.name}) {"paths=yes" if takes_path(entry) else words_are(words)} ;;')
    names = [entry.name for entry in page.entries() if entry.name.startswith("--")]
    given = any(takes_path(entry) for entry in page.entries() if not entry.name.startswith("--"))
    paths = '; [[ $present == -* ]] || paths=yes' if given else ""
    lines += [f"  *) {words_are(names)}{paths} ;;", "esac"]
    return [indent + line for line in lines]


def words_are(words):
    return f'words="{" ".join(words)}"'


def completion(name, pages):
    """`pages`: subcommand to Help; "" is the program itself."""
    function = "_millrace_complete_" + re.sub(r"\W", "_", name)
    lines = [f"# bash completion of {name}, made from its --help", f"{function}() {{",
             '  local present="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words="" paths=no']
    if pages[""].commands:
        lines.append('  case "$COMP_CWORD:${COMP_WORDS[1]}" in')
        lines.append(f"    1:*) {words_are([*(command for command in pages if command), '--help', '--version'])} ;;")
        for command, page in pages.items():
            if command:
                lines += [f"    *:{command})", *completion_of(page, "      "), "      ;;"]
        lines.append("  esac")
    else:
        lines += completion_of(pages[""], "  ")
    lines += ['  if [ "$paths" = yes ]; then',
              "    compopt -o filenames 2>/dev/null",
              '    mapfile -t COMPREPLY < <(compgen -f -- "$present")',
              "  else",
              '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$present")',
              "  fi", "}", f"complete -F {function} {name}"]
    return "\n".join(lines) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, help="the directory to write to")
    parser.add_argument("programs", nargs="+", help="the programs, built")
    arguments = parser.parse_args()
    for program in arguments.programs:
        name = os.path.basename(program)
        version = ask(program, "--version").split()[-1]
        pages = {"": Help(ask(program, "--help"))}
        for command, _ in pages[""].commands:
            pages[command] = Help(ask(program, command, "--help"))
        for command, page in pages.items():
            title = f"{name}-{command}" if command else name
            write(os.path.join(arguments.output, "man", "man1", title + ".1"), man_page(title, version, page))
        write(os.path.join(arguments.output, "bash-completion", "completions", name), completion(name, pages))


if __name__ == "__main__":
    main()
