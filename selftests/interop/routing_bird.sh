#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OSPF between two implementations, FRR and BIRD, over one link: they may treat
# a link without link-layer addresses differently. A failure means that one of
# them does not work over ipsec-ipip links.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/router.sh
source "$IPSI_LIB/router.sh"
# shellcheck source=lib/frr.sh
source "$IPSI_INTEROP/lib/frr.sh"

bird_start()
{
	command -v bird > /dev/null || ipsi_skip "bird is not installed"
	cat > "$IPSI_TMP/bird.conf" <<-END
		log stderr all;
		router id 192.168.2.2;
		protocol device { scan time 1; }
		protocol kernel { ipv4 { export all; }; }
		protocol ospf v2 {
			ipv4 { import all; export none; };
			area 0 {
				interface "lo" { stub; };
				interface "to1" { hello 1; dead 4; };
			};
		}
	END
	ipsi_bg r2 bird -f -c "$IPSI_TMP/bird.conf" -s "$IPSI_TMP/bird.ctl"
}

# R1
bird_and_frr()
{
	local text

	ipsi_lan 1 2
	ipsi_ends 1 2
	ipsi_ends 2 1
	ipsi_frr_config r1 ospfd <<-END
		interface to2
		 ip ospf hello-interval 1
		 ip ospf dead-interval 4
		router ospf
		 ospf router-id 192.168.1.1
		 timers throttle spf 10 100 500
		 network 192.168.0.0/16 area 0
	END
	bird_start
	ipsi_frr ospfd r1
	ipsi_wait "route of FRR's to BIRD" ipsi_leads r1 192.168.2.2 to2
	ipsi_wait "route of BIRD's to FRR" ipsi_leads r2 192.168.1.1 to1
	ipsi_do r1 ping -n -q -c 1 -W 10 -I 192.168.1.1 192.168.2.2
	text=$(birdc -s "$IPSI_TMP/bird.ctl" show ospf interface)
	ipsi_has "$text" "Type: ptp" "BIRD's view of the link"

	# Each detects that the other is gone.
	ipsi_do r1 ip route add blackhole 10.0.0.2
	ipsi_wait "end of FRR's route" ipsi_leads r1 192.168.2.2
	ipsi_wait "end of BIRD's route" ipsi_leads r2 192.168.1.1
}

ipsi_run bird_and_frr
