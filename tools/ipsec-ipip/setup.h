/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A link with its SAs, as import reads it and export writes it.
 */
#ifndef _IPSI_SETUP_H
#define _IPSI_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ipsi.h"

#define IPSI_SETUP_SAS	64	/* SAs of a file */
#define IPSI_SETUP_NETS	64	/* routes, addresses */
#define IPSI_NET_LEN	64	/* an address, "/" and a length */

/**
 * struct ipsi_setup_sa - an SA
 * @src: outer source address
 * @dst: outer destination address
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @spi: SPI in host byte order
 * @enc: cipher, "" for none, as for @auth and @aead
 * @icv_bits: length of the integrity check value
 * @reqid: request id, 0 for none
 * @window: replay window
 * @esn: extended sequence numbers
 * @sport: source port of ESP in UDP, 0 for none
 * @dport: destination port
 * @limits: lines for the configuration file
 */
struct ipsi_setup_sa {
	char src[IPSI_NET_LEN], dst[IPSI_NET_LEN];
	uint8_t proto;
	uint32_t spi;
	char enc[64], auth[64], aead[64];
	struct ipsi_key enc_key, auth_key, aead_key;
	uint32_t icv_bits;
	uint32_t reqid;
	uint32_t window;
	bool esn;
	uint32_t sport, dport;
	char limits[256];
};

/**
 * struct ipsi_setup - a link; the caller wipes it, because of its keys
 * @local: outer address of the host that the file is for
 * @remote: outer address of the other one
 * @sa: the SAs
 * @n_sas: their number
 * @mine: inner networks on the side of @local
 * @n_mine: their number
 * @theirs: inner networks on the side of @remote
 * @n_theirs: their number
 */
struct ipsi_setup {
	char local[IPSI_NET_LEN], remote[IPSI_NET_LEN];
	struct ipsi_setup_sa sa[IPSI_SETUP_SAS];
	size_t n_sas;
	char mine[IPSI_SETUP_NETS][IPSI_NET_LEN];
	size_t n_mine;
	char theirs[IPSI_SETUP_NETS][IPSI_NET_LEN];
	size_t n_theirs;
};

/* Copies an address or a network. */
static inline void ipsi_net_copy(char to[IPSI_NET_LEN], const char *from)
{
	snprintf(to, IPSI_NET_LEN, "%s", from);
}

bool ipsi_is_host(const char *net);
int ipsi_import_parse(struct ipsi_setup *setup, const char *path);
int ipsi_setup_net(const char *word, const char *arg, char net[IPSI_NET_LEN]);
int ipsi_setup_addr(const char *word, const char *arg, char addr[IPSI_NET_LEN]);
int ipsi_setup_add_net(char nets[][IPSI_NET_LEN], size_t *n, const char *net);
void ipsi_setup_mirror(struct ipsi_setup *setup);

#endif /* _IPSI_SETUP_H */
