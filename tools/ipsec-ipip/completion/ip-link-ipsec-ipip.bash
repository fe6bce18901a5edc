# SPDX-License-Identifier: GPL-2.0
#
# Completion of "ip link ... type ipsec-ipip" for bash. All other words of ip(8) are
# left to the completion that is there already, if any.

_ip_link_ipsec_ipip()
{
	local line=${COMP_LINE:0:COMP_POINT} word i
	local -a words

	read -ra words <<< "$line"
	[[ $line != *[[:blank:]] ]] || words+=("")
	word=${words[-1]}
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		[ "${words[i - 1]} ${words[i]}" != "type ipsec-ipip" ] ||
			break
	done
	if ((i >= ${#words[@]} - 1)); then
		_ip_link_ipsec_ipip_other "$@"
		return
	fi
	mapfile -t COMPREPLY < <(ipsec-ipip __complete link \
		"${words[@]:i + 1}" 2>/dev/null)
	mapfile -t COMPREPLY < <(compgen -W "${COMPREPLY[*]}" -- "$word")
}

# bash-completion has _ip; it loads it, and sets itself in our place.
_ip_link_ipsec_ipip_other()
{
	declare -F _ip > /dev/null || {
		if declare -F _comp_load > /dev/null; then
			_comp_load ip
		elif declare -F __load_completion > /dev/null; then
			__load_completion ip
		fi
		complete -F _ip_link_ipsec_ipip ip
	} 2>/dev/null
	! declare -F _ip > /dev/null || _ip "$@"
}
complete -F _ip_link_ipsec_ipip ip
