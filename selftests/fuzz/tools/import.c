// SPDX-License-Identifier: GPL-2.0
/*
 * The file of "import", in the language of ipsec.conf(5) of OpenBSD or of ip-xfrm(8).
 * No file is left after an error, and the configuration file that it writes can be
 * read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "ipsi.h"
#include "world.h"

#define MADE	"/x/ipsec0.conf"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *argv[] = { "/in", "--dir", "/x", NULL };
	struct ipsi_conf conf = {};

	world_begin();
	world_file("/in", data, len);
	if (ipsi_import(3, argv)) {
		if (world_has(MADE))
			abort();
	} else {
		ipsi_conf_load(&conf, MADE);
		ipsi_conf_free(&conf);
	}
	world_end();
	return 0;
}
