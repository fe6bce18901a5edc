// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip export --to libreswan: a connection of ipsec.conf(5) for a peer that
 * has no device of ours. The secret belongs into another file, so it is a comment.
 */
#include <stdio.h>
#include <string.h>

#include "export-ike.h"

/* "@" before a name keeps libreswan from resolving it. A subject of a certificate has
 * spaces.
 */
static void ipsi_libreswan_id(const char *id)
{
	const bool name = strcspn(id, ":@=/%") == strlen(id) &&
			  id[strspn(id, "0123456789.")];

	printf("\"%s%s\"", name ? "@" : "", id);
}

/* Without an identity, the peer of a link for any has that of its address. */
static void ipsi_libreswan_end(const char *word, const char *id)
{
	if (!strcmp(id, "%any"))
		return;
	printf("\t%sid=", word);
	ipsi_libreswan_id(*id ? id : "%fromcert");
	putchar('\n');
}

/* The file of the connection is often one that everybody can read. */
static void ipsi_libreswan_psk(const struct ipsi_export_ike *ike)
{
	size_t i;

	printf("# It has the secret: only its root may read it (chmod 600), until this line is in\n# /etc/ipsec.d/%s.secrets (chmod 600, without the \"# \") and deleted here:\n# ",
	       ike->name);
	ipsi_libreswan_id(ike->local_id);
	putchar(' ');
	ipsi_libreswan_id(ike->remote_id);
	printf(" : PSK 0x");
	for (i = 0; i < ike->secret_len; i++)
		printf("%02x", (unsigned char)ike->secret[i]);
	putchar('\n');
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
	const bool any = !strcmp(ike->local, "%any");

	printf("# /etc/ipsec.d/%s.conf of the host %s\n", ike->name, ike->local);
	if (ike->secret_len)
		ipsi_libreswan_psk(ike);
	printf("conn %s\n\tikev2=%s\n", ike->name,
	       version && !strcmp(version, "1") ? "never" : "insist");
	if (proposals)
		printf("\tike=%s\n", proposals);
	if (esp)
		printf("\tesp=%s\n", esp);
	printf("\tauthby=%s\n", ike->secret_len ? "secret" : "rsasig");
	printf("\tleft=%s\n", any ? "%defaultroute" : ike->local);
	ipsi_libreswan_end("left", ike->local_id);
	if (!ike->secret_len)
		puts("\t# the nickname in NSS of the certificate of this host\n\tleftcert=this-host");
	printf("\tleftsubnet=%s\n", ike->setup->theirs[0]);
	printf("\tright=%s\n",
	       ike->waits ? "%any" : ike->remote);
	ipsi_libreswan_end("right", ike->remote_id);
	printf("\trightsubnet=%s\n", ike->setup->mine[0]);
	if (rekey)
		printf("\tsalifetime=%ss\n", rekey);
	printf("\tauto=%s\n", ike->waits ? "add" : "ondemand");
}
