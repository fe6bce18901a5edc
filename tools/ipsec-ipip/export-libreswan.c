// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip export --to libreswan: a connection of ipsec.conf(5) for a peer that
 * has no device of ours. The secret belongs into another file, so it is a comment.
 */
#include <stdio.h>
#include <string.h>

#include "export-ike.h"

/* "@" before a name keeps libreswan from resolving it. */
static void ipsi_libreswan_id(const char *word, const char *id)
{
	const bool name = strcspn(id, ":@=/") == strlen(id) &&
			  id[strspn(id, "0123456789.")];

	if (*id)
		printf("\t%sid=%s%s\n", word, name ? "@" : "", id);
	else
		printf("\t%sid=%%fromcert\n", word);
}

/**
 * ipsi_export_libreswan() - print the connection
 * @ike: the connection
 */
void ipsi_export_libreswan(const struct ipsi_export_ike *ike)
{
	const char *esp = ipsi_conf_text(&ike->conf, "EspProposals");
	const char *proposals = ipsi_conf_text(&ike->conf, "IkeProposals");
	const char *version = ipsi_conf_text(&ike->conf, "Version");
	const char *rekey = ipsi_conf_text(&ike->conf, "Rekey");
	size_t i;

	printf("# /etc/ipsec.d/%s.conf of the host %s\n", ike->name, ike->local);
	if (ike->secret_len) {
		printf("# Only its root may read /etc/ipsec.d/%s.secrets, with the line:\n",
		       ike->name);
		printf("# %s %s : PSK 0x", ike->local_id, ike->remote_id);
		for (i = 0; i < ike->secret_len; i++)
			printf("%02x", (unsigned char)ike->secret[i]);
		putchar('\n');
	}
	printf("conn %s\n\tikev2=%s\n", ike->name,
	       version && !strcmp(version, "1") ? "never" : "insist");
	if (proposals)
		printf("\tike=%s\n", proposals);
	if (esp)
		printf("\tesp=%s\n", esp);
	printf("\tauthby=%s\n", ike->secret_len ? "secret" : "rsasig");
	printf("\tleft=%s\n", ike->local);
	ipsi_libreswan_id("left", ike->local_id);
	if (!ike->secret_len)
		puts("\t# the nickname in NSS of the certificate of this host\n\tleftcert=this-host");
	printf("\tleftsubnet=%s\n", ike->setup->theirs[0]);
	printf("\tright=%s\n",
	       ike->conf.option[IPSI_CONF_ROAM].number ? "%any" : ike->remote);
	ipsi_libreswan_id("right", ike->remote_id);
	printf("\trightsubnet=%s\n", ike->setup->mine[0]);
	if (rekey)
		printf("\tsalifetime=%ss\n", rekey);
	printf("\tauto=%s\n",
	       ike->conf.option[IPSI_CONF_ROAM].number ? "add" : "ondemand");
}
