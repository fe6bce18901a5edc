// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzer of the netlink interfaces: links, the generic netlink family, and XFRM,
 * from several threads, as root and as the root of a user namespace, while
 * namespaces come and go. Requests are made from the specification, and most
 * are then spoiled.
 *
 * The seed repeats the requests of each thread. Only their order between
 * threads, and with coverage the choice among kept requests, may differ.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include "cover.h"
#include "make.h"
#include "options.h"
#include "sock.h"
#include "table.h"

#define KEPT_MAX	3000
#define NOBODY		65534
#define REPORT_SECONDS	10

/* Requests of this percentage are spoiled; the others build what they meet. */
#define SPOIL_PERCENT	45

struct count {
	unsigned long sent;
	unsigned long accepted;
};

/* Shared by the processes */
struct totals {
	struct count by_maker[32];
	struct count kept;
	unsigned long packets;
	unsigned long namespaces;
	unsigned int n_kept;
	bool stop;
};

struct kept {
	enum bus bus;
	__u16 type;
	__u16 flags;
	__u16 head_len;
	__u16 len;
	__u8 *data;
};

struct thread {
	pthread_t id;
	unsigned int number;
	struct rng rng;
	struct sock sock;
	struct msg msg;
};

static struct totals *totals;
static FILE *keep_to;		/* opened by root */
static __u16 family;		/* of the module, which stays loaded */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[KEPT_MAX];	/* lock */
static unsigned int n_kept;		/* lock */
static unsigned int n_loaded;

/* The underlay of a namespace */
static void populate(struct thread *t)
{
	static const unsigned int links[] = { 0, 2 };	/* IPv4 and IPv6 */
	struct ifinfomsg link = {};
	struct ifaddrmsg head;
	__u8 address[16];
	unsigned int i;
	size_t len;

	msg_init(&t->msg, BUS_ROUTE, RTM_NEWLINK,
		 NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &link,
		 sizeof(link));
	msg_put_str(&t->msg, IFLA_IFNAME, UNDERLAY);
	msg_nest(&t->msg, IFLA_LINKINFO, true);
	msg_put_str(&t->msg, IFLA_INFO_KIND, "dummy");
	msg_nest_end(&t->msg);
	sock_request(&t->sock, &t->msg, &t->rng);
	sock_set_up("lo");
	sock_set_up(UNDERLAY);
	for (i = 0; i < FUZZ_N(links); i++) {
		len = outer_address(links[i], 1, address);
		head = (struct ifaddrmsg) {
			.ifa_family = len == 4 ? AF_INET : AF_INET6,
			.ifa_prefixlen = len == 4 ? 24 : 64,
			.ifa_flags = IFA_F_NODAD,
			.ifa_index = if_nametoindex(UNDERLAY),
		};
		msg_init(&t->msg, BUS_ROUTE, RTM_NEWADDR,
			 NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, &head,
			 sizeof(head));
		msg_put(&t->msg, IFA_LOCAL, address, len);
		msg_put(&t->msg, IFA_ADDRESS, address, len);
		sock_request(&t->sock, &t->msg, &t->rng);
	}
}

static void netns_keep(unsigned int slot)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	pthread_mutex_lock(&lock);
	if (netns_fds[slot] >= 0)
		close(netns_fds[slot]);
	netns_fds[slot] = fd;
	pthread_mutex_unlock(&lock);
}

/* Make a namespace, which ends an older one, and go there. */
static void netns_new(struct thread *t)
{
	if (unshare(CLONE_NEWNET))
		die("unshare");
	sock_reopen(&t->sock);
	populate(t);
	netns_keep(rng_below(&t->rng, N_NETNS));
	__atomic_add_fetch(&totals->namespaces, 1, __ATOMIC_RELAXED);
}

/* Go to another namespace. */
static void netns_enter(struct thread *t)
{
	int fd;

	pthread_mutex_lock(&lock);
	fd = dup(netns_fds[rng_below(&t->rng, N_NETNS)]);
	pthread_mutex_unlock(&lock);
	if (fd >= 0 && !setns(fd, CLONE_NEWNET))
		sock_reopen(&t->sock);
	close(fd);
}

/* Send packets out of a device. */
static void packets(struct thread *t)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(0x0aa90002),
	};
	const char *name = pick_ifname(&t->rng);
	unsigned int n = 1 + rng_below(&t->rng, 4);

	if (setsockopt(t->sock.udp, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name)))
		return;
	while (n--) {
		sendto(t->sock.udp, t->sock.buffer, rng_below(&t->rng, 2000), MSG_DONTWAIT,
		       (struct sockaddr *)&to, sizeof(to));
		__atomic_add_fetch(&totals->packets, 1, __ATOMIC_RELAXED);
	}
}

static void keep_bytes(const struct msg *msg, const __u8 *data, size_t len)
{
	struct kept *k;

	pthread_mutex_lock(&lock);
	if (n_kept < KEPT_MAX) {
		k = &kept[n_kept];
		k->bus = msg->bus;
		k->type = msg->type;
		k->flags = msg->flags;
		k->head_len = msg->head_len;
		k->len = len;
		k->data = malloc(len ?: 1);
		if (!k->data)
			die("malloc");
		memcpy(k->data, data, len);
		n_kept++;
	}
	pthread_mutex_unlock(&lock);
}

/* Keep a request that has reached new places, as it was before it was cut. */
static void keep(struct thread *t)
{
	size_t len;

	/* Twice the same would fail. */
	if (t->msg.bus == BUS_XFRM && t->msg.type == XFRM_MSG_MIGRATE)
		return;
	t->msg.cut = 0;
	t->msg.flips = 0;
	len = msg_write(&t->msg, &t->rng, t->sock.buffer, MSG_MAX);
	if (len <= UINT16_MAX)
		keep_bytes(&t->msg, t->sock.buffer, len);
}

/* Take one that was kept. */
static bool take(struct thread *t)
{
	struct kept k = {};

	pthread_mutex_lock(&lock);
	if (n_kept)
		k = kept[rng_below(&t->rng, n_kept)];
	pthread_mutex_unlock(&lock);
	return k.data && msg_parse(&t->msg, k.bus, k.type, k.flags, k.head_len,
				   k.data, k.len);
}

static void note(struct count *count, int verdict)
{
	__atomic_add_fetch(&count->sent, 1, __ATOMIC_RELAXED);
	if (!verdict)
		__atomic_add_fetch(&count->accepted, 1, __ATOMIC_RELAXED);
}

static void step(struct thread *t)
{
	struct count *count = &totals->kept;
	__u32 before = cover_count();
	unsigned int i;
	int verdict;

	if (!rng_percent(&t->rng, 25) || !take(t)) {
		i = pick_maker(&t->rng);
		makers[i].make(&t->msg, &t->rng);
		count = &totals->by_maker[i];
	}
	if (rng_percent(&t->rng, SPOIL_PERCENT))
		msg_spoil(&t->msg, &t->rng);
	verdict = sock_request(&t->sock, &t->msg, &t->rng);
	note(count, verdict);
	if (cover_count() != before)
		keep(t);
}

static void *run(void *arg)
{
	struct thread *t = arg;
	unsigned long n;

	for (n = 0; !totals->stop; n++) {
		if (options.count && n >= options.count)
			break;
		step(t);
		if (rng_percent(&t->rng, 5))
			packets(t);
		if (!rng_below(&t->rng, 1200))
			netns_new(t);
		if (!rng_below(&t->rng, 400))
			netns_enter(t);
	}
	if (t->sock.family != family) {
		fprintf(stderr, "requests for the family went elsewhere\n");
		exit(1);
	}
	sock_close(&t->sock);
	return NULL;
}

static void write_to(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(name);
	close(fd);
}

/* Become the root of a user namespace, as any user can. */
static void become_user(void)
{
	char map[40];

	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		die("setresuid");
	/* Without this, its files in /proc belong to root. */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		die("unshare");
	snprintf(map, sizeof(map), "0 %d 1\n", NOBODY);
	write_to("/proc/self/setgroups", "deny");
	write_to("/proc/self/uid_map", map);
	write_to("/proc/self/gid_map", map);
}

/* Append the requests that were kept to the file: the socket, type, flags and
 * length of the head, then the bytes.
 */
static void write_kept(void)
{
	unsigned int i, k;
	FILE *to = keep_to;

	for (i = n_loaded; i < n_kept; i++) {
		fprintf(to, "%d %d %d %d ", kept[i].bus, kept[i].type,
			kept[i].flags, kept[i].head_len);
		for (k = 0; k < kept[i].len; k++)
			fprintf(to, "%02x", kept[i].data[k]);
		fputc('\n', to);
	}
	fclose(to);
}

static void load_kept(void)
{
	static struct msg msg;
	unsigned int bus, type, flags, head_len, byte;
	static char hex[2 * MSG_MAX + 2];
	static __u8 data[MSG_MAX];
	FILE *from = fopen(options.corpus, "r");
	size_t len;

	if (!from)
		die(options.corpus);
	while (fscanf(from, "%u %u %u %u %16384s", &bus, &type, &flags,
		      &head_len, hex) == 5) {
		for (len = 0; sscanf(hex + 2 * len, "%2x", &byte) == 1; len++)
			data[len] = byte;
		if (bus < BUS_N &&
		    msg_parse(&msg, bus, type, flags, head_len, data, len))
			keep_bytes(&msg, data, len);
	}
	fclose(from);
	n_loaded = n_kept;
}

/* A process with its threads, in namespaces of its own */
static void process(unsigned int number)
{
	static struct thread threads[THREADS_MAX];
	unsigned int i;

	for (i = 0; i < options.threads; i++) {
		threads[i].number = number * THREADS_MAX + i;
		rng_init(&threads[i].rng, options.seed, threads[i].number);
	}
	if (unshare(CLONE_NEWNET))
		die("unshare");
	sock_open(&threads[0].sock, true);
	if (!sock_resolve(&threads[0].sock)) {
		fprintf(stderr, "the module is not loaded\n");
		exit(1);
	}
	family = threads[0].sock.family;
	populate(&threads[0]);
	for (i = 0; i < N_NETNS; i++)
		netns_keep(i);
	for (i = 0; i < options.threads; i++) {
		if (i) {
			threads[i].sock.family = family;
			sock_open(&threads[i].sock, false);
		}
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			die("pthread_create");
	}
	for (i = 0; i < options.threads; i++)
		pthread_join(threads[i].id, NULL);
	totals->n_kept += n_kept - n_loaded;
	if (keep_to)
		write_kept();
	exit(0);
}

static unsigned long sent(unsigned long *accepted)
{
	unsigned long sum = totals->kept.sent;
	unsigned int i;

	*accepted = totals->kept.accepted;
	for (i = 0; i < n_makers; i++) {
		sum += totals->by_maker[i].sent;
		*accepted += totals->by_maker[i].accepted;
	}
	return sum;
}

static void report(time_t started)
{
	unsigned long accepted, all = sent(&accepted);

	printf("%4ld s: %lu requests, %lu accepted, %lu packets, %lu namespaces",
	       time(NULL) - started, all, accepted, totals->packets,
	       totals->namespaces);
	if (cover_has())
		printf(", %u of %lu places", cover_count(), options.places);
	putchar('\n');
	fflush(stdout);
}

static void report_makers(void)
{
	unsigned int i;

	printf("%-16s %9s %9s\n", "request", "sent", "accepted");
	for (i = 0; i < n_makers; i++)
		printf("%-16s %9lu %9lu\n", makers[i].name,
		       totals->by_maker[i].sent, totals->by_maker[i].accepted);
	printf("%-16s %9lu %9lu\n", "kept before", totals->kept.sent,
	       totals->kept.accepted);
	if (cover_has())
		printf("%u requests kept\n", totals->n_kept);
}

/* Wait for the processes; returns how many have failed. */
static int supervise(unsigned int n)
{
	time_t started = time(NULL), last = started;
	unsigned int left = n, failed = 0;
	pid_t pid;
	int status;

	while (left) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			left--;
			failed += status != 0;
			continue;
		}
		usleep(50000);
		if (!options.count &&
		    time(NULL) - started >= (time_t)options.seconds)
			totals->stop = true;
		if (time(NULL) - last >= REPORT_SECONDS) {
			last = time(NULL);
			report(started);
		}
	}
	report(started);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned int i, failed;
	pid_t pid;

	options.threads = 2;
	options_parse(argc, argv);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		die("mmap");
	cover_open();
	if (options.corpus)
		load_kept();
	if (options.keep) {
		keep_to = fopen(options.keep, "a");
		if (!keep_to)
			die(options.keep);
	}
	for (i = 0; i < 2; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			if (i)
				become_user();
			process(i);
		}
	}
	failed = supervise(2);
	report_makers();
	if (options.reached)
		cover_write(options.reached);
	return failed ? 1 : 0;
}
