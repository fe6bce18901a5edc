# SPDX-License-Identifier: GPL-2.0
#
# Settings of the Makefiles below tools/; each also works on its own.

ifndef ROOT
ROOT	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
endif
OUT	?= $(ROOT)/build/tools
PREFIX	?= /usr

CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow \
	   -Wformat=2
IPSI_CFLAGS = -std=gnu11 $(WARN) -I$(ROOT)/include/uapi -MMD -MP

.DEFAULT_GOAL := all
