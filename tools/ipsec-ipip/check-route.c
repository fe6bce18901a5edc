// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: whether routes lead inner packets to the device.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "attrs.h"
#include "check.h"

/* Networks of a device that are looked up; a router may have a million. */
#define IPSI_CHECK_ROUTES	64

/**
 * struct ipsi_check_routes - the routes of a device
 * @check: the run
 * @n: number of routes that carry inner packets
 * @looked_up: number of those that were looked up
 * @reported: a network is missed
 */
struct ipsi_check_routes {
	struct ipsi_check *check;
	size_t n;
	size_t looked_up;
	bool reported;
};

/* IPv6 makes these for each device. */
static bool ipsi_route_is_automatic(const struct ipsi_route *route)
{
	return route->family == AF_INET6 &&
	       ((route->dst[0] == 0xfe && (route->dst[1] & 0xc0) == 0x80) ||
		route->dst[0] == 0xff);
}

/* A host in the network: the first one, as the network itself may have a meaning
 * of its own.
 */
static void ipsi_route_host(const struct ipsi_route *route, struct ipsi_flow *to)
{
	memset(to, 0, sizeof(*to));
	to->family = route->family;
	to->len = route->family == AF_INET ? sizeof(struct in_addr) :
					     sizeof(struct in6_addr);
	memcpy(to->remote, route->dst, to->len);
	if (route->plen + 1U < 8 * to->len)
		to->remote[to->len - 1] |= 1;
}

static void ipsi_check_inner_route(const struct ipsi_route *route, void *data)
{
	struct ipsi_check_routes *routes = data;
	struct ipsi_check *check = routes->check;
	char host[INET6_ADDRSTRLEN], net[INET6_ADDRSTRLEN];
	struct ipsi_route taken;
	struct ipsi_link link;
	struct ipsi_flow to;

	if (ipsi_route_is_automatic(route))
		return;
	routes->n++;
	/* Of several nexthops, the kernel may choose another one. */
	if (routes->reported || route->table != RT_TABLE_MAIN || !route->plen ||
	    route->multipath ||
	    routes->looked_up++ >= IPSI_CHECK_ROUTES)
		return;
	ipsi_route_host(route, &to);
	/* An address of this host is not sent anywhere. */
	if (ipsi_query_inner_route(&to, &taken) ||
	    taken.type != RTN_UNICAST || taken.oif == route->oif || !taken.oif)
		return;
	/* Another link may be preferred to this one, which is a spare. */
	if (ipsi_query_link(taken.oif, &link) || link.ours)
		return;
	routes->reported = true;
	inet_ntop(to.family, to.remote, host, sizeof(host));
	inet_ntop(to.family, route->dst, net, sizeof(net));
	ipsi_found(check, "bypass",
		   "packets to %s leave by %s, although the device has the route %s/%u: find the rule or the narrower route: ip route get %s; ip rule",
		   host, link.name, net, route->plen, host);
}

/**
 * ipsi_check_inner_routes() - check the routes of the device
 * @check: the run
 * @carries: the device is up and has SAs
 *
 * Return: 0 or an errno.
 */
int ipsi_check_inner_routes(struct ipsi_check *check, bool carries)
{
	struct ipsi_check_routes routes = { .check = check };
	struct ipsi_link link;
	int err;

	err = ipsi_query_link(ipsi_attr_u64(check->dev,
					    IPSEC_IPIP_A_DEV_IFINDEX), &link);
	/* The routes of a VRF are in a table of its own. */
	if (err || link.master)
		return err;
	err = ipsi_snapshot_routes(&check->snap, &check->devs, link.ifindex,
				   ipsi_check_inner_route, &routes);
	if (!err && !routes.n && carries)
		ipsi_found(check, "no-inner-route",
			   "no route leads to the device, so it is sent nothing: ip route add NETWORK dev %s",
			   check->name);
	return err;
}
