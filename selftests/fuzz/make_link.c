// SPDX-License-Identifier: GPL-2.0
/*
 * Makes requests of rtnetlink: links of both kinds, the underlay, addresses and
 * routes.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "make.h"
#include "spec.h"

int netns_fds[N_NETNS] = { -1, -1, -1 };
bool make_few;

size_t outer_address(unsigned int link, unsigned int a, __u8 to[16])
{
	memset(to, 0, 16);
	if (link % 3 == 2) {
		to[0] = 0xfd;
		to[15] = a;
		return 16;
	}
	to[0] = 10;
	to[3] = a;
	return 4;
}

unsigned int pick_link(struct rng *rng)
{
	return make_few ? 2 * rng_below(rng, 2) : rng_below(rng, N_LINKS);
}

/* In network byte order */
__u32 pick_spi(struct rng *rng)
{
	return htonl(FIRST_SPI + rng_below(rng, make_few ? 3 : N_SPIS));
}

void fill_key(struct rng *rng, __u8 *key, size_t len)
{
	if (make_few)
		memset(key, 0x42, len);
	else
		rng_fill(rng, key, len);
}

const char *pick_ifname(struct rng *rng)
{
	static const char * const odd[] = {
		"lo", UNDERLAY, "", "fuzz", "fuzz%d", "a/b", "none0",
		"a name that is too long", "enc0", "enc1",
	};
	static const char * const names[N_LINKS] = {
		"fuzz0", "fuzz1", "fuzz2", "fuzz3", "fuzz4",
	};

	if (rng_percent(rng, 4))
		return odd[rng_below(rng, FUZZ_N(odd))];
	return names[pick_link(rng)];
}

static void link_head(struct msg *msg, __u16 type, __u16 flags,
		      const char *name)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };

	msg_init(msg, BUS_ROUTE, type, NLM_F_REQUEST | NLM_F_ACK | flags, &head,
		 sizeof(head));
	msg_put_str(msg, IFLA_IFNAME, name);
}

/* The peer's address, or any if the device may learn it */
static unsigned int peer_number(struct rng *rng)
{
	return rng_percent(rng, 10) ? 0 : 2 + rng_below(rng, 2);
}

static void put_endpoints(struct msg *msg, struct rng *rng, unsigned int link)
{
	__u8 address[16];
	unsigned int remote = peer_number(rng);
	size_t len;

	len = outer_address(link, 1, address);
	msg_put(msg, IFLA_IPSEC_IPIP_LOCAL, address, len);
	len = outer_address(link, remote, address);
	if (!remote)
		memset(address, 0, sizeof(address));
	msg_put(msg, IFLA_IPSEC_IPIP_REMOTE, address, len);
	if (!remote)
		msg_put_u8(msg, IFLA_IPSEC_IPIP_ROAM, 1);
}

static void put_option(struct msg *msg, struct rng *rng,
		       const struct fuzz_attr *attr)
{
	__u64 value = attr->values ? rng_below(rng, attr->values) :
					rng_edge(rng, attr->size);

	switch (attr->type) {
	case IFLA_IPSEC_IPIP_LOCAL:
	case IFLA_IPSEC_IPIP_REMOTE:
	case IFLA_IPSEC_IPIP_IF_ID:
		return;
	case IFLA_IPSEC_IPIP_LINK:
		value = rng_percent(rng, 50) ? 0 : if_nametoindex(UNDERLAY);
		break;
	case IFLA_IPSEC_IPIP_ROAM:
	case IFLA_IPSEC_IPIP_ICMP:
		value = rng_below(rng, 2);
		break;
	case IFLA_IPSEC_IPIP_TOS:
		value &= 0xfc;
		break;
	case IFLA_IPSEC_IPIP_ENCAP_PORT:
		value = htons(rng_percent(rng, 80) ? 4500 : 0);
		break;
	}
	if (attr->kind == FUZZ_NUMBER)
		msg_put(msg, attr->type, &value, attr->size);
	else if (rng_percent(rng, 5))
		msg_put(msg, attr->type, &value, rng_below(rng, 9));
}

/* Some options; never one that the kernel only reports, save by spoiling */
static void put_options(struct msg *msg, struct rng *rng)
{
	unsigned int n = rng_below(rng, 5);

	while (n--)
		put_option(msg, rng,
			   &fuzz_link.attrs[rng_below(rng, fuzz_link.n)]);
	if (rng_percent(rng, 50))
		msg_put_u8(msg, IFLA_IPSEC_IPIP_KEYING, rng_below(rng, 3));
}

void make_link(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	char name[8];

	snprintf(name, sizeof(name), "fuzz%u", link);
	link_head(msg, RTM_NEWLINK, NLM_F_CREATE |
		  (rng_percent(rng, 60) ? NLM_F_EXCL : 0), name);
	if (rng_percent(rng, 10))
		msg_put_u32(msg, IFLA_MTU, rng_edge(rng, 2));
	if (rng_percent(rng, 5))
		msg_put_u32(msg, IFLA_NET_NS_FD,
			    netns_fds[rng_below(rng, N_NETNS)]);
	if (rng_percent(rng, 3))
		msg_put_u32(msg, IFLA_LINK_NETNSID, rng_below(rng, 4));
	if (rng_percent(rng, 3))
		msg_put_u32(msg, IFLA_NEW_IFINDEX, 20 + rng_below(rng, 10));
	msg_nest(msg, IFLA_LINKINFO, rng_percent(rng, 50));
	msg_put_str(msg, IFLA_INFO_KIND, "ipsec-ipip");
	msg_nest(msg, IFLA_INFO_DATA, rng_percent(rng, 50));
	put_endpoints(msg, rng, link);
	if (rng_percent(rng, 90))
		msg_put_u32(msg, IFLA_IPSEC_IPIP_IF_ID, link + 1);
	put_options(msg, rng);
	msg_nest_end(msg);
	msg_nest_end(msg);
}

void make_link_change(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	char name[8];

	snprintf(name, sizeof(name), "fuzz%u", link);
	link_head(msg, RTM_NEWLINK, 0, name);
	msg_nest(msg, IFLA_LINKINFO, true);
	msg_put_str(msg, IFLA_INFO_KIND, "ipsec-ipip");
	msg_nest(msg, IFLA_INFO_DATA, true);
	if (rng_percent(rng, 30))
		put_endpoints(msg, rng, link);
	put_options(msg, rng);
	msg_nest_end(msg);
	msg_nest_end(msg);
}

void make_link_delete(struct msg *msg, struct rng *rng)
{
	link_head(msg, RTM_DELLINK, 0, rng_percent(rng, 5) ? UNDERLAY :
							     pick_ifname(rng));
}

void make_enc(struct msg *msg, struct rng *rng)
{
	const char *name = rng_percent(rng, 50) ? "enc0" : "enc1";

	if (rng_percent(rng, 30)) {
		link_head(msg, RTM_DELLINK, 0, name);
		return;
	}
	link_head(msg, RTM_NEWLINK, NLM_F_CREATE, name);
	if (rng_percent(rng, 50))
		msg_put_u32(msg, IFLA_LINK, if_nametoindex(pick_ifname(rng)));
	if (rng_percent(rng, 5))
		msg_put(msg, IFLA_ADDRESS, "\2\3\4\5\6", 6);
	msg_nest(msg, IFLA_LINKINFO, true);
	msg_put_str(msg, IFLA_INFO_KIND, "ipsec-ipip-enc");
	msg_nest_end(msg);
}

void make_link_get(struct msg *msg, struct rng *rng)
{
	link_head(msg, RTM_GETLINK, rng_percent(rng, 50) ? NLM_F_DUMP : 0,
		  pick_ifname(rng));
}

void make_updown(struct msg *msg, struct rng *rng)
{
	const char *name = rng_percent(rng, 80) ? pick_ifname(rng) :
			   rng_percent(rng, 50) ? UNDERLAY : "enc0";
	struct ifinfomsg head = {
		.ifi_change = IFF_UP,
		.ifi_flags = rng_percent(rng, 75) ? IFF_UP : 0,
	};

	link_head(msg, RTM_NEWLINK, 0, name);
	memcpy(msg->head, &head, sizeof(head));
	if (rng_percent(rng, 15))
		msg_put_u32(msg, IFLA_MTU, 60 + rng_below(rng, 2000));
	if (rng_percent(rng, 5))
		msg_put_u32(msg, IFLA_TXQLEN, rng_below(rng, 3));
	if (rng_percent(rng, 2))
		msg_put_u8(msg, IFLA_CARRIER, rng_below(rng, 2));
}

void make_move(struct msg *msg, struct rng *rng)
{
	link_head(msg, RTM_NEWLINK, 0, pick_ifname(rng));
	msg_put_u32(msg, IFLA_NET_NS_FD, netns_fds[rng_below(rng, N_NETNS)]);
	if (rng_percent(rng, 20))
		msg_put_str(msg, IFLA_ALT_IFNAME, pick_ifname(rng));
}

void make_underlay(struct msg *msg, struct rng *rng)
{
	if (rng_percent(rng, 40)) {
		link_head(msg, RTM_DELLINK, 0, UNDERLAY);
		return;
	}
	link_head(msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, UNDERLAY);
	msg_nest(msg, IFLA_LINKINFO, true);
	msg_put_str(msg, IFLA_INFO_KIND, "dummy");
	msg_nest_end(msg);
}

/* Addresses of the underlay, and inner ones */
void make_address(struct msg *msg, struct rng *rng)
{
	bool inner = rng_percent(rng, 50);
	unsigned int link = pick_link(rng);
	struct ifaddrmsg head = {};
	__u8 address[16];
	size_t len;

	len = outer_address(link, 1, address);
	if (inner)
		address[1] = 168;
	head.ifa_family = len == 4 ? AF_INET : AF_INET6;
	head.ifa_prefixlen = len == 4 ? 24 : 64;
	head.ifa_index = if_nametoindex(inner ? pick_ifname(rng) : UNDERLAY);
	msg_init(msg, BUS_ROUTE, rng_percent(rng, 60) ? RTM_NEWADDR :
							RTM_DELADDR,
		 NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, &head, sizeof(head));
	msg_put(msg, IFA_LOCAL, address, len);
	msg_put(msg, IFA_ADDRESS, address, len);
}

/* Routes to inner addresses by a device, and sometimes to a peer: a circle */
void make_route(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	struct rtmsg head = {
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_type = RTN_UNICAST,
	};
	__u8 address[16];
	size_t len;

	len = outer_address(link, 2 + rng_below(rng, 2), address);
	if (rng_percent(rng, 80))
		address[1] = 169;
	head.rtm_family = len == 4 ? AF_INET : AF_INET6;
	head.rtm_dst_len = len * 8;
	head.rtm_scope = len == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	msg_init(msg, BUS_ROUTE, rng_percent(rng, 60) ? RTM_NEWROUTE :
							RTM_DELROUTE,
		 NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, &head, sizeof(head));
	msg_put(msg, RTA_DST, address, len);
	msg_put_u32(msg, RTA_OIF, if_nametoindex(pick_ifname(rng)));
}
