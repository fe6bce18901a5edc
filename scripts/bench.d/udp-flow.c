// SPDX-License-Identifier: GPL-2.0
/*
 * udp-flow FROM-NETNS TO-NETNS SRC DST SIZE BATCHES: send UDP packets from one
 * network namespace to another and receive them there. This process does both,
 * in batches of 32, so the machine is never idle. Prints the nanoseconds per
 * packet, the median of all batches; with qemu's -icount they are instructions.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BATCH		32
#define WARM_UP		3
#define MAX_BATCHES	1000
#define PORT		9000

static int socket_in(const char *netns, const char *addr, int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	const struct timeval patience = { .tv_sec = 5 };
	int fd;

	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		errx(1, "%s is not an IPv4 address", addr);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		err(1, "socket on %s", addr);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)))
		err(1, "SO_RCVTIMEO");

	return fd;
}

static unsigned long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static unsigned long batch(int from, int to, const char *data, size_t size)
{
	static char buf[65536];
	unsigned long start = now();
	int i;

	for (i = 0; i < BATCH; i++)
		if (send(from, data, size, 0) != (ssize_t)size)
			err(1, "send");
	for (i = 0; i < BATCH; i++)
		if (recv(to, buf, sizeof(buf), 0) != (ssize_t)size)
			err(1, "packet %d of %d did not arrive", i + 1, BATCH);

	return now() - start;
}

static int compare(const void *a, const void *b)
{
	const unsigned long x = *(const unsigned long *)a;
	const unsigned long y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static unsigned long took[MAX_BATCHES];
	static char data[65536];
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
	};
	int from, to, i, batches;
	size_t size;

	if (argc != 7)
		errx(2, "usage: udp-flow FROM-NETNS TO-NETNS SRC DST SIZE BATCHES");
	size = strtoul(argv[5], NULL, 10);
	batches = atoi(argv[6]);
	if (size > sizeof(data) || batches < 1 || batches > MAX_BATCHES)
		errx(2, "SIZE must be at most %zu, BATCHES 1 to %d",
		     sizeof(data), MAX_BATCHES);

	to = socket_in(argv[2], argv[4], PORT);
	from = socket_in(argv[1], argv[3], 0);
	inet_pton(AF_INET, argv[4], &sin.sin_addr);
	if (connect(from, (struct sockaddr *)&sin, sizeof(sin)))
		err(1, "connect");

	for (i = 0; i < WARM_UP; i++)
		batch(from, to, data, size);
	for (i = 0; i < batches; i++)
		took[i] = batch(from, to, data, size);

	qsort(took, batches, sizeof(*took), compare);
	printf("%lu\n", took[batches / 2] / BATCH);
	return 0;
}
