// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: a hint at a firewall of this host that may drop ESP or AH. It
 * reads the ruleset as nft(8) prints it, and only if the link is silent. It does
 * not follow jumps, so it says "may".
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/**
 * struct ipsi_ruleset - the part of a ruleset that was read
 * @table: the current table, as in "table inet filter"
 * @chain: the current chain
 * @is_ip: the table sees packets of IP
 * @is_base: it is the base chain of the hook input or output
 * @drops: its policy is drop
 * @drop: the first such chain, "" for none
 * @rule: the first rule in any base chain that drops ESP or AH, "" for none
 * @names: a rule accepts ESP, AH or IPsec by name
 */
struct ipsi_ruleset {
	char table[80];
	char chain[80];
	bool is_ip;
	bool is_base;
	char drop[192];
	char rule[192];
	bool names;
};

/* Whole words only: "esp" is in "response", too. */
static bool ipsi_has_word(const char *line, const char *word)
{
	const size_t len = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word))) {
		if ((at == line || strchr(" {,", at[-1])) &&
		    (!at[len] || strchr(" },\n", at[len])))
			return true;
		at += len;
	}
	return false;
}

static bool ipsi_names_ipsec(const char *line)
{
	static const char * const words[] = { "esp", "ah", "ipsec", "50", "51" };
	size_t i;

	/* Numbers may be anything, but after a protocol they are protocols. */
	for (i = 0; i < IPSI_ARRAY_SIZE(words); i++)
		if (ipsi_has_word(line, words[i]) &&
		    (i < 3 || strstr(line, "protocol") ||
		     strstr(line, "l4proto") || strstr(line, "nexthdr")))
			return true;
	return false;
}

static bool ipsi_is_ip_table(const char *table)
{
	return !strncmp(table, "ip ", 3) || !strncmp(table, "ip6 ", 4) ||
	       !strncmp(table, "inet ", 5);
}

/* Takes a line of "nft list ruleset", without the white space before it. */
static void ipsi_ruleset_line(struct ipsi_ruleset *rules, const char *line)
{
	if (sscanf(line, "table %79[^{\n]", rules->table) == 1) {
		rules->is_ip = ipsi_is_ip_table(rules->table);
		rules->is_base = false;
		return;
	}
	if (!rules->is_ip)
		return;
	if (sscanf(line, "chain %79[^ {\n]", rules->chain) == 1) {
		rules->is_base = false;
		return;
	}
	if (strstr(line, " hook input ") || strstr(line, " hook output ")) {
		rules->is_base = true;
		if (strstr(line, "policy drop") && !*rules->drop)
			snprintf(rules->drop, sizeof(rules->drop), "%s%s",
				 rules->table, rules->chain);
		return;
	}
	if (!ipsi_names_ipsec(line))
		return;
	if (ipsi_has_word(line, "accept") || strstr(line, "jump"))
		rules->names = true;
	else if (rules->is_base && !*rules->rule &&
		 (ipsi_has_word(line, "drop") || strstr(line, "reject")))
		snprintf(rules->rule, sizeof(rules->rule), "%s%s: %.*s",
			 rules->table, rules->chain,
			 (int)strcspn(line, "\n"), line);
}

static void ipsi_ruleset_read(struct ipsi_ruleset *rules)
{
	char line[512], *text, *c;
	FILE *f;

	/* without the elements of sets */
	f = popen("nft -t list ruleset 2>/dev/null", "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		text = line + strspn(line, "\t ");
		/* The administrator of a container writes the comments. */
		for (c = text; *c && *c != '\n'; c++)
			if (!isprint((unsigned char)*c))
				*c = '?';
		ipsi_ruleset_line(rules, text);
	}
	pclose(f);
}

/**
 * ipsi_check_firewall() - look for rules that drop packets of the device
 * @check: the run
 *
 * Nothing is found without nft(8), or without permission.
 */
void ipsi_check_firewall(struct ipsi_check *check)
{
	struct ipsi_ruleset *rules = check->ruleset;

	if (!rules) {
		rules = calloc(1, sizeof(*rules));
		if (!rules)
			return;
		check->ruleset = rules;
		ipsi_ruleset_read(rules);
	}
	if (*rules->rule)
		ipsi_found(check, "firewall",
			   "a rule of this host may drop the packets: %s; see nft -a list ruleset",
			   rules->rule);
	else if (*rules->drop && !rules->names)
		ipsi_found(check, "firewall",
			   "%s drops what no rule accepts, and no rule names esp: nft insert rule %s meta l4proto { esp, ah } accept",
			   rules->drop, rules->drop);
}
