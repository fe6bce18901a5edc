// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets that receive ESP in UDP (RFC 3948) for devices with the option
 * "encap-port". XFRM does the rest: it processes the packets that such a socket
 * receives, and sends without a socket. A key manager opens its own socket,
 * which serves all SAs of the namespace, so this is for manual keying.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/sockptr.h>
#include <linux/udp.h>
#include <linux/xarray.h>
#include <net/sock.h>

#include "icmp.h"
#include "natt.h"
#include "net.h"

IPSI_DEFINE_ENCAP_ERR(ipsi_icmp_err_udp)

/**
 * struct ipsi_natt - one socket, shared by the devices with its port
 * @sock: the socket; owned
 * @family: AF_INET or AF_INET6
 * @port: UDP port, network byte order
 * @users: number of devices; RTNL
 */
struct ipsi_natt {
	struct socket *sock;
	u16 family;
	__be16 port;
	unsigned int users;
};

/* Bind to all addresses of the host, as key managers do: the local endpoint may
 * be assigned later than the device is created.
 */
static int ipsi_natt_bind(struct socket *sock, u16 family, __be16 port)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = port,
	};
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = port,
	};

	if (family == AF_INET)
		return kernel_bind(sock, (void *)&sin, sizeof(sin));

	/* IPv4 uses a separate socket. */
	sock->sk->sk_ipv6only = true;
	return kernel_bind(sock, (void *)&sin6, sizeof(sin6));
}

static int ipsi_natt_open(struct net *net, struct ipsi_natt *natt)
{
	int type = UDP_ENCAP_ESPINUDP;
	int err;

	err = sock_create_kern(net, natt->family, SOCK_DGRAM, IPPROTO_UDP,
			       &natt->sock);
	if (err)
		return err;

	/* Nothing reads packets other than ESP, so do not queue them. */
	natt->sock->sk->sk_rcvbuf = 0;
	udp_sk(natt->sock->sk)->encap_err_rcv =
		IPSI_ENCAP_ERR(ipsi_icmp_err_udp);
	err = ipsi_natt_bind(natt->sock, natt->family, natt->port);
	if (!err)
		err = sock_common_setsockopt(natt->sock, SOL_UDP, UDP_ENCAP,
					     KERNEL_SOCKPTR(&type),
					     sizeof(type));
	if (err)
		sock_release(natt->sock);

	return err;
}

static int ipsi_natt_get(struct net *net, u16 family, __be16 port,
			 struct netlink_ext_ack *extack)
{
	struct xarray *natts = &ipsi_net(net)->natt;
	struct ipsi_natt *natt;
	int err;

	ASSERT_RTNL();

	natt = xa_load(natts, ipsi_natt_index(family, port));
	if (natt) {
		natt->users++;
		return 0;
	}

	natt = kzalloc(sizeof(*natt), GFP_KERNEL);
	if (!natt)
		return -ENOMEM;
	natt->family = family;
	natt->port = port;
	natt->users = 1;

	err = ipsi_natt_open(net, natt);
	if (err) {
		if (err == -EADDRINUSE)
			NL_SET_ERR_MSG(extack,
				       "encap-port: in use by another program; if that is a key manager, it receives for this device too");
		else
			NL_SET_ERR_MSG(extack,
				       "encap-port: cannot be opened");
		goto err_free;
	}

	err = xa_err(xa_store(natts, ipsi_natt_index(family, port), natt,
			      GFP_KERNEL));
	if (err)
		goto err_release;

	return 0;

err_release:
	sock_release(natt->sock);
err_free:
	kfree(natt);
	return err;
}

static void ipsi_natt_put(struct net *net, u16 family, __be16 port)
{
	struct xarray *natts = &ipsi_net(net)->natt;
	struct ipsi_natt *natt;

	ASSERT_RTNL();

	natt = xa_load(natts, ipsi_natt_index(family, port));
	if (WARN_ON_ONCE(!natt) || --natt->users)
		return;

	xa_erase(natts, ipsi_natt_index(family, port));
	sock_release(natt->sock);
	kfree(natt);
}

/**
 * ipsi_natt_listen - set the port that is open for a device
 * @idev: the device
 * @family: family of its endpoints
 * @port: UDP port, network byte order; 0 to close it
 * @extack: gets the reason for a failure; may be NULL
 *
 * Context: RTNL.
 * Return: 0; or a negative errno, with the port unchanged.
 */
int ipsi_natt_listen(struct ipsi_dev *idev, u16 family, __be16 port,
		     struct netlink_ext_ack *extack)
{
	int err;

	if (port == idev->encap_port)
		return 0;

	if (port) {
		err = ipsi_natt_get(idev->net, family, port, extack);
		if (err)
			return err;
	}
	if (idev->encap_port)
		ipsi_natt_put(idev->net, family, idev->encap_port);
	idev->encap_port = port;

	return 0;
}
