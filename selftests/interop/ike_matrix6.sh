#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# strongSwan keys the device, and is the ordinary peer: with a shared secret and
# with certificates, over IPv6, for IPv4 and for IPv6. Each link starts with its
# first packet, carries packets both ways, loses none on a rekey, and goes down
# and comes up with the keys and with the daemon. The configuration files are
# those of the documentation. A failure means that one of them does not work as
# documented.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/ike_matrix.sh
source "$IPSI_INTEROP/lib/ike_matrix.sh"

# R27 R28 R30
psk_4_in_6() { cell psk 6 4; }
psk_6_in_6() { cell psk 6 6; }
cert_4_in_6() { cell cert 6 4; }
cert_6_in_6() { cell cert 6 6; }

ipsi_run psk_4_in_6 psk_6_in_6 cert_4_in_6 cert_6_in_6
