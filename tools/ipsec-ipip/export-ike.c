// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip export for IKE daemons: the peer's half of a link whose configuration
 * file has keys from IKE. It comes from the file, and needs no link and no kernel.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export-ike.h"
#include "ipsi.h"

static int ipsi_export_secret(struct ipsi_export_ike *ike)
{
	const char *value = ipsi_conf_text(&ike->conf, "Secret");
	int ret;

	if (!value)
		return IPSI_OK;
	ret = ipsi_ike_secret(value, ike->secret);
	ike->secret_len = ret ? 0 : strlen(ike->secret);
	return ret;
}

/* An identity of the file; else the address, or the subject of a certificate. */
static const char *ipsi_export_id(const struct ipsi_conf *conf, const char *key,
				  const char *addr)
{
	const char *value = ipsi_conf_text(conf, key);

	if (value)
		return value;
	return ipsi_conf_text(conf, "Certificate") ? "" : addr;
}

static int ipsi_export_add(char nets[][IPSI_NET_LEN], size_t *n,
			   const struct ipsi_addr *addr, unsigned int plen)
{
	char text[INET6_ADDRSTRLEN], net[IPSI_NET_LEN];

	inet_ntop(addr->family, addr->data, text, sizeof(text));
	snprintf(net, sizeof(net), "%s/%u", text, plen);
	return ipsi_setup_add_net(nets, n, net);
}

/* Traffic selectors of the file: networks, separated by commas */
static int ipsi_export_ts(const struct ipsi_conf *conf, const char *key,
			  char nets[][IPSI_NET_LEN], size_t *n)
{
	const char *at = ipsi_conf_text(conf, key);
	char text[IPSI_NET_LEN], net[IPSI_NET_LEN];
	int ret = IPSI_OK;
	size_t len;

	while (at && *at && !ret) {
		at += strspn(at, ", ");
		len = strcspn(at, ", ");
		snprintf(text, sizeof(text), "%.*s", (int)len, at);
		if (len)
			ret = ipsi_setup_net(key, text, net);
		if (len && !ret)
			ret = ipsi_setup_add_net(nets, n, net);
		at += len;
	}
	return ret;
}

/* The networks of the file, as far as the command line has none: traffic
 * selectors, or else addresses and routes.
 */
static int ipsi_export_ike_nets(const struct ipsi_conf *conf,
				struct ipsi_setup *setup)
{
	bool mine = !setup->n_mine, theirs = !setup->n_theirs;
	int ret = IPSI_OK;
	size_t i;

	if (mine)
		ret = ipsi_export_ts(conf, "LocalTS", setup->mine,
				     &setup->n_mine);
	if (!ret && theirs)
		ret = ipsi_export_ts(conf, "RemoteTS", setup->theirs,
				     &setup->n_theirs);
	mine = !setup->n_mine;
	theirs = !setup->n_theirs;
	for (i = 0; i < conf->n_address && mine && !ret; i++)
		ret = ipsi_export_add(setup->mine, &setup->n_mine,
				      &conf->address[i].local,
				      8 * conf->address[i].local.len);
	for (i = 0; i < conf->n_address && theirs && !ret; i++)
		if (conf->address[i].peer.family)
			ret = ipsi_export_add(setup->theirs, &setup->n_theirs,
					      &conf->address[i].peer,
					      conf->address[i].peer.plen);
	for (i = 0; i < conf->n_route && theirs && !ret; i++)
		ret = ipsi_export_add(setup->theirs, &setup->n_theirs,
				      &conf->route[i].dst,
				      conf->route[i].dst.plen);
	if (!ret && !setup->n_mine)
		ret = ipsi_usage("there is no Address: add one, or --net NET");
	if (!ret && !setup->n_theirs)
		ret = ipsi_usage("there is no Route: add one, or --gateway NET");
	return ret;
}

/* By default, libreswan takes only what it would propose itself: one network on
 * each side.
 */
static int ipsi_export_ike_exact(const struct ipsi_conf *conf,
				 const struct ipsi_setup *setup)
{
	if (setup->n_mine > 1 || setup->n_theirs > 1)
		return ipsi_fail("libreswan needs one network on each side, and there are %zu and %zu: name them by --net and --gateway",
				 setup->n_mine, setup->n_theirs);
	if (!ipsi_conf_text(conf, "LocalTS") ||
	    !ipsi_conf_text(conf, "RemoteTS"))
		return ipsi_fail("libreswan does not narrow traffic selectors by default: add the lines \"LocalTS = %s\" and \"RemoteTS = %s\" to the file of this host",
				 setup->mine[0], setup->theirs[0]);
	return IPSI_OK;
}

/* The daemons have different words for algorithms. */
static int ipsi_export_ike_words(const struct ipsi_conf *conf, bool libreswan)
{
	const char *daemon = ipsi_conf_text(conf, "Daemon");

	if ((daemon && !strcmp(daemon, "libreswan")) == libreswan ||
	    (!ipsi_conf_text(conf, "IkeProposals") &&
	     !ipsi_conf_text(conf, "EspProposals")))
		return IPSI_OK;
	return ipsi_fail("IkeProposals and EspProposals are in the words of %s: leave them out, or write those of %s by hand",
			 libreswan ? "strongSwan" : "libreswan",
			 libreswan ? "libreswan" : "strongSwan");
}

static int ipsi_export_ike_fill(struct ipsi_export_ike *ike, const char *dev,
				struct ipsi_setup *setup)
{
	struct ipsi_conf *conf = &ike->conf;
	int ret;

	ret = ipsi_conf_load(conf, dev);
	if (ret)
		return ret;
	ipsi_conf_at(conf, 0);
	if (!ipsi_conf_ike(conf))
		return ipsi_fail("the link has keys set by hand, which IKE daemons do not take: use --to ip-xfrm, openbsd or self, or set Secret in place of [SA]");
	snprintf(ike->name, sizeof(ike->name), "ipsec-ipip-%s", conf->dev);
	ike->local = ipsi_ike_addr(conf, IPSI_CONF_REMOTE, ike->local_buf);
	ike->remote = ipsi_ike_addr(conf, IPSI_CONF_LOCAL, ike->remote_buf);
	ike->local_id = ipsi_export_id(conf, "RemoteId", ike->local);
	ike->remote_id = ipsi_export_id(conf, "LocalId", ike->remote);
	/* A host without the address of its peer waits itself. */
	ike->waits = conf->option[IPSI_CONF_ROAM].number &&
		     strcmp(ike->local, "%any");
	ike->setup = setup;
	ret = ipsi_export_ike_nets(conf, setup);
	return ret ? ret : ipsi_export_secret(ike);
}

/**
 * ipsi_export_ike() - write the peer's half for an IKE daemon
 * @dev: name of the link, or its configuration file
 * @setup: networks from the command line; the others are added
 * @libreswan: for libreswan, not strongSwan
 *
 * Return: exit code.
 */
int ipsi_export_ike(const char *dev, struct ipsi_setup *setup, bool libreswan)
{
	static char buf[16384];
	struct ipsi_export_ike *ike = calloc(1, sizeof(*ike));
	const char *verb = ipsi_opts.verb;
	int ret;

	if (!ike)
		return ipsi_fail("%s", strerror(ENOMEM));
	ret = ipsi_export_ike_fill(ike, dev, setup);
	if (!ret)
		ret = ipsi_export_ike_words(&ike->conf, libreswan);
	if (!ret && libreswan)
		ret = ipsi_export_ike_exact(&ike->conf, setup);
	if (!ret) {
		/* Messages are no longer about a line of the file. */
		ipsi_opts.verb = verb;
		ipsi_warn_stdout();
		/* stdio's own buffer would keep the secret. */
		setvbuf(stdout, buf, _IOFBF, sizeof(buf));
		if (libreswan)
			ipsi_export_libreswan(ike);
		else
			ipsi_export_swanctl(ike);
		if (fflush(stdout))
			ret = ipsi_fail("output: %s", strerror(errno));
		explicit_bzero(buf, sizeof(buf));
	}
	ipsi_conf_free(&ike->conf);
	explicit_bzero(ike, sizeof(*ike));
	free(ike);
	return ret;
}
