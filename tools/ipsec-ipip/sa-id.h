/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words that identify an SA, and requests about one.
 */
#ifndef _IPSI_SA_ID_H
#define _IPSI_SA_ID_H

#include <stdbool.h>
#include <stdint.h>

struct ipsi_nl;
struct nlmsghdr;

/* The identity of an SA. Fields that were not given are NULL, false or 0. */
struct ipsi_sa_id {
	const char *dev;
	bool has_direction;
	uint32_t direction;
	bool has_spi;
	uint32_t spi;		/* host byte order */
	uint8_t proto;
};

int ipsi_parse_spi(void *sa_id, char **args);
int ipsi_parse_proto(void *sa_id, char **args);
int ipsi_parse_spi_proto(struct ipsi_sa_id *id, int argc, char **argv);
int ipsi_parse_dev_direction(struct ipsi_sa_id *id, int argc, char **argv);
int ipsi_put_sa_id(struct nlmsghdr *nlh, const struct ipsi_sa_id *id);
int ipsi_sa_try(struct ipsi_nl *nl, uint8_t cmd, const struct ipsi_sa_id *id);
int ipsi_sa_request(uint8_t cmd, const struct ipsi_sa_id *id);

#endif /* _IPSI_SA_ID_H */
