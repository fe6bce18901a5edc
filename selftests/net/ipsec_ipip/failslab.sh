#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each allocation that the module makes for a request, or in the work that
# follows, fails once. A failure here, or a fault in the kernel's log, means
# that an error path frees too much or too little, or leaves a request half
# done. For a debug kernel, where it takes half an hour. That of 6.1 cannot
# tell the allocations of the module from others. There, all allocations of a
# request fail, and the work is not tested.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

FAILSLAB=/sys/kernel/debug/failslab

# fails OPERATION
fails()
{
	if [ ! -e /proc/self/fail-nth ] || [ ! -e "$FAILSLAB" ]; then
		ipsi_skip "the kernel has no CONFIG_FAILSLAB"
	fi
	setup_ns left || ipsi_skip "no network namespaces here"
	ip -n "${left:?}" address add 10.0.0.1/32 dev lo
	ipsi_do left python3 "$IPSI_LIB/failnth.py" "$1"
	ipsi_shell_end left
	! ipsi_klog_bad || ipsi_fail "the kernel complains"
}

# work_fails OPERATION
work_fails()
{
	[ -e "$FAILSLAB/require-start" ] ||
		ipsi_skip "no CONFIG_FAULT_INJECTION_STACKTRACE_FILTER"
	fails "$1"
}

link_new()
{
	fails new
}

link_new_with_port()
{
	fails new_encap
}

link_change()
{
	fails change
}

link_delete()
{
	fails delete
}

sa_add()
{
	fails sa_add
}

sa_add_with_all_properties()
{
	fails sa_add_full
}

sa_rekey()
{
	fails sa_rekey
}

sa_del()
{
	fails sa_del
}

adoption_inbound()
{
	fails adopt_in
}

adoption_outbound()
{
	work_fails adopt_out
}

adoption_of_all_properties()
{
	work_fails adopt_out_full
}

migration()
{
	work_fails migrate
}

policy()
{
	work_fails spd
}

sa_get()
{
	fails sa_get
}

device_get()
{
	fails dev_get
}

packet_to_send()
{
	work_fails send
}

namespace_exit()
{
	work_fails net_exit
}

module_load()
{
	work_fails load
}

mountpoint -q /sys/kernel/debug ||
	mount -t debugfs debugfs /sys/kernel/debug 2> /dev/null

ipsi_run link_new link_new_with_port link_change link_delete sa_add \
	sa_add_with_all_properties sa_rekey sa_del sa_get device_get packet_to_send \
	adoption_inbound adoption_outbound adoption_of_all_properties migration \
	policy namespace_exit module_load
