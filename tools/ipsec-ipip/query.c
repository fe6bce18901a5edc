// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the kernel's other netlink families, each with its own socket. The
 * callers interpret the answers.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "ipsi.h"
#include "nl.h"
#include "query.h"

static int ipsi_query_answer(struct mnl_socket *sock, uint32_t seq, char *buf,
			     mnl_cb_t take, void *data)
{
	int ret = MNL_CB_OK;
	ssize_t got;

	while (ret > MNL_CB_STOP) {
		got = ipsi_nl_recv(sock, buf, IPSI_NL_BUF);
		if (got < 0)
			return errno;
		ret = mnl_cb_run(buf, got, seq, mnl_socket_get_portid(sock),
				 take, data);
	}
	return ret < 0 ? errno : 0;
}

static int ipsi_query_once(int bus, struct nlmsghdr *nlh, char *answer,
			   mnl_cb_t take, void *data)
{
	struct mnl_socket *sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int err;

	if (!sock)
		return errno;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		err = errno;
	else
		err = ipsi_query_answer(sock, nlh->nlmsg_seq, answer, take,
					data);
	mnl_socket_close(sock);
	return err;
}

/* Returns 0 or an errno. An interrupted dump is repeated, so @take must tolerate
 * duplicates. (A dump of the SAD never reports that it was interrupted.) Each try has
 * a socket of its own, since the rest of the interrupted dump is still on the old one.
 */
static int ipsi_query(int bus, char *buf, mnl_cb_t take, void *data)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	char *answer = malloc(IPSI_NL_BUF);
	int err = ENOMEM, tries;

	nlh->nlmsg_seq = time(NULL);
	for (tries = 0; answer && tries < 10; tries++) {
		err = ipsi_query_once(bus, nlh, answer, take, data);
		if (err != EINTR)
			break;
	}
	/* A dump of the SAD contains keys. */
	if (answer)
		explicit_bzero(answer, IPSI_NL_BUF);
	free(answer);
	return err;
}

static struct nlmsghdr *ipsi_query_begin(char *buf, uint16_t type,
					 uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

static void ipsi_query_take_name(const struct nlattr *attr,
				 char name[IF_NAMESIZE])
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		return;
	snprintf(name, IF_NAMESIZE, "%s", mnl_attr_get_str(attr));
	ipsi_make_printable(name);
}

static int ipsi_query_take_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *info;
	struct ipsi_link *link = data;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link->ifindex = ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
			link->foreign = true;
			link->netnsid = mnl_attr_get_u32(attr);
		}
		/* IFF_RUNNING follows it a second later. */
		if (mnl_attr_get_type(attr) == IFLA_CARRIER &&
		    mnl_attr_validate(attr, MNL_TYPE_U8) == 0)
			link->carrier = mnl_attr_get_u8(attr);
		if (mnl_attr_get_type(attr) == IFLA_MASTER &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			link->master = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			mnl_attr_for_each_nested(info, attr)
				if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
					link->ours = !strcmp(mnl_attr_get_str(info),
							     "ipsec-ipip");
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			ipsi_query_take_name(attr, link->name);
	}
	return MNL_CB_OK;
}

struct ipsi_query_stats {
	struct ipsi_link_stats *links;
	size_t n;
};

static int ipsi_query_take_stats(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct ipsi_query_stats *stats = data;
	struct rtnl_link_stats64 counters;
	struct ipsi_link_stats *link;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link = realloc(stats->links, (stats->n + 1) * sizeof(*link));
	if (!link)
		return MNL_CB_ERROR;
	stats->links = link;
	link += stats->n++;
	memset(link, 0, sizeof(*link));
	link->ifindex = ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		link->foreign |= mnl_attr_get_type(attr) ==
				 IFLA_LINK_NETNSID;
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			ipsi_query_take_name(attr, link->name);
		if (mnl_attr_get_type(attr) != IFLA_STATS64 ||
		    mnl_attr_get_payload_len(attr) < sizeof(counters))
			continue;
		memcpy(&counters, mnl_attr_get_payload(attr), sizeof(counters));
		link->rx_bytes = counters.rx_bytes;
		link->tx_bytes = counters.tx_bytes;
	}
	return MNL_CB_OK;
}

static int ipsi_link_stats_cmp(const void *a, const void *b)
{
	const struct ipsi_link_stats *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

/**
 * ipsi_query_link_stats() - get the counters of all links by one request
 * @links: the result, which the caller frees even after an error
 * @n: number of links
 *
 * Return: 0 or an errno.
 */
int ipsi_query_link_stats(struct ipsi_link_stats **links, size_t *n)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_stats stats = {};
	struct nlmsghdr *nlh;
	int err;

	nlh = ipsi_query_begin(buf, RTM_GETLINK, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	err = ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_stats, &stats);
	*links = stats.links;
	*n = stats.n;
	if (stats.n)
		qsort(stats.links, stats.n, sizeof(*stats.links),
		      ipsi_link_stats_cmp);
	return err;
}

/* Returns NULL if there is no such link. */
const struct ipsi_link_stats *
ipsi_link_stats_find(const struct ipsi_link_stats *links, size_t n,
		     uint32_t ifindex)
{
	const struct ipsi_link_stats key = { .ifindex = ifindex };

	return n ? bsearch(&key, links, n, sizeof(*links), ipsi_link_stats_cmp) :
		   NULL;
}

/* Gets a link by its index, or by its name if the index is 0. @netnsid is the
 * link's namespace, or -1 for this one.
 */
static int ipsi_query_link_in(int32_t netnsid, uint32_t ifindex,
			      const char *name, struct ipsi_link *link)
{
	char buf[MNL_NLMSG_HDRLEN + 128] __attribute__((aligned(4)));
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	int err = ENODEV;

	memset(link, 0, sizeof(*link));
	link->netnsid = -1;
	nlh = ipsi_query_begin(buf, RTM_GETLINK, NLM_F_ACK);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	if (netnsid >= 0)
		mnl_attr_put_u32(nlh, IFLA_TARGET_NETNSID, netnsid);
	if (!ifindex && (!name || strlen(name) >= IF_NAMESIZE ||
			 !mnl_attr_put_strz_check(nlh, sizeof(buf),
						  IFLA_IFNAME, name)))
		return err;
	return ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_link, link);
}

/**
 * ipsi_query_link() - get a link
 * @ifindex: its index
 * @link: the answer
 *
 * Return: 0 or an errno.
 */
int ipsi_query_link(uint32_t ifindex, struct ipsi_link *link)
{
	return ipsi_query_link_in(-1, ifindex, NULL, link);
}

/* The index of an underlay device belongs to the underlay's namespace, which cannot
 * be queried if it has no id in this one.
 */
static int ipsi_query_underlay(const struct ipsi_link *dev, uint32_t ifindex,
			       const char *name, struct ipsi_link *link)
{
	int err = EPERM;

	memset(link, 0, sizeof(*link));
	if (!dev->foreign || dev->netnsid >= 0)
		err = ipsi_query_link_in(dev->netnsid, ifindex, name, link);
	return err;
}

/**
 * ipsi_query_underlay_name() - get the name of an underlay device
 * @dev: index of the device above it, in this namespace
 * @ifindex: index of the underlay device, in its own namespace
 * @name: the answer
 * @foreign: set to true if that is another namespace
 *
 * Return: 0 or an errno.
 */
int ipsi_query_underlay_name(uint32_t dev, uint32_t ifindex,
			     char name[IF_NAMESIZE], bool *foreign)
{
	struct ipsi_link link, underlay;
	int err;

	*foreign = false;
	err = ipsi_query_link(dev, &link);
	if (err)
		return err;
	*foreign = link.foreign;
	err = ipsi_query_underlay(&link, ifindex, NULL, &underlay);
	if (!err)
		memcpy(name, underlay.name, IF_NAMESIZE);
	return err;
}

/**
 * ipsi_query_underlay_index() - get the index of an underlay device
 * @dev: name of the device above it, in this namespace; if it does not exist, a
 *   later request reports that
 * @name: name of the underlay device, in its own namespace
 * @ifindex: the answer
 *
 * Return: 0 or an errno; EPERM if the namespace cannot be queried.
 */
int ipsi_query_underlay_index(const char *dev, const char *name,
			      uint32_t *ifindex)
{
	struct ipsi_link link, underlay;
	int err;

	if (ipsi_query_link_in(-1, 0, dev, &link)) {
		*ifindex = if_nametoindex(name);
		return *ifindex ? 0 : errno;
	}
	err = ipsi_query_underlay(&link, 0, name, &underlay);
	*ifindex = underlay.ifindex;
	return err;
}

struct ipsi_query_addrs {
	void (*handle)(int family, const void *addr, void *data);
	void *data;
};

static int ipsi_query_take_addr(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct ipsi_query_addrs *addrs = data;
	const bool ipv6 = ifa->ifa_family == AF_INET6;
	const size_t len = ipv6 ? sizeof(struct in6_addr) :
				  sizeof(struct in_addr);
	const struct nlattr *attr;
	uint16_t type;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    (!ipv6 && ifa->ifa_family != AF_INET))
		return MNL_CB_OK;
	/* IFA_LOCAL is the local address. IFA_ADDRESS is the peer's, except for
	 * an IPv6 address without a peer, which has no IFA_LOCAL.
	 */
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		type = mnl_attr_get_type(attr);
		if ((type == IFA_LOCAL || (type == IFA_ADDRESS && ipv6)) &&
		    mnl_attr_get_payload_len(attr) == len)
			addrs->handle(ifa->ifa_family,
				      mnl_attr_get_payload(attr), addrs->data);
	}
	return MNL_CB_OK;
}

/**
 * ipsi_query_addrs() - get all addresses of this namespace
 * @handle: called for each address, more than once if addresses change
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_query_addrs(void (*handle)(int family, const void *addr, void *data),
		     void *data)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_addrs addrs = { .handle = handle, .data = data };
	struct nlmsghdr *nlh;

	nlh = ipsi_query_begin(buf, RTM_GETADDR, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	return ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_addr, &addrs);
}

static int ipsi_query_take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint32_t *oif = data;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
		if (mnl_attr_get_type(attr) == RTA_OIF &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*oif = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/**
 * ipsi_query_route() - get the device through which outer packets leave
 * @flow: the packets
 * @oif: set to its ifindex
 *
 * Return: 0, or the errno of the route lookup.
 */
int ipsi_query_route(const struct ipsi_flow *flow, uint32_t *oif)
{
	char buf[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	nlh = ipsi_query_begin(buf, RTM_GETROUTE, NLM_F_ACK);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = flow->family;
	rtm->rtm_dst_len = 8 * flow->len;
	rtm->rtm_src_len = 8 * flow->len;
	mnl_attr_put(nlh, RTA_DST, flow->len, flow->remote);
	mnl_attr_put(nlh, RTA_SRC, flow->len, flow->local);
	if (flow->link)
		mnl_attr_put_u32(nlh, RTA_OIF, flow->link);
	if (flow->mark)
		mnl_attr_put_u32(nlh, RTA_MARK, flow->mark);
	*oif = 0;
	return ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_route, oif);
}

/* Calls @handle for the device of each nexthop. */
static void ipsi_query_nexthops(const struct nlattr *attr,
				struct ipsi_route *route,
				void (*handle)(const struct ipsi_route *route,
					       void *data), void *data)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int len = mnl_attr_get_payload_len(attr);

	route->multipath = true;
	while (RTNH_OK(hop, len)) {
		route->oif = hop->rtnh_ifindex;
		handle(route, data);
		len -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

/* Returns the nexthops if there are several, else NULL. */
static const struct nlattr *
ipsi_query_parse_route(const struct nlmsghdr *nlh, struct ipsi_route *route)
{
	const struct nlattr *hops = NULL;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(route, 0, sizeof(*route));
	route->family = rtm->rtm_family;
	route->type = rtm->rtm_type;
	route->plen = rtm->rtm_dst_len;
	route->table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				route->oif = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				route->table = mnl_attr_get_u32(attr);
			break;
		case RTA_DST:
			if (mnl_attr_get_payload_len(attr) <=
			    sizeof(route->dst))
				memcpy(route->dst, mnl_attr_get_payload(attr),
				       mnl_attr_get_payload_len(attr));
			break;
		case RTA_MULTIPATH:
			hops = attr;
			break;
		}
	}
	return hops;
}

static int ipsi_query_take_inner(const struct nlmsghdr *nlh, void *data)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		ipsi_query_parse_route(nlh, data);
	return MNL_CB_OK;
}

/**
 * ipsi_query_inner_route() - get the route of packets of this host
 * @flow: the packets; only the remote address counts
 * @route: the answer
 *
 * Return: 0, or the errno of the route lookup.
 */
int ipsi_query_inner_route(const struct ipsi_flow *flow,
			   struct ipsi_route *route)
{
	char buf[MNL_NLMSG_HDRLEN + 128] __attribute__((aligned(4)));
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	nlh = ipsi_query_begin(buf, RTM_GETROUTE, NLM_F_ACK);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = flow->family;
	rtm->rtm_dst_len = 8 * flow->len;
	mnl_attr_put(nlh, RTA_DST, flow->len, flow->remote);
	memset(route, 0, sizeof(*route));
	return ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_inner, route);
}

struct ipsi_query_routes {
	void (*handle)(const struct ipsi_route *route, void *data);
	void *data;
};

static int ipsi_query_take_routes(const struct nlmsghdr *nlh, void *data)
{
	struct ipsi_query_routes *routes = data;
	const struct nlattr *hops;
	struct ipsi_route route;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	hops = ipsi_query_parse_route(nlh, &route);
	if (route.type != RTN_UNICAST)
		return MNL_CB_OK;
	if (hops)
		ipsi_query_nexthops(hops, &route, routes->handle,
				    routes->data);
	else
		routes->handle(&route, routes->data);
	return MNL_CB_OK;
}

/**
 * ipsi_query_routes() - get all unicast routes of this namespace
 * @handle: called for each route, for each of its nexthops if there are several
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_query_routes(void (*handle)(const struct ipsi_route *route,
				     void *data), void *data)
{
	static const int families[] = { AF_INET, AF_INET6 };
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_routes routes = { .handle = handle, .data = data };
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	unsigned int i;
	int err = 0;

	for (i = 0; i < 2 && !err; i++) {
		nlh = ipsi_query_begin(buf, RTM_GETROUTE, NLM_F_DUMP);
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = families[i];
		err = ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_routes,
				 &routes);
		/* A kernel without IPv6 has no such routes. */
		if (err == EOPNOTSUPP && families[i] == AF_INET6)
			err = 0;
	}
	return err;
}

struct ipsi_query_xfrm_links {
	void (*handle)(uint32_t if_id, void *data);
	void *data;
};

static int ipsi_query_take_xfrm_link(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *info, *inner, *kind_data = NULL;
	struct ipsi_query_xfrm_links *links = data;
	bool xfrm = false;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(info, attr) {
			if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
				xfrm = !strcmp(mnl_attr_get_str(info), "xfrm");
			if (mnl_attr_get_type(info) == IFLA_INFO_DATA)
				kind_data = info;
		}
	}
	if (!xfrm || !kind_data)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(inner, kind_data)
		if (mnl_attr_get_type(inner) == IFLA_XFRM_IF_ID &&
		    mnl_attr_validate(inner, MNL_TYPE_U32) == 0)
			links->handle(mnl_attr_get_u32(inner), links->data);
	return MNL_CB_OK;
}

/**
 * ipsi_query_xfrm_links() - get the if_ids of the links of type xfrm
 * @handle: called for each link
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_query_xfrm_links(void (*handle)(uint32_t if_id, void *data),
			  void *data)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_xfrm_links links = { .handle = handle, .data = data };
	struct nlmsghdr *nlh;

	nlh = ipsi_query_begin(buf, RTM_GETLINK, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return ipsi_query(NETLINK_ROUTE, buf, ipsi_query_take_xfrm_link,
			  &links);
}

struct ipsi_query_states {
	void (*handle)(const struct ipsi_state *state, void *data);
	void *data;
};

static int ipsi_query_take_state(const struct nlmsghdr *nlh, void *data)
{
	struct ipsi_query_states *states = data;
	struct ipsi_state state = {};
	const struct xfrm_mark *mark;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*state.info))
		return MNL_CB_OK;
	state.info = mnl_nlmsg_get_payload(nlh);
	mnl_attr_for_each(attr, nlh, sizeof(*state.info)) {
		switch (mnl_attr_get_type(attr)) {
		case XFRMA_IF_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				state.if_id = mnl_attr_get_u32(attr);
			break;
		case XFRMA_MARK:
			mark = mnl_attr_get_payload(attr);
			if (mnl_attr_get_payload_len(attr) >= sizeof(*mark))
				state.mark = mark->v & mark->m;
			break;
		}
	}
	states->handle(&state, states->data);
	return MNL_CB_OK;
}

/**
 * ipsi_query_states() - get all states of the SAD
 * @handle: called for each state
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_query_states(void (*handle)(const struct ipsi_state *state,
				     void *data), void *data)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_states states = { .handle = handle, .data = data };

	ipsi_query_begin(buf, XFRM_MSG_GETSA, NLM_F_DUMP);
	return ipsi_query(NETLINK_XFRM, buf, ipsi_query_take_state, &states);
}

struct ipsi_query_policies {
	void (*handle)(const struct ipsi_policy *policy, void *data);
	void *data;
};

static int ipsi_query_take_policy(const struct nlmsghdr *nlh, void *data)
{
	const struct xfrm_userpolicy_type *type;
	struct ipsi_query_policies *policies = data;
	struct ipsi_policy policy = {};
	const struct nlattr *attr;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*policy.info))
		return MNL_CB_OK;
	policy.info = mnl_nlmsg_get_payload(nlh);
	mnl_attr_for_each(attr, nlh, sizeof(*policy.info)) {
		switch (mnl_attr_get_type(attr)) {
		case XFRMA_IF_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				policy.if_id = mnl_attr_get_u32(attr);
			break;
		case XFRMA_TMPL:
			policy.tmpl = mnl_attr_get_payload(attr);
			policy.n = mnl_attr_get_payload_len(attr) /
				   sizeof(*policy.tmpl);
			break;
		case XFRMA_POLICY_TYPE:
			type = mnl_attr_get_payload(attr);
			if (mnl_attr_get_payload_len(attr) >= sizeof(*type) &&
			    type->type != XFRM_POLICY_TYPE_MAIN)
				return MNL_CB_OK;
			break;
		}
	}
	policies->handle(&policy, policies->data);
	return MNL_CB_OK;
}

/**
 * ipsi_query_policies() - get all policies of the SPD
 * @handle: called for each policy
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_query_policies(void (*handle)(const struct ipsi_policy *policy,
				       void *data), void *data)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ipsi_query_policies policies = {
		.handle = handle, .data = data
	};

	ipsi_query_begin(buf, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
	return ipsi_query(NETLINK_XFRM, buf, ipsi_query_take_policy, &policies);
}
