// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: policies of a key manager for the SAs of a device.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "check.h"

/**
 * struct ipsi_check_policies - a search for policies of the device's SAs
 * @check: the run, with the SAs
 * @flow: outer packets of the device
 * @found: for each SA, whether it has a policy
 * @named: number of policies with the if_id of the device
 * @ends: number of policies without if_id, between its endpoints
 * @catches: a policy without if_id matches outbound IPv6
 * @reqid: the reqid of that policy
 */
struct ipsi_check_policies {
	const struct ipsi_check *check;
	struct ipsi_flow flow;
	bool *found;
	size_t named;
	size_t ends;
	bool catches;
	uint32_t reqid;
};

/* Returns the template for SAs of the device, or NULL, by the kernel's rules. */
static const struct xfrm_user_tmpl *
ipsi_check_template(const struct ipsi_check_policies *search,
		    const struct ipsi_policy *policy)
{
	const bool out = policy->info->dir == XFRM_POLICY_OUT;
	const struct ipsi_flow *flow = &search->flow;
	const struct xfrm_user_tmpl *tmpl;
	size_t i;

	for (i = 0; i < policy->n; i++) {
		tmpl = &policy->tmpl[i];
		if (tmpl->mode != XFRM_MODE_TUNNEL ||
		    tmpl->id.proto != IPPROTO_ESP)
			continue;
		if (policy->if_id ||
		    (tmpl->family == flow->family &&
		     !memcmp(&tmpl->saddr, out ? flow->local : flow->remote,
			     flow->len) &&
		     !memcmp(&tmpl->id.daddr, out ? flow->remote : flow->local,
			     flow->len)))
			return tmpl;
	}
	return NULL;
}

/* Returns true for a trap policy that names no tunnel endpoints. */
static bool ipsi_check_is_trap(const struct ipsi_policy *policy)
{
	static const xfrm_address_t any;

	return policy->n == 1 && policy->info->dir == XFRM_POLICY_OUT &&
	       policy->tmpl->mode == XFRM_MODE_TRANSPORT &&
	       policy->tmpl->id.proto == IPPROTO_ESP &&
	       !memcmp(&policy->tmpl->id.daddr, &any, sizeof(any)) &&
	       !memcmp(&policy->tmpl->saddr, &any, sizeof(any));
}

/* Returns true if the device adopts the SAs of this policy. */
static bool ipsi_check_adopts(const struct ipsi_check *check,
			      const struct ipsi_policy *policy)
{
	const uint64_t keying = ipsi_attr_u64(check->dev,
					      IPSEC_IPIP_A_DEV_KEYING);

	if (!policy->if_id)
		return keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS;
	return keying != IPSEC_IPIP_KEYING_MANUAL &&
	       policy->if_id == ipsi_attr_u64(check->dev,
					      IPSEC_IPIP_A_DEV_IF_ID);
}

static void ipsi_check_mark(struct ipsi_check_policies *search, bool out,
			    uint32_t reqid)
{
	const uint64_t direction = out ? IPSEC_IPIP_DIRECTION_OUT :
					 IPSEC_IPIP_DIRECTION_IN;
	const struct ipsi_replies *sas = &search->check->sas;
	struct ipsi_attrs sa;
	size_t i;

	for (i = 0; i < sas->n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, sas->msg[i]);
		if (ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_DIRECTION) ==
		    direction &&
		    ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_REQID) == reqid)
			search->found[i] = true;
	}
}

static void ipsi_check_policy(const struct ipsi_policy *policy, void *data)
{
	const bool out = policy->info->dir == XFRM_POLICY_OUT;
	struct ipsi_check_policies *search = data;
	const bool adopts = ipsi_check_adopts(search->check, policy);
	const bool trap = adopts && ipsi_check_is_trap(policy);
	const struct xfrm_user_tmpl *tmpl;

	if (policy->info->action != XFRM_POLICY_ALLOW ||
	    (!out && policy->info->dir != XFRM_POLICY_IN))
		return;
	tmpl = ipsi_check_template(search, policy);
	if (!tmpl && !trap)
		return;

	if (out && !policy->if_id && policy->info->sel.family == AF_INET6) {
		search->catches = true;
		search->reqid = tmpl ? tmpl->reqid : policy->tmpl->reqid;
	}
	if (!adopts)
		return;
	if (policy->if_id)
		search->named++;
	else if (tmpl)
		search->ends++;
	if (tmpl)
		ipsi_check_mark(search, out, tmpl->reqid);
}

/* With "policies required", an SA without a policy carries no packets. */
static void ipsi_check_required(struct ipsi_check *check, const bool *found)
{
	struct ipsi_attrs sa;
	char name[64];
	size_t i;

	if (ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_POLICIES) !=
	    IPSEC_IPIP_POLICIES_REQUIRED)
		return;

	for (i = 0; i < check->sas.n; i++) {
		if (found[i])
			continue;
		ipsi_attrs_parse(&sa, &ipsi_sa_set, check->sas.msg[i]);
		ipsi_check_name_sa(&sa, name, sizeof(name));
		ipsi_found(check, "no-policy",
			   "%s carries no packets: policies are required, and there is none for its reqid %u: ip xfrm policy; let the key manager set them, or ip link set %s type ipsec-ipip policies optional",
			   name,
			   (unsigned int)ipsi_attr_u64(&sa,
						       IPSEC_IPIP_A_SA_REQID),
			   check->name);
	}
}

/**
 * ipsi_check_policies() - look for policies that are missing, or in the way
 * @check: the run
 * @flow: outer packets of the device
 *
 * Only called if the underlay, whose namespace has the policies, is in this one.
 *
 * Return: 0 or an errno.
 */
int ipsi_check_policies(struct ipsi_check *check, const struct ipsi_flow *flow)
{
	struct ipsi_check_policies search = { .check = check, .flow = *flow };
	size_t most;
	int err;

	search.found = calloc(check->sas.n + 1, sizeof(*search.found));
	if (!search.found)
		return errno;
	err = ipsi_snapshot_policies(&check->snap,
				     ipsi_attr_u64(check->dev,
						   IPSEC_IPIP_A_DEV_IF_ID),
				     flow, ipsi_check_policy, &search);
	if (!err)
		ipsi_check_required(check, search.found);
	free(search.found);
	if (err)
		return err;

	most = search.named > search.ends ? search.named : search.ends;
	if (most > IPSEC_IPIP_POLICIES_MAX)
		ipsi_found(check, "policies-limit",
			   "there are %zu policies for the SAs of the device, more than the limit of %u: no packets pass; merge networks in the key manager: ip xfrm policy count",
			   most, IPSEC_IPIP_POLICIES_MAX);
	if (search.catches && !ipsi_check_setting(check, "ipv6", "disable_xfrm"))
		ipsi_found(check, "policy-ipv6",
			   "a policy without if_id, for reqid %u, matches IPv6 packets before they reach the device: configure the if_id in the key manager (strongSwan: if_id_out and if_id_in, libreswan: ipsec-interface), or move the device to another namespace",
			   search.reqid);
	return 0;
}
