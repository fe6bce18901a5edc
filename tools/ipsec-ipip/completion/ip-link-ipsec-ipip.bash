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
	# Not compgen -W, which expands the words as the shell does.
	COMPREPLY=()
	while IFS= read -r line; do
		[[ $line != "$word"* ]] || COMPREPLY+=("$line")
	done < <(ipsec-ipip __complete link "${words[@]:i + 1}" 2>/dev/null)
}

# Notes the function that completes "ip", unless it is ours. Its name depends on the
# version of bash-completion.
_ip_link_ipsec_ipip_note()
{
	[[ $(complete -p ip 2>/dev/null) =~ \ -F\ ([^\ ]+) ]] &&
		[ "${BASH_REMATCH[1]}" != _ip_link_ipsec_ipip ] &&
		_ip_link_ipsec_ipip_next=${BASH_REMATCH[1]}
}

# bash-completion loads its function when it is needed first, and sets it in our
# place.
_ip_link_ipsec_ipip_other()
{
	if [ -z "$_ip_link_ipsec_ipip_next" ]; then
		if declare -F _comp_load; then
			_comp_load ip
		elif declare -F __load_completion; then
			__load_completion ip
		fi &>/dev/null
		_ip_link_ipsec_ipip_note || _ip_link_ipsec_ipip_next=:
		complete -F _ip_link_ipsec_ipip ip
	fi
	"$_ip_link_ipsec_ipip_next" "$@"
}

: "${_ip_link_ipsec_ipip_next=}"
_ip_link_ipsec_ipip_note
complete -F _ip_link_ipsec_ipip ip
