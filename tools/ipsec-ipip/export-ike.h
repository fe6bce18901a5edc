/* SPDX-License-Identifier: GPL-2.0 */
/* The peer's half of a link with keys from an IKE daemon */
#ifndef _IPSI_EXPORT_IKE_H
#define _IPSI_EXPORT_IKE_H

#include <stdbool.h>
#include <netinet/in.h>

#include "conf.h"
#include "setup.h"

#define IPSI_EXPORT_ID	256

/**
 * struct ipsi_export_ike - the connection, as the peer sees it
 * @conf: the configuration of this host
 * @name: name of the connection
 * @local: address of the peer, or "%any"
 * @remote: address of this host
 * @local_id: identity of the peer; "" if its certificate tells
 * @remote_id: the same for this host
 * @setup: the networks: "mine" are those of this host
 * @secret: the shared secret, "" with certificates; the caller wipes it
 * @secret_len: its length
 */
struct ipsi_export_ike {
	struct ipsi_conf conf;
	char name[64];
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	char local_id[IPSI_EXPORT_ID], remote_id[IPSI_EXPORT_ID];
	const struct ipsi_setup *setup;
	char secret[1024];
	size_t secret_len;
};

int ipsi_export_ike(const char *dev, struct ipsi_setup *setup, bool libreswan);
void ipsi_export_swanctl(const struct ipsi_export_ike *ike);
void ipsi_export_libreswan(const struct ipsi_export_ike *ike);

#endif /* _IPSI_EXPORT_IKE_H */
