// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip capture: packets with their SAs, as on OpenBSD's enc0. A capture
 * device delivers them with the header of link type ENC; libpcap writes the file,
 * and tcpdump makes text of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "capture-link.h"
#include "ipsi.h"

/* The longest packet, with its outer and link header, is shorter. */
#define IPSI_CAPTURE_SNAPLEN	262144

/* Memory for packets that wait to be read; some 20 000 small ones. */
#define IPSI_CAPTURE_BUFFER	(32 << 20)

struct ipsi_capture {
	struct ipsi_capture_link link;
	int sock;
	int signals;		/* signalfd */
	int out;		/* file descriptor of the output */
	FILE *file;		/* the same; owns it */
	pid_t tcpdump;		/* 0 if it does not run */
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	uint8_t *packet;	/* IPSI_CAPTURE_SNAPLEN bytes */
	uint64_t left;		/* packets still to capture */
};

/* Blocks signals and gets them by a file descriptor. Saves the old mask. */
static int ipsi_capture_signals(struct ipsi_capture *c, sigset_t *old)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, old);
	c->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	return c->signals < 0 ? ipsi_fail("signalfd: %s", strerror(errno)) :
				IPSI_OK;
}

/* Starts tcpdump, which prints the packets that it reads from a pipe. */
static int ipsi_capture_text(struct ipsi_capture *c, const sigset_t *mask)
{
	char * const argv[] = { "tcpdump", "-nn", "-l", "-r", "-", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t pipe_only;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return ipsi_fail("pipe: %s", strerror(errno));
	c->out = fds[1];
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
					POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
	err = posix_spawnp(&c->tcpdump, argv[0], &actions, &attr, argv,
			   environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(fds[0]);
	if (!err)
		return IPSI_OK;
	c->tcpdump = 0;
	if (err == ENOENT)
		return ipsi_fail("tcpdump is not installed: install it, or use -w FILE");
	return ipsi_fail("tcpdump: %s", strerror(err));
}

/* Opens the output. A file holds plaintext, so only its owner may read it. */
static int ipsi_capture_output(struct ipsi_capture *c, const sigset_t *mask)
{
	const char *path = ipsi_opts.write;
	int ret = IPSI_OK;
	struct stat st;

	if (!path)
		ret = ipsi_capture_text(c, mask);
	else if (!strcmp(path, "-"))
		c->out = dup(STDOUT_FILENO);
	else
		c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			      0600);
	if (ret)
		return ret;
	if (c->out < 0)
		return ipsi_fail("%s: %s", path, strerror(errno));
	/* The file may have been there before, with another mode. */
	if (path && !fstat(c->out, &st) && S_ISREG(st.st_mode) &&
	    fchmod(c->out, 0600))
		return ipsi_fail("%s: %s", path, strerror(errno));
	if (path && isatty(c->out))
		return ipsi_usage("-w: the output is a terminal; write to a file or a pipe");
	c->file = fdopen(c->out, "w");
	if (!c->file)
		return ipsi_fail("%s", strerror(errno));
	c->pcap = pcap_open_dead(DLT_ENC, IPSI_CAPTURE_SNAPLEN);
	c->packet = malloc(IPSI_CAPTURE_SNAPLEN);
	if (!c->pcap || !c->packet)
		return ipsi_fail("%s", strerror(ENOMEM));
	c->dumper = pcap_dump_fopen(c->pcap, c->file);
	if (!c->dumper)
		return ipsi_fail("%s", pcap_geterr(c->pcap));
	c->file = NULL;
	return IPSI_OK;
}

static int ipsi_capture_socket(struct ipsi_capture *c)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = c->link.ifindex,
	};
	const int size = IPSI_CAPTURE_BUFFER, on = 1;

	c->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->sock < 0)
		return errno == EPERM ?
		       ipsi_fail("CAP_NET_RAW is required: run it as root") :
		       ipsi_fail("packet socket: %s", strerror(errno));
	/* Only CAP_NET_ADMIN of the initial user namespace may exceed the limit
	 * of the system; others get what it allows.
	 */
	if (setsockopt(c->sock, SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)))
		setsockopt(c->sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(c->sock, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) ||
	    bind(c->sock, (struct sockaddr *)&addr, sizeof(addr)))
		return ipsi_fail("packet socket: %s", strerror(errno));
	return IPSI_OK;
}

static void ipsi_capture_stamp(struct msghdr *msg, struct pcap_pkthdr *hdr)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SO_TIMESTAMP)
		memcpy(&hdr->ts, CMSG_DATA(cmsg), sizeof(hdr->ts));
}

/* Reads a packet and writes it. Returns an errno, EAGAIN if there is none. */
static int ipsi_capture_packet(struct ipsi_capture *c)
{
	char control[CMSG_SPACE(sizeof(struct timeval))];
	struct iovec iov = {
		.iov_base = c->packet,
		.iov_len = IPSI_CAPTURE_SNAPLEN,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct pcap_pkthdr hdr = {};
	ssize_t got;

	got = recvmsg(c->sock, &msg, 0);
	if (got < 0)
		return errno;
	ipsi_capture_stamp(&msg, &hdr);
	hdr.caplen = got;
	hdr.len = got;
	pcap_dump((u_char *)c->dumper, &hdr, c->packet);
	c->left--;
	return 0;
}

/* Reads packets until none is left, and writes them. */
static int ipsi_capture_batch(struct ipsi_capture *c)
{
	int err = 0;

	while (!err && c->left)
		err = ipsi_capture_packet(c);
	if (pcap_dump_flush(c->dumper) || ferror(pcap_dump_file(c->dumper)))
		return ipsi_fail("output: %s", strerror(errno));
	switch (err) {
	case 0:
	case EAGAIN:
	case EINTR:
		return IPSI_OK;
	case ENETDOWN:
	case ENODEV:
		return ipsi_fail("%s was deleted or set down", c->link.name);
	default:
		return ipsi_fail("packet socket: %s", strerror(err));
	}
}

/* Captures until a signal, until enough packets have come, or until the reader of
 * the output is gone.
 */
static int ipsi_capture_loop(struct ipsi_capture *c)
{
	struct pollfd fds[] = {
		{ .fd = c->sock, .events = POLLIN },
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->out },
	};
	int ret = IPSI_OK;

	/* The header of the file, so that a reader sees its type at once. */
	if (pcap_dump_flush(c->dumper))
		return ipsi_fail("output: %s", strerror(errno));
	fprintf(stderr, "# listening on %s\n", c->link.name);
	while (!ret && c->left && !fds[1].revents && !fds[2].revents) {
		if (poll(fds, IPSI_ARRAY_SIZE(fds), -1) < 0) {
			if (errno != EINTR)
				return ipsi_fail("%s", strerror(errno));
			continue;
		}
		/* Packets from before a signal are still in the socket. */
		if (fds[0].revents || fds[1].revents)
			ret = ipsi_capture_batch(c);
	}
	return ret;
}

/* Reports packets for which there was no room. */
static void ipsi_capture_lost(const struct ipsi_capture *c)
{
	struct tpacket_stats stats = {};
	socklen_t len = sizeof(stats);

	if (c->sock >= 0 &&
	    getsockopt(c->sock, SOL_PACKET, PACKET_STATISTICS, &stats,
		       &len) == 0 && stats.tp_drops)
		ipsi_warn("%u packets were lost", stats.tp_drops);
}

static int ipsi_capture_end(struct ipsi_capture *c, int ret)
{
	ipsi_capture_lost(c);
	if (c->sock >= 0)
		close(c->sock);
	if (c->signals >= 0)
		close(c->signals);
	ipsi_capture_link_del(&c->link);
	if (c->dumper)
		pcap_dump_close(c->dumper);
	else if (c->file)
		fclose(c->file);
	else if (c->out >= 0)
		close(c->out);
	if (c->pcap)
		pcap_close(c->pcap);
	/* It reads to the end of the pipe. */
	if (c->tcpdump)
		waitpid(c->tcpdump, NULL, 0);
	if (c->packet)
		explicit_bzero(c->packet, IPSI_CAPTURE_SNAPLEN);
	free(c->packet);
	return ret;
}

static int ipsi_capture_count(uint64_t *count)
{
	int ret;

	*count = UINT64_MAX;
	if (!ipsi_opts.count)
		return IPSI_OK;
	ret = ipsi_arg_number("-c", ipsi_opts.count, UINT64_MAX, count);
	if (!ret && !*count)
		ret = ipsi_usage("-c: a number of packets expected, not 0");
	return ret;
}

/**
 * ipsi_capture() - capture packets with their SAs
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_capture(int argc, char **argv)
{
	struct ipsi_capture c = { .sock = -1, .signals = -1, .out = -1 };
	const char *dev = argc ? argv[0] : NULL;
	sigset_t mask;
	int ret;

	if (argc > 1)
		return ipsi_usage("unknown word \"%s\"", argv[1]);
	if (ipsi_opts.json)
		return ipsi_usage("there is no JSON output; write a file with -w FILE");
	ret = ipsi_capture_count(&c.left);
	if (!ret && dev)
		ret = ipsi_arg_dev(dev);
	if (ret)
		return ret;
	ret = ipsi_capture_signals(&c, &mask);
	if (!ret)
		ret = ipsi_capture_link_add(&c.link, dev);
	if (!ret)
		ret = ipsi_capture_socket(&c);
	if (!ret)
		ret = ipsi_capture_output(&c, &mask);
	if (!ret)
		ret = ipsi_capture_loop(&c);
	return ipsi_capture_end(&c, ret);
}
