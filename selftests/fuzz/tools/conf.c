// SPDX-License-Identifier: GPL-2.0
/*
 * A configuration file: an input that is accepted is printed as "strip" prints it,
 * and that text must be accepted too and give the same SAs.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "ipsi.h"
#include "world.h"

#define FILE_IN		"/x/ipsec0.conf"
#define FILE_OUT	"/x/again.conf"

static void check_same(const struct ipsi_conf *a, const struct ipsi_conf *b)
{
	size_t i;

	if (a->n_sa != b->n_sa)
		abort();
	for (i = 0; i < a->n_sa; i++)
		if (!ipsi_conf_sa_equal(&a->sa[i]->args, &b->sa[i]->args))
			abort();
	for (i = 0; i < IPSI_CONF_OPTIONS; i++)
		if (!ipsi_conf_option_equal(&a->option[i], &b->option[i]))
			abort();
}

/* Prints a configuration, and reads it again. */
static void check_again(const struct ipsi_conf *conf)
{
	struct ipsi_conf again = {};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	fputs("[Link]\n", f);
	ipsi_conf_option_print(f, conf);
	if (ipsi_conf_sa_print(f, conf, NULL))
		abort();
	fclose(f);
	world_file(FILE_OUT, text, len);
	free(text);
	if (ipsi_conf_load(&again, FILE_OUT))
		abort();
	check_same(conf, &again);
	ipsi_conf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char key[] = "000102030405060708090a0b0c0d0e0f\n";
	struct ipsi_conf conf = {};

	world_begin();
	world_file(FILE_IN, data, len);
	world_file("/k", key, sizeof(key) - 1);
	if (!ipsi_conf_load(&conf, FILE_IN))
		check_again(&conf);
	ipsi_conf_free(&conf);
	world_end();
	return 0;
}
