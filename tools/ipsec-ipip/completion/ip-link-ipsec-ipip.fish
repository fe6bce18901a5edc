# SPDX-License-Identifier: GPL-2.0
#
# Completion of "ip link ... type ipsec-ipip" for fish, beside that of ip(8).

function __ip_link_ipsec_ipip_words
	set -l words (commandline -opc)
	set -l place (contains -i -- ipsec-ipip $words)
	and test "$words[(math $place - 1)]" = type
	and command ipsec-ipip __complete link $words[(math $place + 1)..-1] \
		(commandline -ct) 2>/dev/null
end
complete -c ip -f -n 'contains -- ipsec-ipip (commandline -opc)' \
	-a '(__ip_link_ipsec_ipip_words)'
