/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests to the kernel's other netlink families: links, addresses, routes, the
 * SAD and the SPD of the namespace.
 */
#ifndef _IPSI_QUERY_H
#define _IPSI_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/xfrm.h>

/**
 * struct ipsi_link - a link
 * @ifindex: its index
 * @name: its name
 * @up: it is administratively up
 * @carrier: it has a carrier
 * @ours: its type is ipsec-ipip
 * @master: index of its VRF or bridge, 0 for none
 * @foreign: its underlay is in another namespace
 * @netnsid: this namespace's id of that one; -1 if unknown
 */
struct ipsi_link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up;
	bool carrier;
	bool ours;
	uint32_t master;
	bool foreign;
	int32_t netnsid;
};

/**
 * struct ipsi_link_stats - a link and its counters
 * @ifindex: its index
 * @name: its name
 * @up: it is administratively up
 * @foreign: its underlay is in another namespace
 * @rx_bytes: bytes received
 * @tx_bytes: bytes sent
 */
struct ipsi_link_stats {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up;
	bool foreign;
	uint64_t rx_bytes, tx_bytes;
};

/**
 * struct ipsi_flow - the flow of outer packets
 * @family: address family
 * @len: length of the addresses
 * @local: local outer address
 * @remote: remote outer address
 * @link: ifindex of the underlay device, 0 for any
 * @mark: mark of outer packets
 */
struct ipsi_flow {
	int family;
	size_t len;
	uint8_t local[sizeof(struct in6_addr)];
	uint8_t remote[sizeof(struct in6_addr)];
	uint32_t link;
	uint32_t mark;
};

/**
 * struct ipsi_route - a route to a network
 * @family: address family
 * @type: RTN_*
 * @plen: length of the prefix
 * @dst: the network
 * @table: routing table
 * @oif: ifindex of the device, 0 for none
 * @multipath: there are several nexthops, of which this is one
 */
struct ipsi_route {
	int family;
	uint8_t type;
	uint8_t plen;
	uint8_t dst[sizeof(struct in6_addr)];
	uint32_t table;
	uint32_t oif;
	bool multipath;
};

/**
 * struct ipsi_state - a state of the SAD
 * @info: its fixed part
 * @if_id: its interface id, 0 for none
 * @mark: the mark that finds it
 */
struct ipsi_state {
	const struct xfrm_usersa_info *info;
	uint32_t if_id;
	uint32_t mark;
};

/**
 * struct ipsi_policy - a policy of the SPD, of the main type
 * @info: its fixed part
 * @tmpl: its templates
 * @n: number of templates
 * @if_id: its interface id, 0 for none
 */
struct ipsi_policy {
	const struct xfrm_userpolicy_info *info;
	const struct xfrm_user_tmpl *tmpl;
	size_t n;
	uint32_t if_id;
};

int ipsi_query_link(uint32_t ifindex, struct ipsi_link *link);
int ipsi_query_link_stats(struct ipsi_link_stats **links, size_t *n);
const struct ipsi_link_stats *
ipsi_link_stats_find(const struct ipsi_link_stats *links, size_t n,
		     uint32_t ifindex);
int ipsi_query_underlay_name(uint32_t dev, uint32_t ifindex,
			     char name[IF_NAMESIZE], bool *foreign);
int ipsi_query_underlay_index(const char *dev, const char *name,
			      uint32_t *ifindex);
int ipsi_query_addrs(void (*handle)(int family, const void *addr, void *data),
		     void *data);
int ipsi_query_route(const struct ipsi_flow *flow, uint32_t *oif);
int ipsi_query_inner_route(const struct ipsi_flow *flow,
			   struct ipsi_route *route);
int ipsi_query_routes(void (*handle)(const struct ipsi_route *route,
				     void *data), void *data);
int ipsi_query_xfrm_links(void (*handle)(uint32_t if_id, void *data),
			  void *data);
int ipsi_query_states(void (*handle)(const struct ipsi_state *state,
				     void *data), void *data);
int ipsi_query_policies(void (*handle)(const struct ipsi_policy *policy,
				       void *data), void *data);

#endif /* _IPSI_QUERY_H */
