// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip rekey: add an SA that replaces the old ones of its direction. The new
 * SA is in use before an old one is deleted, so that no packet is lost.
 */
#define _GNU_SOURCE
#include <string.h>

#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-add.h"
#include "sa-id.h"

/* Get the old SAs, newest first, before the new one is added. */
static int ipsi_rekey_former(struct ipsi_nl *nl, const struct ipsi_sa_id *id,
			     struct ipsi_replies *former)
{
	const struct ipsi_sa_id all = { .dev = id->dev };
	int ret;

	ret = ipsi_put_sa_id(ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_GET, true),
			     &all);
	if (!ret)
		ret = ipsi_nl_talk(nl, &ipsi_sa_set, former);
	return ret;
}

/* Unpin: the new SA is the newest, but an old one may be pinned. */
static int ipsi_rekey_activate(struct ipsi_nl *nl, const struct ipsi_sa_id *id)
{
	const struct ipsi_sa_id newest = { .dev = id->dev };
	int ret;

	ret = ipsi_put_sa_id(ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_ACTIVATE,
					     false), &newest);
	if (!ret)
		ret = ipsi_nl_talk(nl, &ipsi_sa_set, NULL);
	return ret;
}

/* An SA replaces only those for the same CPU; one for all CPUs only those for all. */
static bool ipsi_rekey_same_cpu(const struct ipsi_sa_args *new,
				const struct ipsi_attrs *sa)
{
	if (!new->has_pcpu || !sa->tb[IPSEC_IPIP_A_SA_PCPU])
		return !new->has_pcpu && !sa->tb[IPSEC_IPIP_A_SA_PCPU];

	return ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PCPU) == new->pcpu;
}

/* Delete all old outbound SAs. Keep the newest old inbound SA: the peer may send
 * with it until it has been rekeyed too, and packets may be in flight.
 */
static int ipsi_rekey_clean(struct ipsi_nl *nl, const struct ipsi_sa_args *new,
			    const struct ipsi_replies *former)
{
	bool keep = new->id.direction == IPSEC_IPIP_DIRECTION_IN;
	struct ipsi_sa_id old = new->id;
	struct ipsi_attrs sa;
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < former->n && !ret; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, former->msg[i]);
		if (!sa.tb[IPSEC_IPIP_A_SA_SPI] ||
		    ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_DIRECTION) !=
		    new->id.direction || !ipsi_rekey_same_cpu(new, &sa))
			continue;
		if (keep) {
			keep = false;
			continue;
		}
		old.spi = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_SPI);
		old.proto = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_PROTO);
		ret = ipsi_sa_try(nl, IPSEC_IPIP_CMD_SA_DEL, &old);
	}
	return ret;
}

/**
 * ipsi_rekey() - add an SA to a device, and replace the old ones
 * @argc: number of arguments
 * @argv: the arguments; keys among them are wiped
 *
 * Nothing changes if the SA cannot be added.
 *
 * Return: exit code.
 */
int ipsi_rekey(int argc, char **argv)
{
	struct ipsi_replies former = {};
	struct ipsi_sa_args sa = {};
	struct ipsi_nl nl = {};
	int ret;

	ret = ipsi_sa_parse(&sa, argc, argv);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_rekey_former(&nl, &sa.id, &former);
	if (!ret)
		ret = ipsi_sa_send(&nl, &sa);
	if (!ret && sa.id.direction == IPSEC_IPIP_DIRECTION_OUT)
		ret = ipsi_rekey_activate(&nl, &sa.id);
	if (!ret)
		ret = ipsi_rekey_clean(&nl, &sa, &former);
	ipsi_replies_free(&former);
	ipsi_nl_close(&nl);
	explicit_bzero(&sa, sizeof(sa));
	return ret;
}
