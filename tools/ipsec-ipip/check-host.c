// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: faults of the host, and SAs that no device has.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "check.h"
#include "module.h"
#include "nl.h"

/* Links of "systemctl enable" */
#define IPSI_UNITS	"/etc/systemd/system/*.wants/ipsec-ipip@*.service"

/**
 * struct ipsi_check_orphans - a search for states of no device
 * @check: the run
 * @if_ids: those of devices and xfrm interfaces, sorted
 * @n: their number
 * @err: errno of a failure to add one
 */
struct ipsi_check_orphans {
	struct ipsi_check *check;
	uint32_t *if_ids;
	size_t n;
	int err;
};

static const char *ipsi_check_proto(const struct xfrm_usersa_info *info)
{
	return info->id.proto == IPPROTO_AH ? "ah" : "esp";
}

/* A device in another namespace has states here, which are used. */
static void ipsi_check_orphan(const struct ipsi_state *state, void *data)
{
	const struct xfrm_usersa_info *info = state->info;
	struct ipsi_check_orphans *orphans = data;

	if (!state->if_id || !info->id.spi || info->curlft.use_time ||
	    bsearch(&state->if_id, orphans->if_ids, orphans->n,
		    sizeof(*orphans->if_ids), ipsi_u32_cmp))
		return;
	ipsi_found(orphans->check, "sa-no-device",
		   "%s 0x%08x has the if_id 0x%x, which no device of this namespace has: correct one of them, or delete the state: ip xfrm state list nokeys spi 0x%08x",
		   ipsi_check_proto(info), ntohl(info->id.spi), state->if_id,
		   ntohl(info->id.spi));
}

static void ipsi_check_add_if_id(uint32_t if_id, void *data)
{
	struct ipsi_check_orphans *orphans = data;
	uint32_t *if_ids = reallocarray(orphans->if_ids, orphans->n + 1,
					sizeof(*if_ids));

	if (!if_ids) {
		orphans->err = ENOMEM;
		return;
	}
	orphans->if_ids = if_ids;
	if_ids[orphans->n++] = if_id;
}

static int ipsi_check_all_orphans(struct ipsi_check *check)
{
	struct ipsi_check_orphans orphans = { .check = check };
	struct ipsi_attrs dev;
	size_t i;
	int err;

	for (i = 0; i < check->devs.n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, check->devs.msg[i]);
		ipsi_check_add_if_id(ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_IF_ID),
				     &orphans);
	}
	err = ipsi_query_xfrm_links(ipsi_check_add_if_id, &orphans);
	if (!err)
		err = orphans.err;
	if (!err && orphans.n)
		qsort(orphans.if_ids, orphans.n, sizeof(*orphans.if_ids),
		      ipsi_u32_cmp);
	if (!err)
		err = ipsi_snapshot_all_states(&check->snap, ipsi_check_orphan,
					       &orphans);
	free(orphans.if_ids);
	return err;
}

static const char *ipsi_check_unit_name(const char *path)
{
	return strrchr(path, '@') + 1;
}

static int ipsi_check_unit_cmp(const void *a, const void *b)
{
	return strcmp(ipsi_check_unit_name(*(char * const *)a),
		      ipsi_check_unit_name(*(char * const *)b));
}

/* Links that are made at boot, and are not there. They are not down: the module was
 * removed, for instance, and systemd still takes the units for active. A unit that
 * two targets want is reported once.
 */
static void ipsi_check_units(struct ipsi_check *check)
{
	const char *unit, *last = "";
	char name[NAME_MAX + 1];
	glob_t found;
	size_t i;

	if (!ipsi_first_netns() || glob(IPSI_UNITS, 0, NULL, &found))
		return;
	qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv),
	      ipsi_check_unit_cmp);
	for (i = 0; i < found.gl_pathc; i++) {
		unit = ipsi_check_unit_name(found.gl_pathv[i]);
		if (!strcmp(unit, last))
			continue;
		last = unit;
		snprintf(name, sizeof(name), "%s", unit);
		name[strlen(name) - strlen(".service")] = '\0';
		if (*name && !if_nametoindex(name) && !ipsi_file_moves_link(name))
			ipsi_found(check, "not-up",
				   "ipsec-ipip@%s is enabled, but there is no link %s: modprobe -r ipsec_ipip or ip link del has deleted it, or it was not made: systemctl restart ipsec-ipip@%s",
				   name, name, name);
	}
	globfree(&found);
}

/**
 * ipsi_check_host() - look for faults that are not those of one device
 * @check: the run, with all devices
 *
 * Return: 0 or an errno.
 */
int ipsi_check_host(struct ipsi_check *check)
{
	char loaded[64], release[256];

	check->dev = NULL;
	check->name = "host";
	if (ipsi_module_loaded(loaded, sizeof(loaded)) &&
	    strverscmp(loaded, ipsi_version) < 0)
		ipsi_found(check, "module-old",
			   "the loaded module has version %s, and this command %s: reboot, or run modprobe -r ipsec_ipip, which deletes all links without a question, and make them again",
			   loaded, ipsi_version);
	if (ipsi_module_lacks(release, sizeof(release)))
		ipsi_found(check, "module-next",
			   "Linux %s is installed without the module, so no link can be made after a boot into it: install its headers (Debian: linux-headers-%s), then dkms autoinstall",
			   release, release);
	ipsi_check_units(check);
	return ipsi_check_all_orphans(check);
}

/* A state between the endpoints of a device that has none in its direction */
struct ipsi_check_elsewhere {
	struct ipsi_check *check;
	const struct ipsi_flow *flow;
	bool out, in;		/* the device has an SA of this direction */
	bool by_ends;		/* it adopts those without if_id */
	bool reported;
};

static void ipsi_check_other(const struct ipsi_state *state, void *data)
{
	const struct xfrm_usersa_info *info = state->info;
	struct ipsi_check_elsewhere *search = data;
	const struct ipsi_flow *flow = search->flow;
	const uint32_t if_id = ipsi_attr_u64(search->check->dev,
					     IPSEC_IPIP_A_DEV_IF_ID);
	bool out;

	if (search->reported || !info->id.spi || state->if_id == if_id ||
	    info->family != flow->family)
		return;
	out = !memcmp(&info->id.daddr, flow->remote, flow->len) &&
	      !memcmp(&info->saddr, flow->local, flow->len);
	if (!out && (memcmp(&info->id.daddr, flow->local, flow->len) ||
		     memcmp(&info->saddr, flow->remote, flow->len)))
		return;
	if (out ? search->out : search->in)
		return;
	if (search->by_ends && !state->if_id) {
		ipsi_check_state(state, search->check);
		return;
	}
	search->reported = true;
	ipsi_found(search->check, "sa-other-if-id",
		   "%s 0x%08x is between the endpoints of the device, but has %s 0x%x and not 0x%x: add it again with if_id 0x%x, or give the daemon that if_id",
		   ipsi_check_proto(info), ntohl(info->id.spi),
		   state->if_id ? "the if_id" : "no if_id, that is",
		   state->if_id, if_id, if_id);
}

/**
 * ipsi_check_elsewhere() - look for SAs that lack the if_id of the device
 * @check: the run
 * @flow: the endpoints of the device
 *
 * Only if the device has no SA in a direction: others may have good reasons.
 *
 * Return: 0 or an errno.
 */
int ipsi_check_elsewhere(struct ipsi_check *check, const struct ipsi_flow *flow)
{
	struct ipsi_check_elsewhere search = {
		.check = check, .flow = flow,
		.out = ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_SA_OUT),
		.in = ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_SA_IN),
		.by_ends = ipsi_attr_u64(check->dev,
					 IPSEC_IPIP_A_DEV_KEYING) ==
			   IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS,
	};

	if (search.out && search.in)
		return 0;
	return ipsi_snapshot_all_states(&check->snap, ipsi_check_other, &search);
}
