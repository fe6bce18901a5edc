// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: states that a device does not use. The kernel says why.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "attrs.h"
#include "check.h"
#include "ipsi.h"
#include "nl.h"

#define IPSI_ENDS_LEN	320

/* The reason in words, with the next step. */
static const char * const ipsi_check_refusals_text[] = {
	[IPSEC_IPIP_REFUSAL_SELECTOR] =
		"its selectors name a protocol or ports: leave these out of the traffic selectors of the key manager, and filter on the device",
	[IPSEC_IPIP_REFUSAL_INTEGRITY] =
		"it has no integrity protection: add it again with auth, or with an aead",
	[IPSEC_IPIP_REFUSAL_OFFLOAD] =
		"it is offloaded to a network device: turn that off in the key manager (strongSwan: hw_offload = no)",
	[IPSEC_IPIP_REFUSAL_UNSUPPORTED] =
		"it has a property that the device would lose, such as a security context or a care-of address: ip -d xfrm state",
	[IPSEC_IPIP_REFUSAL_FAILED] =
		"its replacement failed: dmesg",
	[IPSEC_IPIP_REFUSAL_MARK] =
		"it has a mark: leave that out, or give the SA the if_id of the device",
	[IPSEC_IPIP_REFUSAL_LIMIT] =
		"the device has as many SAs as it can have: delete old ones: ipsec-ipip sa show",
	[IPSEC_IPIP_REFUSAL_IF_ID] =
		"it does not have the if_id of the device",
	[IPSEC_IPIP_REFUSAL_INVALID] =
		"it is not valid yet, or no longer: ip xfrm state",
	[IPSEC_IPIP_REFUSAL_PROTOCOL] =
		"it is neither ESP nor AH: a device carries no other protocol",
	[IPSEC_IPIP_REFUSAL_ADDRESS] =
		"its addresses are not the endpoints of the device",
	[IPSEC_IPIP_REFUSAL_MODE] =
		"an outbound SA must be in transport mode, unless the device has keying adopt, and an inbound one in transport or tunnel mode: add it again with mode transport",
	[IPSEC_IPIP_REFUSAL_EXHAUSTED] =
		"it has used up its sequence numbers",
	[IPSEC_IPIP_REFUSAL_PENDING] =
		"the device is only about to take it: if this stays, dmesg",
};

/* Asks the kernel about a state. Returns true with the reason why the device does
 * not use it; false if it does, or if the state is gone.
 */
static bool ipsi_check_ask(struct ipsi_check *check,
			   const struct ipsi_state *state, uint32_t *refusal)
{
	const struct xfrm_usersa_info *info = state->info;
	const size_t len = info->family == AF_INET ? sizeof(info->id.daddr.a4) :
						     sizeof(info->id.daddr);
	struct ipsi_replies replies = {};
	struct ipsi_nl *nl = check->nl;
	struct ipsi_attrs sa = {};
	struct nlmsghdr *nlh;
	bool refused;
	int ret;

	nlh = ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_GET, false);
	ret = ipsi_nl_put_string(nlh, IPSEC_IPIP_A_SA_IFNAME, check->raw);
	if (!ret)
		ret = ipsi_nl_put_u8(nlh, IPSEC_IPIP_A_SA_PROTO,
				     info->id.proto);
	if (!ret)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_SA_SPI, &info->id.spi,
				  sizeof(info->id.spi));
	if (!ret)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_SA_DST, &info->id.daddr,
				  len);
	if (!ret)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_MARK, state->mark);
	/* A module that is older refuses the question, and is reported. */
	nl->silent = true;
	if (!ret)
		ret = ipsi_nl_talk(nl, &ipsi_sa_set, &replies);
	nl->silent = false;
	if (!ret && replies.n)
		ipsi_attrs_parse(&sa, &ipsi_sa_set, replies.msg[0]);
	refused = sa.tb[IPSEC_IPIP_A_SA_REFUSAL];
	if (refused)
		*refusal = ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_REFUSAL);
	ipsi_replies_free(&replies);
	return refused;
}

/* Both pairs of addresses, and the next step; "" for another reason. */
static const char *ipsi_check_ends(const struct ipsi_check *check,
				   const struct xfrm_usersa_info *info,
				   uint32_t refusal, char text[IPSI_ENDS_LEN])
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char local[IPSI_TEXT_LEN], remote[IPSI_TEXT_LEN];

	*text = '\0';
	if (refusal != IPSEC_IPIP_REFUSAL_ADDRESS)
		return text;
	inet_ntop(info->family, &info->saddr, src, sizeof(src));
	inet_ntop(info->family, &info->id.daddr, dst, sizeof(dst));
	snprintf(text, IPSI_ENDS_LEN,
		 ": %s -> %s, but the device has local %s remote %s: correct it: ip link set %s type ipsec-ipip ..., or the SA",
		 src, dst,
		 ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_LOCAL, local),
		 ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_REMOTE, remote),
		 check->name);
	return text;
}

/**
 * ipsi_check_state() - check whether the device uses a state
 * @state: the state, which has the if_id of the device, or should be given it
 * @data: struct ipsi_check; the run
 */
void ipsi_check_state(const struct ipsi_state *state, void *data)
{
	const struct xfrm_usersa_info *info = state->info;
	struct ipsi_check *check = data;
	char ends[IPSI_ENDS_LEN];
	uint32_t refusal;

	/* A state without an SPI is still being negotiated. One without if_id
	 * may be for other uses. An SA of the device is checked as such.
	 */
	if (!info->id.spi || !ipsi_check_ask(check, state, &refusal) ||
	    (refusal == IPSEC_IPIP_REFUSAL_IF_ID && !state->if_id) ||
	    refusal == IPSEC_IPIP_REFUSAL_EXHAUSTED)
		return;
	ipsi_found(check, "sa-not-taken", "%s 0x%08x %s, but %s%s",
		   info->id.proto == IPPROTO_ESP ? "esp" :
		   info->id.proto == IPPROTO_AH ? "ah" : "SA",
		   ntohl(info->id.spi),
		   state->if_id ? "has the if_id of the device" :
				  "is between the endpoints of the device",
		   refusal < IPSI_ARRAY_SIZE(ipsi_check_refusals_text) ?
		   ipsi_check_refusals_text[refusal] :
		   "the kernel has a reason that this command does not know",
		   ipsi_check_ends(check, info, refusal, ends));
}
