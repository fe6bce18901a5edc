// SPDX-License-Identifier: GPL-2.0
/*
 * A key, as the contents of a key file and as an argument. Both forms give the same
 * key, and an argument is wiped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsi.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[] = "file:/k", *arg = malloc(len + 3);
	struct ipsi_key by_file = {}, by_arg = {};
	int ret;
	size_t i;

	world_begin();
	world_file("/k", data, len);
	ret = ipsi_key_read("key", path, &by_file);
	memcpy(arg, "0x", 2);
	memcpy(arg + 2, data, len);
	arg[len + 2] = '\0';
	if (!ipsi_key_read("key", arg, &by_arg) && strlen((char *)arg))
		abort();
	if (!ret && by_file.len > IPSEC_IPIP_KEY_MAX_LEN)
		abort();
	if (!ret && by_arg.len && by_arg.len == by_file.len)
		for (i = 0; i < by_arg.len; i++)
			if (by_file.data[i] != by_arg.data[i])
				abort();
	free(arg);
	world_end();
	return 0;
}
