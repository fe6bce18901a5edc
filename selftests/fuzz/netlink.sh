#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# netlink.sh PROGRAM [ARGUMENT...]: run the fuzzer of the netlink interfaces

set -u
. "$(dirname "$0")/lib.sh"

fuzz_load
"$@" || exit
fuzz_unload
