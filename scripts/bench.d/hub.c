// SPDX-License-Identifier: GPL-2.0
/*
 * hub STEP WAY N NETNS: make or change N links of a hub in a network namespace,
 * and count what that costs. Requests go straight to the kernel, since thousands
 * of processes would cost more than the links. The steps are listed in main().
 *
 * Prints the nanoseconds that the processor was busy until all work was done,
 * and the longest time that another process waited for the RTNL meanwhile. With
 * qemu's -icount nanoseconds are instructions; the machine needs one processor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <linux/ipsec_ipip.h>

/* Links that are changed in the steps that change one link */
#define SOME		50

/* Requests that are sent in one datagram */
#define BATCH		16

#define MS		1000000ULL

/* if_id, SPIs and remote address of link 0 */
#define IF_ID		1000
#define SPI_OUT		0x100000
#define SPI_IN		0x1000000
#define REMOTE		0x0a010001	/* 10.1.0.1 */
#define MOVED		0x0a800001	/* 10.128.0.1 */
#define LOCAL		0x0a000001	/* 10.0.0.1 */

enum way { MANUAL, ADOPTED, XFRMI };

static enum way way;
static unsigned int number, underlay;
static struct mnl_socket *route, *xfrm, *genl;
static uint16_t family;

/*
 * Requests, collected into datagrams
 */

static char buf[BATCH * 1024];
static size_t used;
static unsigned int pending;

static struct nlmsghdr *request(uint16_t type, uint16_t flags, const void *head,
				size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf + used);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = pending;
	memcpy(mnl_nlmsg_put_extra_header(nlh, len), head, len);
	return nlh;
}

static int take_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *end = mnl_nlmsg_get_payload(nlh);

	(void)data;
	if (end->error)
		errx(1, "request refused: %s", strerror(-end->error));
	pending--;
	return MNL_CB_OK;
}

static mnl_cb_t control[NLMSG_ERROR + 1] = { [NLMSG_ERROR] = take_error };

static void flush(struct mnl_socket *sock)
{
	static char answer[1 << 16];
	ssize_t got;

	if (used && mnl_socket_sendto(sock, buf, used) < 0)
		err(1, "send");
	while (used && pending) {
		got = mnl_socket_recvfrom(sock, answer, sizeof(answer));
		if (got < 0 ||
		    mnl_cb_run2(answer, got, 0, 0, NULL, NULL, control,
				NLMSG_ERROR + 1) < 0)
			err(1, "receive");
	}
	used = 0;
}

static void queue(struct mnl_socket *sock, const struct nlmsghdr *nlh)
{
	used += MNL_ALIGN(nlh->nlmsg_len);
	pending++;
	if (pending == BATCH)
		flush(sock);
}

/*
 * Links, SAs, policies, routes
 */

static void link_add(unsigned int i)
{
	const struct ifinfomsg ifi = {
		.ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};
	struct nlattr *info, *data;
	struct nlmsghdr *nlh;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "t%u", i);
	nlh = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	/* For the deletion of all links but some */
	mnl_attr_put_u32(nlh, IFLA_GROUP, i < SOME ? 1 : 2);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND,
			 way == XFRMI ? "xfrm" : "ipsec-ipip");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (way == XFRMI) {
		mnl_attr_put_u32(nlh, 1 /* IFLA_XFRM_LINK */, underlay);
		mnl_attr_put_u32(nlh, 2 /* IFLA_XFRM_IF_ID */, IF_ID + i);
	} else {
		mnl_attr_put_u32(nlh, IFLA_IPSEC_IPIP_LOCAL, htonl(LOCAL));
		mnl_attr_put_u32(nlh, IFLA_IPSEC_IPIP_REMOTE,
				 htonl(REMOTE + i));
		mnl_attr_put_u32(nlh, IFLA_IPSEC_IPIP_IF_ID, IF_ID + i);
		mnl_attr_put_u8(nlh, IFLA_IPSEC_IPIP_ROAM, way == ADOPTED);
		mnl_attr_put_u8(nlh, IFLA_IPSEC_IPIP_KEYING, way == ADOPTED ?
				IPSEC_IPIP_KEYING_ADOPT :
				IPSEC_IPIP_KEYING_MANUAL);
	}
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	queue(route, nlh);
}

static void link_del(unsigned int i, uint32_t group)
{
	const struct ifinfomsg ifi = {};
	struct nlmsghdr *nlh;
	char name[IFNAMSIZ];

	nlh = request(RTM_DELLINK, 0, &ifi, sizeof(ifi));
	snprintf(name, sizeof(name), "t%u", i);
	if (group)
		mnl_attr_put_u32(nlh, IFLA_GROUP, group);
	else
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	queue(route, nlh);
}

static void underlay_mtu(uint32_t mtu)
{
	const struct ifinfomsg ifi = { .ifi_index = underlay };
	struct nlmsghdr *nlh;

	nlh = request(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	queue(route, nlh);
}

/* A host route */
static void host_route(bool add, uint32_t addr, uint32_t oif)
{
	const struct rtmsg rtm = {
		.rtm_family = AF_INET, .rtm_dst_len = 32,
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST,
	};
	struct nlmsghdr *nlh;

	nlh = request(add ? RTM_NEWROUTE : RTM_DELROUTE,
		      add ? NLM_F_CREATE : 0, &rtm, sizeof(rtm));
	mnl_attr_put_u32(nlh, RTA_DST, htonl(addr));
	mnl_attr_put_u32(nlh, RTA_OIF, oif);
	queue(route, nlh);
}

static void inner_route(unsigned int i)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "t%u", i);
	host_route(true, 0xc0a90000 + i, if_nametoindex(name));
}

static void put_if_id(struct nlmsghdr *nlh, unsigned int i)
{
	mnl_attr_put_u32(nlh, XFRMA_IF_ID, IF_ID + i);
}

static void xfrm_sa_add(unsigned int i, bool out, uint32_t spi, uint32_t remote)
{
	struct xfrm_usersa_info sa = {
		.id.spi = htonl(spi), .id.proto = IPPROTO_ESP,
		.id.daddr.a4 = htonl(out ? remote : LOCAL),
		.saddr.a4 = htonl(out ? LOCAL : remote),
		.family = AF_INET, .mode = XFRM_MODE_TUNNEL, .replay_window = 32,
		.flags = XFRM_STATE_AF_UNSPEC,
		.lft = {
			XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0,
		},
	};
	struct {
		struct xfrm_algo_aead aead;
		char key[20];
	} gcm = {
		.aead = {
			.alg_name = "rfc4106(gcm(aes))",
			.alg_key_len = 160, .alg_icv_len = 128,
		},
	};
	struct nlmsghdr *nlh;

	nlh = request(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &sa,
		      sizeof(sa));
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(gcm), &gcm);
	put_if_id(nlh, i);
	queue(xfrm, nlh);
}

static void xfrm_sa_del(bool out, uint32_t spi, uint32_t remote)
{
	const struct xfrm_usersa_id id = {
		.daddr.a4 = htonl(out ? remote : LOCAL), .spi = htonl(spi),
		.family = AF_INET, .proto = IPPROTO_ESP,
	};

	queue(xfrm, request(XFRM_MSG_DELSA, 0, &id, sizeof(id)));
}

static struct nlmsghdr *genl_request(uint16_t type, uint8_t cmd, uint8_t version)
{
	const struct genlmsghdr head = { .cmd = cmd, .version = version };

	return request(type, 0, &head, sizeof(head));
}

static struct nlmsghdr *our_sa(uint8_t cmd, unsigned int i, bool out,
			       uint32_t spi)
{
	struct nlmsghdr *nlh;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "t%u", i);
	nlh = genl_request(family, cmd, IPSEC_IPIP_FAMILY_VERSION);
	mnl_attr_put_strz(nlh, IPSEC_IPIP_A_SA_IFNAME, name);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_DIRECTION, out ?
			 IPSEC_IPIP_DIRECTION_OUT : IPSEC_IPIP_DIRECTION_IN);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_SPI, htonl(spi));
	return nlh;
}

static void sa_add(unsigned int i, bool out, uint32_t spi)
{
	static const char key[20];
	struct nlmsghdr *nlh;

	if (way != MANUAL) {
		xfrm_sa_add(i, out, spi, REMOTE + i);
		return;
	}
	nlh = our_sa(IPSEC_IPIP_CMD_SA_ADD, i, out, spi);
	mnl_attr_put_strz(nlh, IPSEC_IPIP_A_SA_AEAD_NAME, "rfc4106(gcm(aes))");
	mnl_attr_put(nlh, IPSEC_IPIP_A_SA_AEAD_KEY, sizeof(key), key);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_ICV_BITS, 128);
	queue(genl, nlh);
}

static void sa_del(unsigned int i, bool out, uint32_t spi)
{
	if (way != MANUAL)
		xfrm_sa_del(out, spi, REMOTE + i);
	else
		queue(genl, our_sa(IPSEC_IPIP_CMD_SA_DEL, i, out, spi));
}

static struct mnl_socket *sa_sock(void)
{
	return way == MANUAL ? genl : xfrm;
}

static void sas_add(unsigned int i)
{
	sa_add(i, false, SPI_IN + i);
	sa_add(i, true, SPI_OUT + i);
}

static void rekey(unsigned int i)
{
	sa_add(i, false, SPI_IN * 2 + i);
	sa_add(i, true, SPI_OUT * 2 + i);
	flush(sa_sock());
	sa_del(i, true, SPI_OUT + i);
	sa_del(i, false, SPI_IN + i);
}

static void policy(unsigned int i, bool out, bool add, bool narrow)
{
	struct xfrm_userpolicy_info info = {
		.sel.family = AF_INET,
		.lft = {
			XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0,
		},
		.dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
		.share = XFRM_SHARE_ANY,
	};
	struct xfrm_userpolicy_id id = { .dir = info.dir };
	const struct xfrm_user_tmpl tmpl = {
		.id.daddr.a4 = htonl(out ? REMOTE + i : LOCAL),
		.id.proto = IPPROTO_ESP,
		.saddr.a4 = htonl(out ? LOCAL : REMOTE + i),
		.family = AF_INET, .mode = XFRM_MODE_TUNNEL,
		.aalgos = ~0U, .ealgos = ~0U, .calgos = ~0U,
	};
	struct nlmsghdr *nlh;

	if (narrow) {
		info.sel.daddr.a4 = htonl(0xc0a90000 + i);
		info.sel.prefixlen_d = 32;
	}
	id.sel = info.sel;
	if (add) {
		nlh = request(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL,
			      &info, sizeof(info));
		mnl_attr_put(nlh, XFRMA_TMPL, sizeof(tmpl), &tmpl);
	} else {
		nlh = request(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id));
	}
	put_if_id(nlh, i);
	queue(xfrm, nlh);
}

/* The key manager has moved the peer. */
static void roam(unsigned int i)
{
	xfrm_sa_add(i, false, SPI_IN * 3 + i, MOVED + i);
	xfrm_sa_add(i, true, SPI_OUT * 3 + i, MOVED + i);
}

/*
 * The count
 */

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* Returns the nanoseconds for which the processor has been idle. */
static uint64_t idle(void)
{
	FILE *f = fopen("/proc/timer_list", "re");
	uint64_t sum = 0;
	char line[256];
	char *at;

	if (!f)
		err(1, "/proc/timer_list");
	while (fgets(line, sizeof(line), f)) {
		at = strchr(line, '.');
		if (at && !strncmp(at, ".idle_sleeptime", 15)) {
			at = strchr(at, ':');
			sum = strtoull(at + 1, NULL, 10);
		}
	}
	fclose(f);
	return sum;
}

static void nap(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = ns / (1000 * MS), .tv_nsec = ns % (1000 * MS)
	};

	nanosleep(&ts, NULL);
}

/* Waits until a second has been quiet. */
static void settle(void)
{
	uint64_t start, before;
	int quiet = 0;

	while (quiet < 4) {
		before = idle();
		start = now();
		nap(250 * MS);
		quiet = now() - start - (idle() - before) < 10 * MS ?
			quiet + 1 : 0;
	}
}

/* Another process needs the RTNL every 5 ms. Its longest wait is shared. */
static pid_t begin_waiting(_Atomic uint64_t *longest)
{
	const struct sched_param param = { .sched_priority = 50 };
	struct mnl_socket *sock;
	const struct ifinfomsg ifi = { .ifi_index = 1 };
	uint64_t start, took;
	struct nlmsghdr *nlh;
	pid_t pid;

	pid = fork();
	if (pid)
		return pid;
	sched_setscheduler(0, SCHED_FIFO, &param);
	sock = mnl_socket_open(NETLINK_ROUTE);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		err(1, "netlink");
	for (;;) {
		nap(5 * MS);
		nlh = request(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
		mnl_attr_put_u32(nlh, IFLA_GROUP, 0);
		start = now();
		queue(sock, nlh);
		flush(sock);
		took = now() - start;
		if (took > atomic_load(longest))
			atomic_store(longest, took);
	}
}

static unsigned long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kb = 0;
	char line[256];

	if (!f)
		err(1, "/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoul(line + strlen(name), NULL, 10);
	fclose(f);
	return kb;
}

/*
 * The steps
 */

static void step_nothing(void) { }

static void step_links(void)
{
	unsigned int i;

	for (i = 0; i < number; i++)
		link_add(i);
	flush(route);
}

static void step_routes(void)
{
	unsigned int i;

	for (i = 0; i < number; i++)
		inner_route(i);
	flush(route);
}

static void step_policies(void)
{
	unsigned int i;

	for (i = 0; i < number; i++) {
		policy(i, true, true, false);
		policy(i, false, true, false);
	}
	flush(xfrm);
}

static void step_sas(void)
{
	unsigned int i;

	for (i = 0; i < number; i++)
		sas_add(i);
	flush(sa_sock());
}

static void step_mtu(void)
{
	underlay_mtu(1400);
	flush(route);
}

static unsigned int some(void)
{
	return number < SOME ? number : SOME;
}

static void step_route(void)
{
	unsigned int i;

	for (i = 0; i < some(); i++) {
		host_route(true, REMOTE + i, underlay);
		host_route(false, REMOTE + i, underlay);
	}
	flush(route);
}

static void step_policy(void)
{
	unsigned int i;

	for (i = 0; i < some(); i++) {
		policy(i, true, true, true);
		policy(i, true, false, true);
	}
	flush(xfrm);
}

static void step_rekey(void)
{
	unsigned int i;

	for (i = 0; i < some(); i++)
		rekey(i);
	flush(sa_sock());
}

static void step_roam(void)
{
	unsigned int i;

	for (i = 0; i < some(); i++)
		roam(i);
	flush(xfrm);
}

/* Links that come with their SAs, to a hub that is there */
static void step_more(void)
{
	unsigned int i;

	for (i = number; i < number + some(); i++) {
		link_add(i);
		flush(route);
		sas_add(i);
		flush(sa_sock());
	}
}

static void step_del_some(void)
{
	unsigned int i;

	for (i = 0; i < some(); i++) {
		link_del(i, 0);
		flush(route);
	}
}

static void step_del_rest(void)
{
	if (number <= SOME)
		return;
	link_del(0, 2);
	flush(route);
}

/* Runs a command, with its output thrown away. */
static void run(char **argv)
{
	pid_t pid = fork();
	int null;

	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "nothing", step_nothing },	/* the count itself */
	{ "links", step_links },	/* N links */
	{ "routes", step_routes },	/* a route by each */
	{ "policies", step_policies },	/* two policies of each */
	{ "sas", step_sas },		/* two SAs of each */
	{ "mtu", step_mtu },		/* another MTU of the underlay */
	{ "route", step_route },	/* SOME routes added and deleted */
	{ "policy", step_policy },	/* SOME policies added and deleted */
	{ "rekey", step_rekey },	/* SOME links get other SAs */
	{ "roam", step_roam },		/* SOME peers move */
	{ "more", step_more },		/* SOME links more, and their SAs */
	{ "del-some", step_del_some },	/* SOME links, one by one */
	{ "del-rest", step_del_rest },	/* the others, at once */
};

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	(void)data;
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static struct mnl_socket *open_bus(int bus)
{
	struct mnl_socket *sock = mnl_socket_open(bus);
	int on = 1;

	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		err(1, "netlink");
	mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &on, sizeof(on));
	return sock;
}

static void resolve(void)
{
	struct nlmsghdr *nlh;
	char answer[8192];
	ssize_t got;

	nlh = genl_request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	nlh->nlmsg_flags = NLM_F_REQUEST;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, IPSEC_IPIP_FAMILY_NAME);
	if (mnl_socket_sendto(genl, nlh, nlh->nlmsg_len) < 0)
		err(1, "send");
	got = mnl_socket_recvfrom(genl, answer, sizeof(answer));
	if (got < 0 || mnl_cb_run(answer, got, 0, 0, take_family, NULL) < 0)
		err(1, "the family " IPSEC_IPIP_FAMILY_NAME);
}

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);
}

int main(int argc, char **argv)
{
	static const char * const ways[] = { "manual", "adopted", "xfrmi" };
	_Atomic uint64_t *longest;
	uint64_t start, busy, before;
	long kb;
	unsigned int i;
	pid_t waiting;

	if (argc < 5)
		errx(2, "usage: hub STEP WAY N NETNS [COMMAND...]");
	for (i = 0; i < 3 && strcmp(argv[2], ways[i]); i++)
		;
	way = i;
	number = atoi(argv[3]);
	enter(argv[4]);
	underlay = if_nametoindex("eth0");
	route = open_bus(NETLINK_ROUTE);
	xfrm = open_bus(NETLINK_XFRM);
	genl = open_bus(NETLINK_GENERIC);
	resolve();
	longest = mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (longest == MAP_FAILED)
		err(1, "mmap");
	waiting = begin_waiting(longest);
	settle();
	atomic_store(longest, 0);

	kb = meminfo("Slab:") + meminfo("Percpu:");
	before = idle();
	start = now();
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (!strcmp(argv[1], steps[i].name))
			steps[i].run();
	if (argc > 5)
		run(argv + 5);
	settle();
	busy = now() - start - (idle() - before);
	kb = meminfo("Slab:") + meminfo("Percpu:") - kb;
	kill(waiting, SIGKILL);
	waitpid(waiting, NULL, 0);
	printf("%llu %llu %ld\n", (unsigned long long)busy,
	       (unsigned long long)*longest, kb);
	return 0;
}
