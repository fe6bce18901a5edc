// SPDX-License-Identifier: GPL-2.0
/*
 * Capture devices: creates one under a free name, by rtnetlink, and deletes it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "capture-link.h"
#include "ipsi.h"
#include "module.h"
#include "nl.h"

#define IPSI_CAPTURE_KIND	"ipsec-ipip-enc"

/* Number of names that are tried; far more than the kernel lets be up. */
#define IPSI_CAPTURE_NAMES	1000

static int ipsi_capture_take(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_OK;
}

/* Sends a request, and waits for the answer. Returns 0 or an errno. */
static int ipsi_capture_talk(struct nlmsghdr *nlh)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct mnl_socket *sock;
	int ret = MNL_CB_OK, err;
	ssize_t got;

	sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!sock)
		return errno;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		ret = MNL_CB_ERROR;
	while (ret > MNL_CB_STOP) {
		got = ipsi_nl_recv(sock, buf, sizeof(buf));
		ret = got < 0 ? MNL_CB_ERROR :
		      mnl_cb_run(buf, got, nlh->nlmsg_seq,
				 mnl_socket_get_portid(sock),
				 ipsi_capture_take, NULL);
	}
	err = ret < 0 ? errno : 0;
	mnl_socket_close(sock);
	return err;
}

static struct nlmsghdr *ipsi_capture_request(char *buf, uint16_t type,
					     uint16_t flags,
					     struct ifinfomsg **ifi)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = 1;
	*ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(**ifi));
	return nlh;
}

static int ipsi_capture_new(const char *name, uint32_t dev)
{
	char buf[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	struct nlattr *info;

	nlh = ipsi_capture_request(buf, RTM_NEWLINK,
				   NLM_F_CREATE | NLM_F_EXCL, &ifi);
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (dev)
		mnl_attr_put_u32(nlh, IFLA_LINK, dev);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, IPSI_CAPTURE_KIND);
	mnl_attr_nest_end(nlh, info);
	return ipsi_capture_talk(nlh);
}

static int ipsi_capture_refused(int err, const char *dev)
{
	char version[64];

	switch (err) {
	case EPERM:
		return ipsi_fail("CAP_NET_ADMIN and CAP_NET_RAW are required: run it as root");
	case EOPNOTSUPP:
		if (!ipsi_module_loaded(version, sizeof(version)))
			return ipsi_module_missing();
		return ipsi_fail("the kernel has no link type %s: load a newer module ipsec_ipip",
				 IPSI_CAPTURE_KIND);
	case EUSERS:
		return ipsi_fail("too many captures in this namespace: see ip link show type %s",
				 IPSI_CAPTURE_KIND);
	case EINVAL:
		if (dev)
			return ipsi_fail("\"%s\" is not an ipsec-ipip device: ipsec-ipip show lists them",
					 dev);
		break;
	}
	return ipsi_fail("cannot create a capture device: %s", strerror(err));
}

/**
 * ipsi_capture_link_add() - create a capture device
 * @link: the result
 * @dev: the device to capture, or NULL for all
 *
 * Return: exit code.
 */
int ipsi_capture_link_add(struct ipsi_capture_link *link, const char *dev)
{
	uint32_t index = 0;
	int err = EEXIST;
	unsigned int i;

	if (dev) {
		index = if_nametoindex(dev);
		if (!index)
			return ipsi_fail("there is no device \"%s\": ipsec-ipip show lists them",
					 dev);
	}
	for (i = 0; err == EEXIST && i < IPSI_CAPTURE_NAMES; i++) {
		snprintf(link->name, sizeof(link->name), "ipsec-enc%u", i);
		err = ipsi_capture_new(link->name, index);
	}
	if (err)
		return ipsi_capture_refused(err, dev);
	link->ifindex = if_nametoindex(link->name);
	if (!link->ifindex)
		return ipsi_fail("%s: %s", link->name, strerror(errno));
	return IPSI_OK;
}

/**
 * ipsi_capture_link_del() - delete a capture device, if there is one
 * @link: the device
 */
void ipsi_capture_link_del(struct ipsi_capture_link *link)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	int err;

	if (!link->ifindex)
		return;
	nlh = ipsi_capture_request(buf, RTM_DELLINK, 0, &ifi);
	ifi->ifi_index = link->ifindex;
	err = ipsi_capture_talk(nlh);
	if (err && err != ENODEV)
		ipsi_warn("%s was not deleted: %s", link->name, strerror(err));
	link->ifindex = 0;
}
