// SPDX-License-Identifier: GPL-2.0
/*
 * The requests, and how often each is made.
 */
#include "make.h"
#include "options.h"
#include "table.h"

const struct maker makers[] = {
	{ "link",		14, make_link },
	{ "link change",	10, make_link_change },
	{ "link delete",	4, make_link_delete },
	{ "capture link",	2, make_enc },
	{ "link get",		2, make_link_get },
	{ "link up, down",	10, make_updown },
	{ "link move",		1, make_move },
	{ "underlay",		1, make_underlay },
	{ "address",		4, make_address },
	{ "route",		4, make_route },
	{ "sa-add",		14, make_sa },
	{ "family",		12, make_sa_request },
	{ "SA",			16, make_xfrm_sa },
	{ "SA delete",		6, make_xfrm_sa_id },
	{ "SPI",		3, make_xfrm_spi },
	{ "policy",		5, make_xfrm_policy },
	{ "policy delete",	2, make_xfrm_policy_id },
	{ "migrate",		4, make_xfrm_migrate },
	{ "flush",		1, make_xfrm_flush },
	{ "expire",		2, make_xfrm_expire },
	{ "replay state",	2, make_xfrm_aevent },
};

const unsigned int n_makers = FUZZ_N(makers);

static unsigned int pick_any(struct rng *rng)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < n_makers; i++)
		total += makers[i].weight;
	at = rng_below(rng, total);
	for (i = 0; at >= makers[i].weight; i++)
		at -= makers[i].weight;
	return i;
}

/* xfrm_state_migrate() of all kernels so far warns if the new state cannot be
 * initialized, as that of an acquire, or added, so migrations are optional.
 */
unsigned int pick_maker(struct rng *rng)
{
	unsigned int i;

	do {
		i = pick_any(rng);
	} while (!options.migrate && makers[i].make == make_xfrm_migrate);
	return i;
}
