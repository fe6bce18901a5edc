# SPDX-License-Identifier: GPL-2.0
#
# The Makefile to call by hand; the kernel's build system reads Kbuild.

define HELP
Build:
  make [KVER=VERSION]      module and tools, with the headers of an installed
                           kernel: the running one, else the newest; KVER=6.1
                           is the newest 6.1
  make KDIR=DIRECTORY      the same, with the headers in DIRECTORY
  make module, make tools  one of the two
  make install             install both, as root; DESTDIR= comes before all
                           paths, PREFIX= is /usr
  make modules_install     install only the module
  make uninstall           remove what make install installed; give it the
                           same KVER=, DESTDIR= and PREFIX=
  make clean               remove build/, except its logs

Try and test; missing Debian packages are installed and listed first:
  make demo                two hosts, one with tunnel mode and one with a device
  make demo-ike            the same with keys that strongSwan negotiates
  make check               build, static checks, tests in virtual machines
      TESTS="a.sh b.sh"    ... only these test programs
      KERNEL=6.1           ... only on this kernel
      KERNEL=debug         ... on a debug kernel (KASAN, lockdep, kmemleak); if
                           missing it is built first, in 20 minutes or more
      KERNEL=debug-6.1     ... on the debug kernel of the 6.1 line
      KERNEL=patched       ... on a kernel with the patches in patches/; if
                           missing it is built first
      KERNEL=newest        ... on Debian's newest kernel; if missing it is
                           fetched first, as root
  make check-packages      build the Debian packages, and test them in root file
                           systems of Debian 12 and 13, booted with systemd
  make check-extended      the test programs that "make check" leaves out
  make static              only the static checks
  make fuzz-tools          fuzz the parsers of the command ipsec-ipip, a minute
                           each; FUZZ_SECONDS=N
  make soak                an hour of traffic and changes, on each kernel line;
                           MINUTES=N
  make check-matrix        the whole suite on all kernels, and builds for other
                           machines, in hours
  make mainline            check the series of patches for a kernel tree, on the
                           source of Debian's newest kernel, and run its tests
                           on that kernel; TESTS= as above
  make check-mutants       check that the tests notice when the module is broken
  make fuzz                fuzz netlink and packets, and race requests, on a debug
                           kernel, for FUZZ_SECONDS each (120); on another with
                           KERNEL=, data races with KERNEL=kcsan
  make coverage            run the tests with a module that notes which code they
                           reach, and write ipsec-ipip-coverage.rst; TESTS= and
                           KERNEL= run a part, and only print the table
  make fuzz-proof          check that the fuzzers find faults put in on purpose
  make bench               measure the cost of a packet
  make bench-check         check that it has not grown since it was recorded
  make bench-scale         measure hubs with up to ten thousand links

  make dist                a tar archive of the source, in build/dist/
  make deb                 the Debian packages, in build/deb/

  make gen                 generate files from the netlink specification
  make rfc-table           update the table of RFC requirements and their tests
  make setup               install the packages that all of the above need

A build for kernel VERSION is in build/VERSION/, so several can exist.
endef

BUILD	?= build

ifdef KDIR
KVER	?= $(or $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null),\
		unknown)
else
WANTED	:= $(KVER)
FOUND	:= $(shell scripts/kernels --headers $(KVER))
override KVER := $(or $(firstword $(FOUND)),$(WANTED),unknown)
KDIR	:= $(or $(word 2,$(FOUND)),/lib/modules/$(KVER)/build)
endif

TREE	:= $(abspath $(BUILD))/$(KVER)
TOOLS	:= $(abspath $(BUILD))/tools
STAGE	:= $(abspath $(BUILD))/stage
UPDATES	= $(DESTDIR)/lib/modules/$(KVER)/updates
KBUILD	= $(MAKE) -C $(KDIR) M=$(TREE)

all: module tools

# kbuild writes its output beside the sources. A tree of links keeps the output of
# each kernel apart.
tree: headers
	@mkdir -p $(TREE)
	@find ./Kbuild ./VERSION ./include ./net -name '*.mod.c' -o \
		\( -name '*.[ch]' -o -name Kbuild -o -name VERSION \) -print | \
	while read -r file; do \
		[ -e $(TREE)/$$file ] || { \
			mkdir -p $(TREE)/$${file%/*}; \
			ln -sf $(CURDIR)/$$file $(TREE)/$$file; \
		}; \
	done
	@find $(TREE) -xtype l -delete

headers:
	@if [ ! -e "$(KDIR)/Makefile" ]; then \
		echo "No kernel headers in $(KDIR): run scripts/setup build," \
			"or name others with KVER= or KDIR=." >&2; \
		exit 1; \
	fi

module: tree
	+$(KBUILD) modules
	@ln -sfn net/ipsec_ipip/ipsec_ipip.ko $(TREE)/ipsec_ipip.ko

# scripts/vm lays the stage over the root of its guest.
tools:
	$(MAKE) -C tools OUT=$(TOOLS) all
	@$(MAKE) -s -C tools OUT=$(TOOLS) PREFIX=/usr DESTDIR=$(STAGE) install

modules_install: module
	+$(KBUILD) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		modules_install
	@# kbuild runs no depmod if there is no System.map beside the headers.
	@[ -n "$(DESTDIR)" ] || depmod $(KVER)

install: modules_install
	$(MAKE) -C tools OUT=$(TOOLS) DESTDIR=$(DESTDIR) install

# kbuild may compress the module.
modules_uninstall:
	rm -f $(addprefix $(UPDATES)/net/ipsec_ipip/ipsec_ipip,\
		.ko .ko.gz .ko.xz .ko.zst)
	@[ -n "$(DESTDIR)" ] || depmod $(KVER)

uninstall: modules_uninstall
	$(MAKE) -C tools OUT=$(TOOLS) DESTDIR=$(DESTDIR) uninstall

clean:
	rm -rf $(BUILD)/[0-9]* $(BUILD)/static $(TOOLS) $(STAGE) \
		$(BUILD)/arm64 $(BUILD)/i386

dist:
	scripts/dist

deb:
	scripts/setup build tools packages
	scripts/dist --deb

check-packages:
	scripts/check-packages

gen:
	scripts/gen

rfc-table:
	scripts/rfc-table

setup:
	scripts/setup

demo:
	scripts/demo

demo-ike:
	scripts/demo ike

check:
	scripts/check

check-extended:
	TESTS="$$(scripts/run-tests --list-extended)" scripts/check

static:
	scripts/setup build tools checks
	scripts/static

fuzz-tools:
	scripts/setup tools fuzz
	$(MAKE) -s -C selftests/fuzz/tools SECONDS=$(or $(FUZZ_SECONDS),60) fuzz

soak: tools
	scripts/soak $(or $(MINUTES),60)

check-matrix:
	scripts/check-matrix

check-mutants:
	scripts/mutants

fuzz:
	scripts/fuzz $(if $(KERNEL),--kernel $(KERNEL))

coverage:
	scripts/setup build tools tests coverage
	scripts/coverage $(if $(KERNEL),--kernel $(KERNEL)) \
		$(if $(KERNEL)$(TESTS),,--write) $(TESTS)

fuzz-proof:
	scripts/fuzz-proof

mainline:
	scripts/mainline --check

ifneq ($(wildcard scripts/bench),)
bench:
	scripts/bench

bench-check:
	scripts/bench --check

bench-scale:
	scripts/bench-scale
endif

export HELP
help:
	@echo "$$HELP"

export TESTS KERNEL

.PHONY: all tree headers module tools modules_install modules_uninstall install \
	uninstall clean dist deb check-packages gen rfc-table setup demo demo-ike \
	check check-extended static fuzz fuzz-proof fuzz-tools soak check-matrix \
	check-mutants coverage mainline bench bench-check bench-scale help
