// SPDX-License-Identifier: GPL-2.0
/*
 * The words that identify an SA, from the command line and for the request; common
 * to the verbs of "sa".
 */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>

#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-id.h"

int ipsi_parse_spi(void *sa_id, char **args)
{
	struct ipsi_sa_id *id = sa_id;

	id->has_spi = true;
	return ipsi_arg_u32("spi", args[0], &id->spi);
}

int ipsi_parse_proto(void *sa_id, char **args)
{
	struct ipsi_sa_id *id = sa_id;

	return ipsi_arg_proto(args[0], &id->proto);
}

static const struct ipsi_word ipsi_sa_id_words[] = {
	{ .word = "spi", .n_args = 1, .args = "SPI",
	  .help = "security parameter index", .parse = ipsi_parse_spi },
	{ .word = "proto", .n_args = 1, .args = "{esp|ah}",
	  .help = "protocol, esp by default", .parse = ipsi_parse_proto },
};

/**
 * ipsi_parse_spi_proto() - read "spi SPI [proto PROTO]"
 * @id: the result
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_parse_spi_proto(struct ipsi_sa_id *id, int argc, char **argv)
{
	int ret;

	ret = ipsi_parse_words(ipsi_sa_id_words,
			       IPSI_ARRAY_SIZE(ipsi_sa_id_words), id, argc,
			       argv);
	if (!ret && !id->has_spi)
		ret = ipsi_usage("spi SPI expected");
	return ret;
}

/* The words are there, but not in this order. */
static int ipsi_no_direction(const char *dev, const char *word)
{
	if (!strcmp(dev, "in") || !strcmp(dev, "out"))
		return ipsi_usage("the device comes first: DEV %s expected",
				  dev);
	if (!strcmp(dev, "dev"))
		return ipsi_usage("leave \"dev\" out: DEV and {in|out} expected");
	return ipsi_usage("\"%s\" is neither in nor out: %s in or %s out expected",
			  word, dev, dev);
}

/**
 * ipsi_parse_dev_direction() - read "DEV {in|out}"
 * @id: the result
 * @argc: number of arguments, of which two are read
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_parse_dev_direction(struct ipsi_sa_id *id, int argc, char **argv)
{
	int ret;

	if (argc < 2)
		return ipsi_usage("DEV and {in|out} expected");
	id->dev = argv[0];
	id->has_direction = true;
	ret = ipsi_arg_dev(argv[0]);
	if (ret)
		return ret;
	if (strcmp(argv[1], "in") && strcmp(argv[1], "out"))
		return ipsi_no_direction(argv[0], argv[1]);
	return ipsi_arg_direction(argv[1], &id->direction);
}

/**
 * ipsi_put_sa_id() - add the attributes that identify an SA to a request
 * @nlh: the request
 * @id: the SA; fields that were not given are left out
 *
 * Return: exit code.
 */
int ipsi_put_sa_id(struct nlmsghdr *nlh, const struct ipsi_sa_id *id)
{
	int ret = IPSI_OK;

	if (id->dev)
		ret = ipsi_nl_put_string(nlh, IPSEC_IPIP_A_SA_IFNAME, id->dev);
	if (!ret && id->has_direction)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_DIRECTION,
				      id->direction);
	if (!ret && id->proto)
		ret = ipsi_nl_put_u8(nlh, IPSEC_IPIP_A_SA_PROTO, id->proto);
	if (!ret && id->has_spi)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_SPI,
				      htonl(id->spi));
	return ret;
}

/**
 * ipsi_sa_try() - make a request about an SA that may have expired meanwhile
 * @nl: an open socket
 * @cmd: IPSEC_IPIP_CMD_*
 * @id: the SA
 *
 * Return: exit code; it is no error if there is no such SA any more.
 */
int ipsi_sa_try(struct ipsi_nl *nl, uint8_t cmd, const struct ipsi_sa_id *id)
{
	int ret;

	nl->fine = ENOENT;
	ret = ipsi_put_sa_id(ipsi_nl_request(nl, cmd, false), id);
	if (!ret)
		ret = ipsi_nl_talk(nl, &ipsi_sa_set, NULL);
	nl->fine = 0;
	return ret;
}

/**
 * ipsi_sa_request() - make a request about one SA, or about those of a device
 * @cmd: IPSEC_IPIP_CMD_*
 * @id: the SA or device
 *
 * Return: exit code.
 */
int ipsi_sa_request(uint8_t cmd, const struct ipsi_sa_id *id)
{
	struct ipsi_nl nl = {};
	int ret;

	ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_put_sa_id(ipsi_nl_request(&nl, cmd, false), id);
	if (!ret)
		ret = ipsi_nl_talk(&nl, &ipsi_sa_set, NULL);
	ipsi_nl_close(&nl);
	return ret;
}
