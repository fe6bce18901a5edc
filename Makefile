# SPDX-License-Identifier: GPL-2.0
#
# For people; the kernel's build system reads Kbuild.

define HELP
Build:
  make [KVER=VERSION]      module and tools, for an installed kernel's headers;
                           without KVER for the running one, else the newest;
                           KVER=6.1 means the newest 6.1 that is there
  make KDIR=DIRECTORY      the same for headers that lie anywhere
  make module, make tools  one of the two
  make install             both, as root; DESTDIR= is put before each path
  make modules_install     the module alone
  make clean               remove build/ but for its logs

Try and test; these install by apt what is missing, and say what:
  make demo                two hosts, one with tunnel mode and one with a device
  make demo-ike            the same with keys that strongSwan negotiates
  make check               build, static checks, tests in virtual machines
      TESTS="a.sh b.sh"    ... with these test programs only
      KERNEL=6.1           ... with this kernel only
      KERNEL=debug         ... with one that looks for mistakes (KASAN, lockdep,
                           kmemleak); built first if it is not, in 20 min or more
      KERNEL=debug-6.1     ... with the one of that line
      KERNEL=patched       ... with one that has the patches in patches/; likewise
      KERNEL=newest        ... with the newest that Debian has; fetched first, as
                           root
  make check-extended      the programs that "make check" leaves out: they measure,
                           or are new
  make static              the static checks alone
  make check-mutants       break the module on purpose and see the tests notice
  make bench               measure, where scripts/bench is there

  make gen                 write again what follows from the netlink spec
  make rfc-table           write again which test shows what RFCs require
  make setup               install what all of the above need

A build for kernel VERSION is in build/VERSION/, so that there can be several.
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
KBUILD	= $(MAKE) -C $(KDIR) M=$(TREE)

all: module tools

# kbuild writes beside the sources; links to them let it write elsewhere, and
# let several kernels be built for at once.
tree: headers
	@mkdir -p $(TREE)
	@find ./Kbuild ./include ./net -name '*.mod.c' -o \
		\( -name '*.[ch]' -o -name Kbuild \) -print | \
	while read -r file; do \
		[ -e $(TREE)/$$file ] || { \
			mkdir -p $(TREE)/$${file%/*}; \
			ln -sf $(CURDIR)/$$file $(TREE)/$$file; \
		}; \
	done
	@find $(TREE) -xtype l -delete

headers:
	@if [ ! -e "$(KDIR)/Makefile" ]; then \
		echo "No kernel headers in $(KDIR): scripts/setup build" \
			"installs them, and KVER= or KDIR= names others." >&2; \
		exit 1; \
	fi

module: tree
	+$(KBUILD) modules
	@ln -sfn net/ipsec_ipip/ipsec_ipip.ko $(TREE)/ipsec_ipip.ko

# The stage is what scripts/vm lays over the root of its guest.
tools:
	$(MAKE) -C tools OUT=$(TOOLS) all
	@$(MAKE) -s -C tools OUT=$(TOOLS) PREFIX=/usr DESTDIR=$(STAGE) install

modules_install: module
	+$(KBUILD) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		modules_install
	@# kbuild leaves it out for want of a System.map beside the headers.
	@[ -n "$(DESTDIR)" ] || depmod $(KVER)

install: modules_install
	$(MAKE) -C tools OUT=$(TOOLS) DESTDIR=$(DESTDIR) install

clean:
	rm -rf $(BUILD)/[0-9]* $(BUILD)/static $(TOOLS) $(STAGE)

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

check-mutants:
	scripts/mutants

ifneq ($(wildcard scripts/bench),)
bench:
	scripts/bench
endif

export HELP
help:
	@echo "$$HELP"

export TESTS KERNEL

.PHONY: all tree headers module tools modules_install install clean gen \
	rfc-table setup demo demo-ike check check-extended static check-mutants bench help
