// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa activate: pin an outbound SA, or unpin it.
 */
#include <string.h>

#include "ipsi.h"
#include "sa-id.h"

/**
 * ipsi_sa_activate() - choose the outbound SA of a device
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_sa_activate(int argc, char **argv)
{
	struct ipsi_sa_id id = {};
	int ret;

	if (argc < 2)
		return ipsi_usage("DEV and {spi SPI|newest} expected");
	id.dev = argv[0];
	ret = ipsi_arg_dev(argv[0]);
	if (ret)
		return ret;
	if (!strcmp(argv[1], "in") || !strcmp(argv[1], "out"))
		return ipsi_usage("leave \"%s\" out, only outbound SAs can be active: DEV spi SPI expected",
				  argv[1]);
	if (strcmp(argv[1], "newest"))
		ret = ipsi_parse_spi_proto(&id, argc - 1, argv + 1);
	else if (argc > 2)
		ret = ipsi_usage("unknown word \"%s\"", argv[2]);
	if (!ret)
		ret = ipsi_sa_request(IPSEC_IPIP_CMD_SA_ACTIVATE, &id);
	return ret;
}
