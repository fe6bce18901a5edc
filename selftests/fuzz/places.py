#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which places of the module the coverage device has seen.
places.py --count MODULE: print the number of places.
places.py --files MODULE SECTIONS REACHED: print the share of places that were
reached, by file, and the functions that were not. SECTIONS has the names and
addresses of the loaded sections, REACHED the numbers of the places.
"""
import collections
import re
import subprocess
import sys

# The number of the module's exit function, see cover.h
EXIT = 0x80000
CALL = 5
# code that the kernel frees after the start
FREED = (".init.text", ".exit.text")


def places(module):
    """The places of a module: section, offset behind the call, function."""
    out = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", module],
                         capture_output=True, text=True, check=True).stdout
    section = function = offset = None
    for line in out.splitlines():
        if line.startswith("Disassembly of section"):
            section = line.split()[-1].rstrip(":")
        elif match := re.match(r"^[0-9a-f]+ <(.*)>:$", line):
            function = match[1]
        elif match := re.match(r"^ *([0-9a-f]+):\tcall", line):
            offset = int(match[1], 16)
        elif "R_X86_64" in line and "__sanitizer_cov_trace_pc" in line:
            if section not in FREED:
                yield section, offset + CALL, function


def files_of(module, section, offsets):
    """The source file of each offset; for inline functions, that of the caller."""
    out = subprocess.run(["addr2line", "-a", "-i", "-e", module, "-j", section],
                         input="\n".join(hex(o - 1) for o in offsets),
                         capture_output=True, text=True, check=True).stdout
    files, at = {}, None
    for line in out.splitlines():
        if line.startswith("0x"):
            at = int(line, 16) + 1
        else:
            files[at] = line.split(":")[0].split("/")[-1]
    return files


def bases_of(module, sections):
    """The number of the first byte of each section."""
    with open(sections, encoding="ascii") as file:
        bases = {name.split("/")[-1]: int(base, 16)
                 for name, base in (re.split("[ :]", line.strip())
                                    for line in file)}
    out = subprocess.run(["nm", module], capture_output=True, text=True,
                         check=True).stdout
    leave, = (int(line.split()[0], 16) for line in out.splitlines()
              if line.endswith(" cleanup_module"))
    leave += bases[".exit.text"]
    return {name: base - leave + EXIT for name, base in bases.items()}


def by_file(module, sections, reached):
    """Print the table."""
    bases = bases_of(module, sections)
    with open(reached, encoding="ascii") as file:
        seen = {int(line, 16) for line in file}
    found = list(places(module))
    count, hit = collections.Counter(), collections.Counter()
    functions = collections.defaultdict(lambda: [0, 0, ""])
    for section in {f[0] for f in found}:
        offsets = [f[1] for f in found if f[0] == section]
        names = files_of(module, section, offsets)
        for _, offset, function in (f for f in found if f[0] == section):
            yes = bases.get(section, 0) + offset in seen
            count[names[offset]] += 1
            hit[names[offset]] += yes
            entry = functions[function.split(".")[0]]
            entry[0] += yes
            entry[1] += 1
            entry[2] = entry[2] or names[offset]
    for name in sorted(count):
        print(f"{name:16} {hit[name]:5} of {count[name]:5} places, "
              f"{100 * hit[name] // count[name]:3} %")
    total, reached = sum(count.values()), sum(hit.values())
    print(f"{'all':16} {reached:5} of {total:5} places, "
          f"{100 * reached // total:3} %")
    print("\nnot reached:")
    for name, (yes, _, file) in sorted(functions.items(),
                                       key=lambda f: (f[1][2], f[0])):
        if not yes:
            print(f"  {file}: {name}")


def main():
    """Run the command line."""
    if len(sys.argv) == 3 and sys.argv[1] == "--count":
        print(sum(1 for _ in places(sys.argv[2])))
    elif len(sys.argv) == 5 and sys.argv[1] == "--files":
        by_file(*sys.argv[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
