# SPDX-License-Identifier: GPL-2.0
#
# Completion of ipsec-ipip(8) for fish. The program knows the words.

function __ipsec_ipip_complete
	set -l words (commandline -opc) (commandline -ct)
	command ipsec-ipip __complete $words[2..-1] 2>/dev/null
end
complete -c ipsec-ipip -f -a '(__ipsec_ipip_complete)'
