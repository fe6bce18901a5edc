// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage of the module, read from the device of cover/ipsi_cover.c, if there is
 * one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/types.h>

#include "cover.h"

static unsigned char *map;

/* Forget what was reached so far. */
void cover_open(void)
{
	int fd = open(COVER_DEVICE, O_RDWR);

	if (fd < 0)
		return;
	map = mmap(NULL, COVER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror(COVER_DEVICE);
		exit(1);
	}
	memset(map, 0, COVER_SIZE);
	close(fd);
}

bool cover_has(void)
{
	return map;
}

/* The number of places that were reached */
unsigned int cover_count(void)
{
	return map ? __atomic_load_n((__u32 *)map, __ATOMIC_RELAXED) : 0;
}

/* Write the places that were reached, one a line. */
void cover_write(const char *name)
{
	FILE *to = fopen(name, "w");
	unsigned long i;

	if (!to) {
		perror(name);
		exit(1);
	}
	for (i = 0; map && i < COVER_PLACES; i++)
		if (map[COVER_PAGE + i])
			fprintf(to, "%lx\n", i);
	fclose(to);
}
