# SPDX-License-Identifier: GPL-2.0
#
# What the Makefiles under tools/ have in common; each also works by itself.

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
