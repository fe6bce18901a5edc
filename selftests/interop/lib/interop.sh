#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library of all tests in this directory: ipsi.sh of the selftests, and the
# place of the files of this directory.

IPSI_INTEROP=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

# shellcheck source=selftests/net/ipsec_ipip/lib/ipsi.sh
source "$IPSI_INTEROP/../net/ipsec_ipip/lib/ipsi.sh"
