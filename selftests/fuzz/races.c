// SPDX-License-Identifier: GPL-2.0
/*
 * Races: in each round several threads start at once and make a few valid
 * requests about the same two devices and three SPIs, while packets go both
 * ways. One more thread makes namespaces and ends them with the devices that
 * were moved there; races.sh unloads the module and deletes the underlay. With
 * --threads 0 there are only the packets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "make.h"
#include "options.h"
#include "sock.h"
#include "table.h"

#define LOAD(what)	__atomic_load_n(&(what), __ATOMIC_RELAXED)
#define REPORT_SECONDS	10

struct thread {
	pthread_t id;
	struct rng rng;
	struct sock sock;
	struct msg msg;
	unsigned long sent;
	unsigned long accepted;
};

static struct thread threads[THREADS_MAX];
static pthread_barrier_t barrier;
static unsigned long rounds, packets, namespaces;
static bool stop;
static bool ended;	/* stop, as all threads see it in a round */

static void step(struct thread *t)
{
	makers[pick_maker(&t->rng)].make(&t->msg, &t->rng);
	t->sent++;
	t->accepted += !sock_request(&t->sock, &t->msg, &t->rng);
}

static void *run(void *arg)
{
	struct thread *t = arg;
	unsigned int n;

	enter_netns(options.right);
	sock_open(&t->sock, t == threads);
	for (;;) {
		/* The id changes when the module is loaded again. */
		if (!rng_below(&t->rng, 20))
			sock_resolve(&t->sock);
		if (t == threads)
			ended = LOAD(stop);
		pthread_barrier_wait(&barrier);
		if (ended)
			break;
		for (n = 1 + rng_below(&t->rng, 4); n; n--)
			step(t);
		if (t == threads &&
		    (++rounds == options.count && options.count))
			__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		pthread_barrier_wait(&barrier);
	}
	sock_close(&t->sock);
	return NULL;
}

/* Packets out of the devices */
static void *send_out(void)
{
	static const char * const names[] = { "fuzz0", "fuzz2" };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(0xc0a80101),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	__u8 data[1300] = {};
	unsigned int i;

	for (i = 0; !LOAD(stop); i++) {
		if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, names[i % 2],
			       sizeof("fuzz0")) ||
		    sendto(fd, data, i % sizeof(data), MSG_DONTWAIT,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			usleep(1000);
		else
			packets++;
	}
	return NULL;
}

/* Packets for the inner addresses of the other host: three of each family, one
 * for each SPI
 */
static void *send_packets(void *arg)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(9) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	__u8 data[1300] = {};
	int fd4, fd6;
	unsigned int i;

	enter_netns(arg);
	if (arg == options.right)
		return send_out();
	fd4 = socket(AF_INET, SOCK_DGRAM, 0);
	fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
	while (!LOAD(stop)) {
		for (i = 1; i <= 3; i++) {
			to4.sin_addr.s_addr = htonl(0xc0a80200 + i);
			to6.sin6_addr.s6_addr[0] = 0xfd;
			to6.sin6_addr.s6_addr[1] = 2;
			to6.sin6_addr.s6_addr[15] = i;
			sendto(fd4, data, 100, MSG_DONTWAIT,
			       (struct sockaddr *)&to4, sizeof(to4));
			sendto(fd6, data, sizeof(data), MSG_DONTWAIT,
			       (struct sockaddr *)&to6, sizeof(to6));
			packets += 2;
		}
		usleep(1000);
	}
	return NULL;
}

/* Namespaces that end with the devices in them */
static void *make_namespaces(void *arg)
{
	unsigned int slot = 0;
	int fd;

	(void)arg;
	while (!LOAD(stop)) {
		if (unshare(CLONE_NEWNET))
			die("unshare");
		fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		fd = __atomic_exchange_n(&netns_fds[slot], fd, __ATOMIC_RELAXED);
		if (fd >= 0)
			close(fd);
		slot = (slot + 1) % N_NETNS;
		namespaces++;
		usleep(300000);
	}
	return NULL;
}

static void report(time_t started)
{
	unsigned long sent = 0, accepted = 0;
	unsigned int i;

	for (i = 0; i < options.threads; i++) {
		sent += threads[i].sent;
		accepted += threads[i].accepted;
	}
	printf("%4ld s: %lu rounds, %lu requests, %lu accepted, %lu packets, %lu namespaces\n",
	       time(NULL) - started, rounds, sent, accepted, packets, namespaces);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	time_t started = time(NULL), last = started;
	pthread_t in, out, others;
	unsigned int i;

	options.threads = 4;
	options_parse(argc, argv);
	if (!options.left || !options.right) {
		fprintf(stderr, "races.sh starts this program\n");
		return 2;
	}
	make_few = true;
	if (options.threads)
		pthread_barrier_init(&barrier, NULL, options.threads);
	for (i = 0; i < options.threads; i++) {
		rng_init(&threads[i].rng, options.seed, i);
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			die("pthread_create");
	}
	if (pthread_create(&in, NULL, send_packets, (void *)options.left) ||
	    pthread_create(&out, NULL, send_packets, (void *)options.right) ||
	    (options.threads &&
	     pthread_create(&others, NULL, make_namespaces, NULL)))
		die("pthread_create");
	while (!LOAD(stop)) {
		usleep(100000);
		if (!options.count && time(NULL) - started >= (time_t)options.seconds)
			__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		if (time(NULL) - last >= REPORT_SECONDS) {
			last = time(NULL);
			report(started);
		}
	}
	for (i = 0; i < options.threads; i++)
		pthread_join(threads[i].id, NULL);
	pthread_join(in, NULL);
	pthread_join(out, NULL);
	if (options.threads)
		pthread_join(others, NULL);
	report(started);
	return 0;
}
