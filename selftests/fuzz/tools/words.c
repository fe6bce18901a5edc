// SPDX-License-Identifier: GPL-2.0
/*
 * The words of the command line, one a line of the input. The kernel answers each
 * request with success and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "ipsi.h"
#include "world.h"

#define WORDS	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *argv[WORDS + 1], *at = text;
	int argc = 0;

	world_begin();
	memcpy(text, data, len);
	text[len] = '\0';
	argv[argc++] = "ipsec-ipip";
	while (at && argc < WORDS) {
		argv[argc] = strsep(&at, "\n");
		/* It would read standard input. */
		if (strcmp(argv[argc], "-"))
			argc++;
	}
	argv[argc] = NULL;
	ipsi_main(argc, argv);
	free(text);
	world_end();
	return 0;
}
