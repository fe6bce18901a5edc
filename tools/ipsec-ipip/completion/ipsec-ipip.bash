# SPDX-License-Identifier: GPL-2.0
#
# Completion of ipsec-ipip(8) for bash. The program knows the words.

_ipsec_ipip()
{
	local line=${COMP_LINE:0:COMP_POINT} word cut
	local -a words

	# Not COMP_WORDS, which are broken at colons.
	read -ra words <<< "$line"
	[[ $line != *[[:blank:]] ]] || words+=("")
	word=${words[-1]}
	COMPREPLY=()
	while IFS= read -r line; do
		if [ "$line" = file: ] && [[ $word == file:* ]]; then
			# shellcheck disable=SC2207 # no blanks in such names
			COMPREPLY+=($(compgen -P file: -f -- "${word#file:}"))
		elif [ "$line" = path: ]; then
			compopt -o filenames 2>/dev/null
			# shellcheck disable=SC2207 # no blanks in such names
			COMPREPLY+=($(compgen -f -- "$word"))
		elif [[ $line == "${word#[\'\"]}"* ]]; then
			[[ $line == *[\(\)]* ]] && line="'$line'"
			COMPREPLY+=("$line")
		fi
	done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
	[[ ${COMPREPLY[0]-} != file: ]] || compopt -o nospace 2>/dev/null

	# bash replaces only what follows the last colon.
	if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
		cut=${word%"${word##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	fi
}
complete -F _ipsec_ipip ipsec-ipip
