#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which lines and basic blocks of the module some tests have reached.

report.py [--rst PROGRAMS] RUN...: print the table, and what was never reached, for
a terminal or as the page of the documentation, if PROGRAMS are the names of all
programs. A RUN is a directory: module.ko as it was loaded, sections (the addresses
of its sections), reached/* (contents of the coverage device, one of each machine),
kernel and programs (names). Lines and blocks are those of the first run. The ones that only later runs
reach are counted apart.

The compiler begins each basic block that does something with a call. The
instructions up to the next jump belong to it; their lines come from the debugging
information. Lines whose only code is elsewhere do not count.
"""
import collections
import functools
import os
import re
import subprocess
import sys
import tempfile
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
SOURCES = os.path.join(ROOT, "net/ipsec_ipip")
sys.path.insert(0, os.path.join(ROOT, "selftests/fuzz"))
# pylint: disable=wrong-import-position
import places  # noqa: E402

APART = 1 << 28                 # distance of sections, for unique addresses
REASONS = os.path.join(HERE, "reasons")

PAGE = """\
.. SPDX-License-Identifier: GPL-2.0
.. Made by "make coverage", from scripts/coverage.d/.

=======================================
ipsec-ipip: the code that tests execute
=======================================

``make coverage`` runs the tests with a module compiled with
``-fsanitize-coverage=trace-pc``, which notes each basic block of machine code when
it is executed, in requests, work and softirqs alike (``selftests/fuzz/cover/``).
A line counts as reached if any instruction of it is in such a block. The copies that
the compiler makes of a block, by inlining or otherwise, count as one: a block is
known by the place in the source where it begins, and each side of ``?:``, ``&&`` and
``||`` is one. Code that runs only when the module is loaded or unloaded does not
count, nor do copies of functions of the kernel's headers. An edge between two blocks
is not measured, so an ``if`` without ``else`` counts as whole if its body is
executed.

{runs}
"""

NOT_REACHED = """
Not reached
===========

By reason, the number of lines, and of blocks in lines that are reached otherwise."""


def output_of(*command, **more):
    """The standard output of a command."""
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          **more).stdout


def our_name(path):
    """The name of a file of the module, or None for another one."""
    if "/" in path and "net/ipsec_ipip/" not in path:
        return None
    name = os.path.basename(path)
    return name if os.path.exists(os.path.join(SOURCES, name)) else None


def place_of(text):
    """File, line and column of "FILE:LINE:COLUMN", if the file is ours."""
    path, _, numbers = text.partition(":")
    name = our_name(path)
    return (name, *map(int, numbers.split(":"))) if name else None


class Module:
    """A module, with its sections at different addresses."""

    def __init__(self, path):
        self.sections = [line.split()[1] for line in
                         output_of("objdump", "-h", path).splitlines()
                         if re.match(r" *[0-9]+ \S*text", line)]
        self.path = path
        self.moved = tempfile.NamedTemporaryFile(suffix=".ko")
        subprocess.run(["objcopy", *(
            f"--change-section-vma={name}={self.start(name):#x}"
            for name in self.sections), path, self.moved.name], check=True)
        self.blocks = sorted((self.start(section) + offset - places.CALL,
                              section, offset)
                             for section, offset, _ in places.places(path))
        self.functions = [
            int(words[0], 16) for words in map(
                str.split, output_of("nm", self.moved.name).splitlines())
            if len(words) == 3 and words[1] in "tT"]

    def start(self, section):
        """The address of a section."""
        return (self.sections.index(section) + 1) * APART

    def line_table(self):
        """Each range of instructions that has a line of ours: start, file, line."""
        ours = last = None
        for text in output_of("objdump", "--dwarf=decodedline",
                              self.moved.name).splitlines():
            if heading := re.fullmatch(r"(\S+):(\[\+\+\])?", text):
                ours = our_name(heading[1])
                continue
            words = text.split()
            if len(words) < 3 or not (words[1].isdigit() or words[1] == "-"):
                continue
            address = int(words[2], 0)
            if last and last[0] < address and last[1]:
                yield last
            # The first lines of a unit may be those of another file.
            file = ours if words[0] == ours else None
            last = None if words[1] == "-" else (address, file, int(words[1]))

    def instructions(self):
        """The instructions: address, mnemonic, and target if it jumps."""
        for text in output_of("objdump", "-d", "--no-show-raw-insn",
                              self.moved.name).splitlines():
            if match := re.match(r" *([0-9a-f]+):\t(\S+) *([0-9a-f]*)", text):
                jumps = match[2][0] == "j"
                yield (int(match[1], 16), match[2],
                       int(match[3], 16) if jumps and match[3] else None)

    def block_of(self):
        """The block of each instruction that surely belongs to one: from its
        call to the next jump or target of one. In the first block of a
        function, some instructions precede the call.
        """
        number = {block[0]: at for at, block in enumerate(self.blocks)}
        entries = set(self.functions)
        code = list(self.instructions())
        targets = {target for _, _, target in code}
        found, current, before = {}, None, None
        for address, mnemonic, _ in code:
            if address in entries:
                current, before = None, []
            elif address in targets:
                current = before = None
            if address in number:
                current = number[address]
                found.update((early, current) for early in before or ())
                before = None
            if current is not None:
                found[address] = current
            elif before is not None:
                before.append(address)
            if mnemonic[0] == "j" or mnemonic.startswith("ret"):
                current = before = None
        return found

    def block_places(self):
        """For each block the place in the source where it begins: file, line,
        column, in the innermost function of ours.
        """
        out = output_of("llvm-symbolizer", f"--obj={self.moved.name}", "--inlines",
                        "--functions=none", input="\n".join(
                            hex(block[0]) for block in self.blocks))
        return [next((place for place in map(place_of, frames.split("\n"))
                      if place), None)
                for frames in out.rstrip("\n").split("\n\n")]


class Run:
    """A run of tests with a module."""

    def __init__(self, path):
        self.module = module = Module(os.path.join(path, "module.ko"))
        bases = places.bases_of(module.path, os.path.join(path, "sections"))
        seen = bytearray(1 << 20)
        folder = os.path.join(path, "reached")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                for at, byte in enumerate(file.read()):
                    seen[at] |= byte
        self.seen = [bool(seen[bases[section] + offset])
                     for _, section, offset in module.blocks]
        self.kernel, self.programs = (
            open(os.path.join(path, name), encoding="ascii").read().split()
            for name in ("kernel", "programs"))

    def lines(self):
        """Was a line reached? By file and line, with the function."""
        lines, blocks = {}, self.module.block_of()
        for address, file, line in self.module.line_table():
            block = blocks.get(address)
            # The end of a function is where its last statement is.
            if block is None or source_lines(file)[line] == "}":
                continue
            lines[file, line] = lines.get((file, line), False) or \
                self.seen[block]
        return lines

    def blocks(self):
        """Was a block reached, in any of its copies? By place."""
        blocks = {}
        for place, seen in zip(self.module.block_places(), self.seen):
            if place:
                blocks[place] = blocks.get(place, False) or seen
        return blocks


@functools.cache
def source_functions(file):
    """The function of each line of a source file, by its layout."""
    name, functions = None, [None]
    with open(os.path.join(SOURCES, file), encoding="utf-8") as source:
        for text in source:
            text = text.rstrip("\n")
            if match := re.match(r"[a-z].*?\b(\w+)\(", text):
                name = match[1]
            functions.append(name)
            if text == "}":
                name = None
    return functions


@functools.cache
def source_lines(file):
    """The lines of a source file, from 1."""
    with open(os.path.join(SOURCES, file), encoding="utf-8") as source:
        return [""] + [text.strip() for text in source]


def percent(part, whole):
    """A share, rounded down so that 100 means all."""
    return f"{100 * part // whole if whole else 100} %"


def print_row(columns, words):
    """A row of a table; the first column begins at the left."""
    first, *others = words
    print("  ".join([f"{first:{columns[0]}}"] + [
        f"{word:>{width}}" for word, width in zip(others, columns[1:])]).rstrip())


def merged(runs):
    """Places that the first run has reached, and all runs. Only those in the first
    count, since other kernels compile other lines.
    """
    every = dict(runs[0])
    for run in runs[1:]:
        for key, seen in run.items():
            if key in every:
                every[key] = every[key] or seen
    return runs[0], every


def counts(first, every, file):
    """The number of lines or blocks of a file, those that the first run has
    reached, and all runs.
    """
    mine = [key for key in every if key[0] == file]
    return [len(mine), sum(first[key] for key in mine),
            sum(every[key] for key in mine)]


class Report:
    """Several runs, merged."""

    def __init__(self, runs):
        self.runs, self.reasons = runs, []
        self.lines = merged([run.lines() for run in runs])
        self.blocks = merged([run.blocks() for run in runs])
        self.all = self.lines[1]

    def rows(self):
        """The table, a row a file: its name, and for lines and blocks the number,
        those reached, and those with all runs.
        """
        sums = [0] * 6
        for file in sorted({key[0] for key in self.all}):
            row = counts(*self.lines, file) + counts(*self.blocks, file)
            sums = [a + b for a, b in zip(sums, row)]
            yield file, row
        yield "all", sums

    def missing(self):
        """Ranges of lines that no run has reached: file, function, lines."""
        for file in sorted({key[0] for key in self.all}):
            functions = source_functions(file)
            mine = sorted(key[1] for key in self.all if key[0] == file)
            group = []
            for line in mine + [0]:
                missed = line and not self.all[file, line]
                if group and not (missed and
                                  functions[line] == functions[group[0]]):
                    yield file, functions[group[0]], group
                    group = []
                if missed:
                    group.append(line)

    def missing_parts(self):
        """Blocks that no run has reached, in lines that one has: file, line,
        column.
        """
        return [place for place, seen in sorted(self.blocks[1].items())
                if not seen and self.all.get(place[:2], True)]

    def reason(self, file, function, group):
        """Why no test reaches these lines, as far as it is known."""
        source = source_lines(file)
        for words in self.reasons:
            if words[0] in (file, "*") and words[1] in (function, "*") and any(
                    re.search(words[2], source[line]) for line in group):
                words[4] = True
                return words[3]
        return ""

    def print_page(self, programs):
        """For the documentation; the names of all programs."""
        with open(REASONS, encoding="utf-8") as file:
            self.reasons = [line.rstrip("\n").split("\t") + [False]
                            for line in file if line[0] not in "#\n"]
        names = []
        for run in self.runs:
            names.append(f"{len(run.programs)} programs on Linux "
                         f"{run.kernel[0]}")
        text = "The table has the result of " + names[0]
        if names[1:]:
            text += ", and by all runs of these and of " + " and ".join(names[1:])
        print(PAGE.format(runs=textwrap.fill(text + ".", 80)))
        columns = [16, 6, 7, 5] + [8] * len(names[1:2])
        columns += columns[1:]
        rule = "  ".join("=" * width for width in columns)
        head = ["file"]
        for kind in "lines", "blocks":
            head += [kind, "reached", ""] + ["all runs"] * len(names[1:2])
        print_row(columns, [rule])
        print_row(columns, head)
        print_row(columns, [rule])
        for file, row in self.rows():
            words = [f"``{file}``" if "." in file else "**all**"]
            for whole, hit, every in row[:3], row[3:]:
                words += [whole, hit, percent(hit, whole)]
                words += [percent(every, whole)] * len(names[1:2])
            print_row(columns, words)
        print_row(columns, [rule])
        self.print_programs(programs)
        self.print_missing()

    def print_programs(self, programs):
        """Which programs of the suite have not run."""
        ran = {name for run in self.runs for name in run.programs}
        missed = sorted(set(programs) - ran)
        if missed:
            print("\nPrograms\n========\n")
            print(textwrap.fill("Not run: " + ", ".join(
                f"``{name}``" for name in missed) + ".", 80,
                break_on_hyphens=False))

    def print_missing(self):
        """The lines that nothing has reached, and blocks in other lines, by
        reason.
        """
        by_reason = collections.defaultdict(
            lambda: collections.defaultdict(lambda: [0, 0]))
        for file, function, group in self.missing():
            where = by_reason[self.reason(file, function, group)]
            where[file, function][0] += len(group)
        for file, line, _ in self.missing_parts():
            function = source_functions(file)[line]
            where = by_reason[self.reason(file, function, [line])]
            where[file, function][1] += 1
        print(NOT_REACHED)
        for reason in sorted(by_reason, key=lambda r: (not r, r)):
            lines, parts = map(sum, zip(*by_reason[reason].values()))
            print(f"\n{reason or 'no reason is known, or a test is missing'}"
                  f" ({lines}+{parts})")
            text = ", ".join(f"{file} ``{function}`` {some}+{more}" for
                             (file, function), (some, more) in
                             by_reason[reason].items())
            print(textwrap.fill(text, 80, initial_indent="  ",
                                subsequent_indent="  ",
                                break_on_hyphens=False))

    def print_text(self):
        """For people at a terminal."""
        columns = [16] + [6, 5, 5, 8] * 2
        print_row(columns, ["file"] + ["lines", "reached", "", "all runs"] +
                  ["blocks", "reached", "", "all runs"])
        for file, row in self.rows():
            words = [file]
            for whole, hit, every in row[:3], row[3:]:
                words += [whole, hit, percent(hit, whole), percent(every, whole)]
            print_row(columns, words)
        print("\nnot reached:")
        for file, function, group in self.missing():
            source = source_lines(file)
            print(f"{file}:{group[0]}: {function}(), {len(group)}: "
                  f"{source[group[0]]}")
        print("\nparts of lines that were not reached:")
        for file, line, column in self.missing_parts():
            print(f"{file}:{line}:{column}: {source_functions(file)[line]}():"
                  f" {source_lines(file)[line]}")


def main():
    """Run the command line."""
    words = sys.argv[1:]
    page = words[:1] == ["--rst"]
    if not words[2 * page:]:
        sys.exit(__doc__)
    report = Report([Run(path) for path in words[2 * page:]])
    if page:
        report.print_page(words[1].split())
    else:
        report.print_text()


if __name__ == "__main__":
    main()
