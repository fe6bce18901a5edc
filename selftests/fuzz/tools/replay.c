// SPDX-License-Identifier: GPL-2.0
/*
 * replay FILE...: run inputs once, without libFuzzer
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	size_t len;
	FILE *f;
	int i;

	LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++) {
		/* fopen() would look in the world. */
		f = freopen(argv[i], "r", stdin);
		if (!f)
			return 1;
		len = fread(data, 1, sizeof(data), f);
		dprintf(2, "%s\n", argv[i]);
		LLVMFuzzerTestOneInput(data, len);
	}
	return 0;
}
