"""Reads the part of YAML that docker/compose.yaml is written in, without a library, and what Compose adds.

Block mappings and sequences, flow ones ([a, b], {a: b}), plain and quoted scalars, literal blocks (|),
anchors on mappings, aliases, and the merge key (<<). Anything else is refused, never guessed.
"""

import re

ENTRY = re.compile(r"(?P<key><<|[\w./-]+):(?:\s+(?P<value>.*))?$")


class Unreadable(Exception):
    """The file says something that this reader does not know."""


def load(path):
    with open(path, encoding="utf-8") as file:
        return parse(file.read())


def parse(text):
    reader = _Reader(text)
    value = reader.block(0)
    if reader.lines:
        reader.refuse("is not indented as what stands before it")
    return value


def interpolated(text):
    """What a container gets of a word in which Compose would replace variables: $$ is one $."""
    if re.search(r"(?<!\$)(\$\$)*\$(?!\$)", text):
        raise Unreadable(f"a variable of Compose in {text!r}")
    return text.replace("$$", "$")


class _Reader:
    def __init__(self, text):
        self.anchors = {}
        self.all = list(enumerate(text.split("\n"), 1))
        self.lines = list(self.all)
        self.skip_blank()

    def skip_blank(self):
        while self.lines and not without_comment(self.lines[0][1]).strip():
            self.lines.pop(0)

    def refuse(self, why):
        number, line = self.lines[0]
        raise Unreadable(f"line {number} {why}: {line!r}")

    def indent(self):
        line = self.lines[0][1]
        if "\t" in line:
            self.refuse("has a tab")
        return len(line) - len(line.lstrip(" "))

    def block(self, indent):
        """The mapping or sequence whose entries stand at `indent`."""
        if self.lines[0][1].lstrip().startswith("- "):
            return self.sequence(indent)
        return self.mapping(indent)

    def sequence(self, indent):
        found = []
        while self.lines and self.indent() == indent and self.lines[0][1].lstrip().startswith("- "):
            found.append(self.value(without_comment(self.take())[indent + 2:].strip(), indent))
        return found

    def mapping(self, indent):
        found, merged = {}, {}
        while self.lines and self.indent() == indent:
            entry = ENTRY.match(without_comment(self.lines[0][1]).strip())
            if not entry:
                self.refuse("is no entry of a mapping")
            key = entry["key"]
            if key in found:
                self.refuse("names a key twice")
            self.take()
            value = self.value((entry["value"] or "").strip(), indent)
            if key == "<<":
                merged = {**merged, **value}
            else:
                found[key] = value
        return {**merged, **found}

    def take(self):
        line = self.lines.pop(0)[1]
        self.skip_blank()
        return line

    def value(self, text, indent):
        """What stands behind a key or a dash at `indent`, on its line or below."""
        anchor = re.match(r"&(\w[\w-]*)$", text)
        if anchor or not text:
            if not self.lines or self.indent() <= indent:
                return None
            found = self.block(self.indent())
            if anchor:
                self.anchors[anchor[1]] = found
            return found
        if text == "|":
            return self.literal(indent)
        if text[0] == "*":
            return self.anchors[text[1:]]
        if text[0] not in "[{\"'":
            return scalar(text)
        while text[0] in "[{" and text[-1] not in "]}":
            text += " " + without_comment(self.take()).strip()
        found, rest = flow(text)
        if rest.strip():
            raise Unreadable(f"{rest!r} behind a value")
        return found

    def literal(self, indent):
        lines = []
        while self.lines and self.indent() > indent:
            lines.append(self.take())
        cut = min(len(line) - len(line.lstrip(" ")) for line in lines)
        return "".join(line[cut:] + "\n" for line in lines)


def flow(text):
    """(value, what stands behind it) of a scalar or a flow collection."""
    if text[0] == "[":
        return flow_items(text[1:], "]")
    if text[0] == "{":
        pairs, rest = flow_items(text[1:], "}")
        return dict(pairs), rest
    if text[0] in "\"'":
        end = text.index(text[0], 1)
        if "\\" in text[:end]:
            raise Unreadable(f"an escape in {text!r}")
        return text[1:end], text[end + 1:]
    plain = re.match(r"[^,\[\]{}]+", text)
    if not plain:
        raise Unreadable(f"{text!r}")
    return scalar(plain[0].strip()), text[plain.end():]


def flow_items(text, end):
    """(items, what stands behind `end`); the items of a mapping are pairs."""
    found = []
    text = text.strip()
    while not text.startswith(end):
        key, colon, rest = text.partition(": ") if end == "}" else ("", ":", text)
        if not colon or not rest:
            raise Unreadable(f"{text!r}")
        value, text = flow(rest.strip())
        found.append((key.strip(), value) if end == "}" else value)
        text = text.strip()
        if text.startswith(","):
            text = text[1:].strip()
        elif not text.startswith(end):
            raise Unreadable(f"{text!r}")
    return found, text[1:]


def scalar(text):
    words = {"true": True, "false": False, "null": None, "~": None}
    if text in words:
        return words[text]
    if text[0] in "&*!|>%@`#\"'?-" and not re.match(r"-\w", text):
        raise Unreadable(f"{text!r}")
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
        return int(text)
    # What YAML 1.1 and 1.2 read differently, or as no text, is to be quoted.
    if re.fullmatch(r"[-+.]?\d[\d_.:eE+-]*|(?i:y|n|yes|no|on|off)", text):
        raise Unreadable(f"{text!r} without quotes")
    if ": " in text:
        raise Unreadable(f"a mapping within a line: {text!r}")
    return text


def without_comment(line):
    """The line without a comment, which begins with # at its start or behind a blank."""
    quote = None
    for at, letter in enumerate(line):
        if quote:
            quote = None if letter == quote else quote
        elif letter in "\"'" and (at == 0 or line[at - 1] in " [,{"):
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1] == " "):
            return line[:at]
    return line
