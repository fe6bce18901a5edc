# SPDX-License-Identifier: GPL-2.0
#
# Completion of ipsec-ipip(8) for fish. The program knows the words.

function __ipsec_ipip_complete
	set -l words (commandline -opc) (commandline -ct)
	for word in (command ipsec-ipip __complete $words[2..-1] 2>/dev/null)
		if test "$word" = path:
			__fish_complete_path (commandline -ct)
		else
			echo $word
		end
	end
end
complete -c ipsec-ipip -f -a '(__ipsec_ipip_complete)'
