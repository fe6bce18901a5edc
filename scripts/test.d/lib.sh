# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where the test programs are. Sourced after ../lib.sh by run-tests, by its part
# in the guest, and by mutants. A program is known by its name alone.

# The first has the settings of kselftest, and runs in any kernel tree.
TEST_DIRS=("$ROOT/selftests/net/ipsec_ipip" "$ROOT/selftests/interop")

# find_program NAME: set PROGRAM to the path of a test program; fail if there is
# none of that name
find_program()
{
	for PROGRAM in "${TEST_DIRS[@]/%//$1}"; do
		[ ! -x "$PROGRAM" ] || return 0
	done
	return 1
}
