// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa del
 */
#include "ipsi.h"
#include "sa-id.h"

/**
 * ipsi_sa_del() - delete an SA of a device
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_sa_del(int argc, char **argv)
{
	struct ipsi_sa_id id = {};
	int ret;

	ret = ipsi_parse_dev_direction(&id, argc, argv);
	if (!ret)
		ret = ipsi_parse_spi_proto(&id, argc - 2, argv + 2);
	if (!ret)
		ret = ipsi_sa_request(IPSEC_IPIP_CMD_SA_DEL, &id);
	return ret;
}
