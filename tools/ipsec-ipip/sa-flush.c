// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa flush: delete all SAs of a device, or those of one direction.
 */
#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-id.h"

static int ipsi_sa_flush_all(struct ipsi_nl *nl, const struct ipsi_sa_id *which,
			     const struct ipsi_replies *sas)
{
	struct ipsi_sa_id id = *which;
	struct ipsi_attrs sa;
	int ret = IPSI_OK;
	size_t i;

	id.has_direction = true;
	id.has_spi = true;
	for (i = 0; i < sas->n && !ret; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, sas->msg[i]);
		id.direction = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_DIRECTION);
		id.spi = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_SPI);
		id.proto = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_PROTO);
		if (!which->has_direction || which->direction == id.direction)
			ret = ipsi_sa_try(nl, IPSEC_IPIP_CMD_SA_DEL, &id);
	}
	return ret;
}

/**
 * ipsi_sa_flush() - delete the SAs of a device
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_sa_flush(int argc, char **argv)
{
	struct ipsi_replies sas = {};
	struct ipsi_sa_id id = {}, dev;
	struct ipsi_nl nl = {};
	int ret;

	if (!argc)
		return ipsi_usage("DEV expected");
	if (argc > 2)
		return ipsi_usage("unknown word \"%s\"", argv[2]);
	id.dev = argv[0];
	id.has_direction = argc == 2;
	ret = ipsi_arg_dev(argv[0]);
	if (!ret && argc == 2)
		ret = ipsi_arg_direction(argv[1], &id.direction);
	if (ret)
		return ret;

	dev = (struct ipsi_sa_id){ .dev = id.dev };
	ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_put_sa_id(ipsi_nl_request(&nl, IPSEC_IPIP_CMD_SA_GET,
						     true), &dev);
	if (!ret)
		ret = ipsi_nl_talk(&nl, &ipsi_sa_set, &sas);
	if (!ret)
		ret = ipsi_sa_flush_all(&nl, &id, &sas);
	ipsi_replies_free(&sas);
	ipsi_nl_close(&nl);
	return ret;
}
