// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip export --to swanctl: a connection of swanctl.conf(5) for a peer that
 * has no device of ours.
 */
#include <stdio.h>
#include <string.h>

#include "export-ike.h"

static void ipsi_swanctl_value(const struct ipsi_export_ike *ike,
			       const char *indent, const char *word,
			       const char *key, const char *standard)
{
	const char *value = ipsi_conf_text(&ike->conf, key);

	if (value || standard)
		printf("%s%s = %s\n", indent, word, value ? value : standard);
}

static void ipsi_swanctl_nets(const char *word,
			      const char nets[][IPSI_NET_LEN], size_t n)
{
	size_t i;

	printf("\t\t\t\t%s = ", word);
	for (i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "", nets[i]);
	putchar('\n');
}

static void ipsi_swanctl_ends(const struct ipsi_export_ike *ike)
{
	const char *auth = ike->secret_len ? "psk" : "pubkey";

	printf("\t\tlocal {\n\t\t\tauth = %s\n", auth);
	if (!ike->secret_len)
		puts("\t\t\t# its key is in private/\n\t\t\tcerts = this-host.pem");
	if (*ike->local_id && strcmp(ike->local_id, "%any"))
		printf("\t\t\tid = %s\n", ike->local_id);
	printf("\t\t}\n\t\tremote {\n\t\t\tauth = %s\n", auth);
	if (!ike->secret_len)
		puts("\t\t\t# the authority that signed the other's\n\t\t\tcacerts = ca.pem");
	if (*ike->remote_id)
		printf("\t\t\tid = %s\n", ike->remote_id);
	puts("\t\t}");
}

static void ipsi_swanctl_secret(const struct ipsi_export_ike *ike)
{
	size_t i;

	printf("secrets {\n\tike-%s {\n\t\tid-1 = %s\n\t\tid-2 = %s\n\t\tsecret = 0x",
	       ike->name, ike->local_id, ike->remote_id);
	for (i = 0; i < ike->secret_len; i++)
		printf("%02x", (unsigned char)ike->secret[i]);
	puts("\n\t}\n}");
}

/**
 * ipsi_export_swanctl() - print the connection
 * @ike: the connection
 */
void ipsi_export_swanctl(const struct ipsi_export_ike *ike)
{
	printf("# /etc/swanctl/conf.d/%s.conf of the host %s; only its root may read it.\n# Then: swanctl --load-all\n",
	       ike->name, ike->local);
	printf("connections {\n\t%s {\n", ike->name);
	ipsi_swanctl_value(ike, "\t\t", "version", "Version", "2");
	ipsi_swanctl_value(ike, "\t\t", "proposals", "IkeProposals", NULL);
	printf("\t\tlocal_addrs = %s\n\t\tremote_addrs = %s\n", ike->local,
	       ike->waits ? "%any" : ike->remote);
	puts("\t\tdpd_delay = 30s");
	ipsi_swanctl_ends(ike);
	printf("\t\tchildren {\n\t\t\t%s {\n\t\t\t\tmode = tunnel\n",
	       ike->conf.dev);
	ipsi_swanctl_nets("local_ts", ike->setup->theirs, ike->setup->n_theirs);
	ipsi_swanctl_nets("remote_ts", ike->setup->mine, ike->setup->n_mine);
	ipsi_swanctl_value(ike, "\t\t\t\t", "esp_proposals", "EspProposals",
			   NULL);
	ipsi_swanctl_value(ike, "\t\t\t\t", "rekey_time", "Rekey", NULL);
	/* A host that waits for its peer cannot call it. */
	printf("\t\t\t\tstart_action = %s\n",
	       ike->waits ? "none" : "trap");
	puts("\t\t\t}\n\t\t}\n\t}\n}");
	if (ike->secret_len)
		ipsi_swanctl_secret(ike);
}
