# SPDX-License-Identifier: GPL-2.0
#
# check.zsh FOLDER LINE HITS DONE: hit the tabulator key after LINE in a zsh with the
# completion of FOLDER. The words that it offers go to the file HITS, a line each, and
# then the file DONE is made.

zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -u -D; PS1=
	compadd() {
		local -a hits
		builtin compadd -O hits \"\$@\"
		print -rl -- \$hits >>${(q)3}
		: >${(q)4}
	}
	print ready''ing"
while zpty -r shell line && [[ $line != *readying* ]]; do :; done
zpty -w -n shell "$2"$'\t'
for ((i = 0; i < 100; i++)); do
	[[ -e $4 ]] && break
	sleep 0.1
	zpty -rt shell line
done
zpty -d shell
