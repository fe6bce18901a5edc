# SPDX-License-Identifier: GPL-2.0
#
# Completion of "ip link ... type ipsec-ipip" for fish, beside that of ip(8).

function __ip_link_ipsec_ipip_words
	set -l words (commandline -opc)
	set -l place (contains -i -- ipsec-ipip $words)
	or return
	set -l before (math "max(1, $place - 1)")
	set -l after (math $place + 1)
	test "$words[$before]" = type
	and command ipsec-ipip __complete link $words[$after..-1] \
		(commandline -ct) 2>/dev/null
end
complete -c ip -f -n 'contains -- ipsec-ipip (commandline -opc)' \
	-a '(__ip_link_ipsec_ipip_words)'
