/* SPDX-License-Identifier: GPL-2.0 */
/* The peer's half of a link with keys from an IKE daemon */
#ifndef _IPSI_EXPORT_IKE_H
#define _IPSI_EXPORT_IKE_H

#include <stdbool.h>
#include <netinet/in.h>

#include "conf.h"
#include "setup.h"

/**
 * struct ipsi_export_ike - the connection, as the peer sees it
 * @conf: the configuration of this host
 * @name: name of the connection
 * @local: address of the peer, or "%any"
 * @remote: address of this host
 * @local_id: identity of the peer; "" if its certificate tells
 * @remote_id: the same for this host
 * @local_buf: space for @local
 * @remote_buf: space for @remote
 * @waits: the peer waits for this host, whose address changes
 * @setup: the networks: "mine" are those of this host
 * @secret: the shared secret, "" with certificates; the caller wipes it
 * @secret_len: its length
 */
struct ipsi_export_ike {
	struct ipsi_conf conf;
	char name[64];
	const char *local, *remote;
	const char *local_id, *remote_id;
	char local_buf[INET6_ADDRSTRLEN], remote_buf[INET6_ADDRSTRLEN];
	bool waits;
	const struct ipsi_setup *setup;
	char secret[IPSI_SECRET_MAX];
	size_t secret_len;
};

int ipsi_export_ike(const char *dev, struct ipsi_setup *setup, bool libreswan);
void ipsi_export_swanctl(const struct ipsi_export_ike *ike);
void ipsi_export_libreswan(const struct ipsi_export_ike *ike);

#endif /* _IPSI_EXPORT_IKE_H */
