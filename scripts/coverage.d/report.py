#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which lines and basic blocks of the module some tests have reached.

report.py [--rst N] RUN...: print the table, and what was never reached, for a
terminal or as the page of the documentation, if N is the number of all programs. A
RUN is a
directory: module.ko as it was loaded, sections (the addresses of its sections),
reached/* (contents of the coverage device, one of each machine), kernel and programs
(names). Blocks are those of the first run; a line counts as reached if any run has
reached it. The lines that only later runs reach are counted apart.

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
A line counts as reached if any instruction of it is in such a block, and a block
once for each copy that the compiler made of it by inlining. Code that runs only
when the module is loaded or unloaded does not count, nor do copies of functions of
the kernel's headers. An edge between two blocks is not measured, so an ``if``
without ``else`` counts as whole if its body is executed.

{runs}
"""


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

    def block_files(self):
        """For each block its file: that of the innermost function of ours."""
        out = output_of("addr2line", "-a", "-i", "-e", self.moved.name, input="\n".join(
            hex(block[0]) for block in self.blocks))
        files = []
        for text in out.splitlines():
            if re.fullmatch("0x[0-9a-f]+", text):
                files.append(None)
            else:
                files[-1] = files[-1] or our_name(text.split(":")[0])
        return files


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
        """The number of blocks by file, and of reached ones."""
        total, reached = collections.Counter(), collections.Counter()
        for file, seen in zip(self.module.block_files(), self.seen):
            total[file] += 1
            reached[file] += seen
        return total, reached


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


class Report:
    """Several runs, merged."""

    def __init__(self, runs):
        self.runs, self.reasons = runs, []
        self.first = runs[0].lines()
        self.all = dict(self.first)
        for run in runs[1:]:
            for key, seen in run.lines().items():
                # other kernels compile other lines
                if key in self.all:
                    self.all[key] = self.all[key] or seen
        self.total, self.reached = runs[0].blocks()

    def rows(self):
        """The table, a row a file: name, lines, reached ones, with all runs,
        blocks, reached ones.
        """
        sums = [0] * 5
        for file in sorted({key[0] for key in self.first}):
            row = [sum(1 for key in self.first if key[0] == file),
                   sum(seen for key, seen in self.first.items()
                       if key[0] == file),
                   sum(seen for key, seen in self.all.items()
                       if key[0] == file),
                   self.total[file], self.reached[file]]
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
        """For the documentation; the number of all programs."""
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
        rule = f"{'=' * 16}  {'=' * 5}  {'=' * 7}  {'=' * 5}" + \
            f"  {'=' * 8}" * bool(names[1:]) + \
            f"  {'=' * 6}  {'=' * 7}  {'=' * 5}"
        print(rule)
        print(f"{'file':16}  lines  reached         " +
              "all runs  " * bool(names[1:]) + "blocks  reached")
        print(rule)
        for file, (lines, hit, both, blocks, seen) in self.rows():
            name = f"``{file}``" if "." in file else "**all**"
            print(f"{name:16}  {lines:5}  {hit:7}  {percent(hit, lines):>5}" +
                  f"  {percent(both, lines):>8}" * bool(names[1:]) +
                  f"  {blocks:6}  {seen:7}  {percent(seen, blocks):>5}")
        print(rule)
        if len(self.runs[0].programs) >= programs:
            self.print_missing()
        else:
            self.print_programs(programs)

    def print_programs(self, programs):
        """Which programs have run."""
        ran = self.runs[0].programs
        print("\nPrograms\n========\n")
        print(textwrap.fill(
            f"This was no run of all {programs} programs, so the lines that it "
            "has not reached are not listed here. The programs were " +
            ", ".join(f"``{name}``" for name in ran) + ".", 80,
            break_on_hyphens=False))

    def print_missing(self):
        """The lines that nothing has reached, by reason."""
        by_reason = collections.defaultdict(list)
        for file, function, group in self.missing():
            by_reason[self.reason(file, function, group)].append(
                (file, function, len(group)))
        print("\nNot reached\n===========")
        for reason in sorted(by_reason, key=lambda r: (not r, r)):
            places_of = collections.Counter()
            for file, function, lines in by_reason[reason]:
                places_of[file, function] += lines
            total = sum(places_of.values())
            print(f"\n{reason or 'no reason is known, or a test is missing'}"
                  f" ({total} lines)")
            text = ", ".join(f"{file} ``{function}`` {lines}" for
                             (file, function), lines in places_of.items())
            print(textwrap.fill(text, 80, initial_indent="  ",
                                subsequent_indent="  ",
                                break_on_hyphens=False))

    def print_text(self):
        """For people at a terminal."""
        print(f"{'file':16} {'lines':>5} {'reached':>13} {'by all runs':>13} "
              f"{'blocks':>6} {'reached':>13}")
        for file, (lines, hit, both, blocks, seen) in self.rows():
            print(f"{file:16} {lines:5} {hit:5} {percent(hit, lines):>7} "
                  f"{both:5} {percent(both, lines):>7} "
                  f"{blocks:6} {seen:5} {percent(seen, blocks):>7}")
        print("\nnot reached:")
        for file, function, group in self.missing():
            source = source_lines(file)
            print(f"{file}:{group[0]}: {function}(), {len(group)}: "
                  f"{source[group[0]]}")


def main():
    """Run the command line."""
    words = sys.argv[1:]
    page = words[:1] == ["--rst"]
    if not words[2 * page:]:
        sys.exit(__doc__)
    report = Report([Run(path) for path in words[2 * page:]])
    if page:
        report.print_page(int(words[1]))
    else:
        report.print_text()


if __name__ == "__main__":
    main()
