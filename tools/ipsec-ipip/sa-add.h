/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The description of a new SA, from the command line and for the request. Used by
 * "sa add" and "rekey".
 */
#ifndef _IPSI_SA_ADD_H
#define _IPSI_SA_ADD_H

#include <stdbool.h>
#include <stdint.h>

#include "ipsi.h"
#include "sa-id.h"

struct ipsi_nl;

/* Arguments of "sa add". Strings point into argv; numbers are in host order. */
struct ipsi_sa_args {
	struct ipsi_sa_id id;	/* must be first, see ipsi_parse_spi() */
	bool has_mode, has_reqid, has_icv, has_window, has_seq, has_encap;
	uint32_t mode;
	uint32_t reqid;
	const char *aead, *enc, *auth;
	struct ipsi_key aead_key, enc_key, auth_key;
	uint32_t icv_bits;
	uint32_t window;
	bool esn;
	uint64_t seq;
	uint64_t limit[IPSEC_IPIP_A_LIFETIME_MAX + 1];
	uint32_t has_limit;		/* bits: IPSEC_IPIP_A_LIFETIME_* */
	uint16_t sport, dport;
	bool has_pcpu, has_offload;
	uint32_t pcpu;
	uint32_t offload;
	const char *offload_dev;
	uint32_t offload_ifindex;
};

int ipsi_sa_parse(struct ipsi_sa_args *sa, int argc, char **argv);
int ipsi_sa_parse_words(struct ipsi_sa_args *sa, int argc, char **argv);
const char *ipsi_sa_limit_word(unsigned int id);
int ipsi_sa_check(const struct ipsi_sa_args *sa);
int ipsi_sa_send(struct ipsi_nl *nl, const struct ipsi_sa_args *sa);

#endif /* _IPSI_SA_ADD_H */
