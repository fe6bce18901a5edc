// SPDX-License-Identifier: GPL-2.0
/*
 * flow WAY FROM-NETNS TO-NETNS SRC DST SIZE BATCHES: send data from one network
 * namespace to another and receive it there. This process does both, in
 * batches, so the machine is never idle. Prints the median of all batches; with
 * qemu's -icount a nanosecond is an instruction.
 *
 *	udp	packets of SIZE bytes; nanoseconds a packet
 *	gso	packets of SIZE bytes, which the kernel segments; the same
 *	tcp	a stream, written by SIZE bytes; nanoseconds a kilobyte
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PACKETS		32
#define TCP_BYTES	(256 * 1024)
#define WARM_UP		3
#define MAX_BATCHES	1000
#define MAX_SIZE	65536
#define PORT		9000
#define PATIENCE_MS	5000

static char data[MAX_SIZE];

struct flow {
	const char *way;
	int from;
	int to;
	size_t size;
};

static unsigned long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static struct sockaddr_in address(const char *addr, int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		errx(1, "%s is not an IPv4 address", addr);
	return sin;
}

static int socket_in(const char *netns, const char *addr, int port, int type)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_in sin = address(addr, port);
	int fd;

	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);

	fd = socket(AF_INET, type, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		err(1, "socket on %s", addr);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)))
		err(1, "SO_RCVTIMEO");

	return fd;
}

static unsigned long packets(const struct flow *flow)
{
	static char buf[MAX_SIZE];
	unsigned long start = now();
	int i;

	if (!strcmp(flow->way, "gso")) {
		const size_t all = PACKETS * flow->size;

		if (send(flow->from, data, all, 0) != (ssize_t)all)
			err(1, "send");
	} else {
		for (i = 0; i < PACKETS; i++)
			if (send(flow->from, data, flow->size, 0) !=
			    (ssize_t)flow->size)
				err(1, "send");
	}

	for (i = 0; i < PACKETS; i++)
		if (recv(flow->to, buf, sizeof(buf), 0) != (ssize_t)flow->size)
			err(1, "packet %d of %d did not arrive", i + 1,
			    PACKETS);

	return (now() - start) / PACKETS;
}

/* Return the number of bytes moved, or 0 if the socket would block. */
static size_t moved(ssize_t n, const char *what)
{
	if (n < 0 && errno != EAGAIN)
		err(1, "%s", what);
	return n < 0 ? 0 : n;
}

static unsigned long stream(const struct flow *flow)
{
	struct pollfd readable = { .fd = flow->to, .events = POLLIN };
	size_t sent = 0, received = 0, n, m;
	unsigned long start = now();
	static char buf[MAX_SIZE];

	while (received < TCP_BYTES) {
		n = 0;
		if (sent < TCP_BYTES)
			n = moved(send(flow->from, data, flow->size,
				       MSG_DONTWAIT), "send");
		sent += n;
		m = moved(recv(flow->to, buf, sizeof(buf), MSG_DONTWAIT),
			  "recv");
		received += m;
		/* Nothing moves until a timer expires. */
		if (!n && !m && poll(&readable, 1, PATIENCE_MS) != 1)
			errx(1, "%zu bytes did not arrive", sent - received);
	}

	return (now() - start) / (TCP_BYTES / 1024);
}

static unsigned long batch(const struct flow *flow)
{
	return strcmp(flow->way, "tcp") ? packets(flow) : stream(flow);
}

static void open_udp(struct flow *flow, char **argv)
{
	const struct sockaddr_in to = address(argv[5], PORT);
	const int segment = flow->size;

	flow->to = socket_in(argv[3], argv[5], PORT, SOCK_DGRAM);
	flow->from = socket_in(argv[2], argv[4], 0, SOCK_DGRAM);
	if (connect(flow->from, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	if (!strcmp(flow->way, "gso") &&
	    setsockopt(flow->from, IPPROTO_UDP, UDP_SEGMENT, &segment,
		       sizeof(segment)))
		err(1, "UDP_SEGMENT");
}

static void open_tcp(struct flow *flow, char **argv)
{
	const struct sockaddr_in to = address(argv[5], PORT);
	const int yes = 1;
	int fd;

	fd = socket_in(argv[3], argv[5], PORT, SOCK_STREAM);
	if (listen(fd, 1))
		err(1, "listen");
	flow->from = socket_in(argv[2], argv[4], 0, SOCK_STREAM);
	if (connect(flow->from, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	flow->to = accept(fd, NULL, NULL);
	if (flow->to < 0)
		err(1, "accept");
	if (setsockopt(flow->from, IPPROTO_TCP, TCP_NODELAY, &yes,
		       sizeof(yes)))
		err(1, "TCP_NODELAY");
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
	struct flow flow;
	int i, batches;

	if (argc != 8)
		errx(2, "usage: flow udp|gso|tcp FROM-NETNS TO-NETNS SRC DST SIZE BATCHES");
	flow.way = argv[1];
	flow.size = strtoul(argv[6], NULL, 10);
	batches = atoi(argv[7]);
	if (!flow.size || flow.size > sizeof(data) || batches < 1 ||
	    batches > MAX_BATCHES)
		errx(2, "SIZE must be 1 to %zu, BATCHES 1 to %d",
		     sizeof(data), MAX_BATCHES);

	if (!strcmp(flow.way, "tcp"))
		open_tcp(&flow, argv);
	else
		open_udp(&flow, argv);

	for (i = 0; i < WARM_UP; i++)
		batch(&flow);
	for (i = 0; i < batches; i++)
		took[i] = batch(&flow);

	qsort(took, batches, sizeof(*took), compare);
	printf("%lu\n", took[batches / 2]);
	return 0;
}
