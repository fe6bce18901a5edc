// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzer of the packet paths. It sends valid ESP around inner packets of every
 * family pair that are mostly malformed, outer fragments, and ICMP errors that
 * quote anything, to a host with devices; and on that host packets and GSO
 * packets that are mostly malformed, by the devices.
 *
 * The cipher is AES in counter mode with one IV for all packets, so that the
 * key stream, which packet.sh computes, is always the same: encryption is an
 * exclusive or. That is no way to use this cipher. The kernel computes the ICV.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "cover.h"
#include "options.h"
#include "rng.h"
#include "table.h"

#define PACKET_MAX	9000
#define IV_LEN		8
#define MAC_LEN		12
#define N_DEVICES	5	/* ipsec0 to ipsec4, see packet.sh */
#define REPORT_SECONDS	10
#define ENCAP_PORT	4500
#define OUT_SPI		0x1000	/* from an inbound SPI to the outbound one */

/* A packet as it grows: from head backwards, and at its tail. The layer 4 header of
 * an inner packet is at transport; first is the last byte of the lowest of three
 * inner addresses, see packet.sh.
 */
struct packet {
	unsigned int head;
	unsigned int tail;
	unsigned int transport;
	__u8 protocol;
	__u8 first;
	__u8 data[512 + PACKET_MAX + 512];
};

/* A link of packet.sh: outer addresses, SPI, and what else its SA has */
struct link {
	__u8 family;
	__u8 peer;		/* last byte of the outer source address */
	__u32 spi;
	bool encap;
	bool window;
	__u32 seq;
};

static struct link links[N_DEVICES] = {
	{ .family = 4, .peer = 1, .spi = 0x1001 },
	{ .family = 4, .peer = 3, .spi = 0x1002, .window = true, .seq = 100 },
	{ .family = 6, .peer = 1, .spi = 0x1003 },
	{ .family = 4, .peer = 5, .spi = 0x1004, .encap = true },
	{ .family = 6, .peer = 3, .spi = 0x1005 },
};

/* Linux 6.2 or newer, and not in older headers */
#define GSO_UDP_L4	5
#define OFFLOAD_USO	0x60

static bool has_uso;
static __u8 stream[PACKET_MAX + 1024];

struct count {
	unsigned long sent;
	unsigned long refused;	/* by the socket */
};

static struct count esp, icmp_error, by_device, by_tap;
static bool stop;

static unsigned int len_of(const struct packet *p)
{
	return p->tail - p->head;
}

static __u8 *push(struct packet *p, unsigned int len)
{
	p->head -= len;
	return memset(p->data + p->head, 0, len);
}

static __u8 *put(struct packet *p, unsigned int len)
{
	__u8 *at = p->data + p->tail;

	if (p->tail + len > sizeof(p->data))
		return p->data;
	p->tail += len;
	return memset(at, 0, len);
}

static void start(struct packet *p)
{
	p->head = 512;
	p->tail = 512;
	p->transport = 512;
}

static __u32 sum_of(const void *data, unsigned int len, __u32 sum)
{
	const __u8 *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	return len ? sum + (p[0] << 8) : sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/*
 * Inner packets
 */

static void put_protocol(struct packet *p, struct rng *rng, __u8 protocol,
			 unsigned int len)
{
	__u8 *at = put(p, len);

	p->transport = at - p->data;
	p->protocol = protocol;
	rng_fill(rng, at, len < 60 ? len : 60);
	if (len < 8)
		return;
	if (protocol == 17) {
		at[4] = len >> 8;
		at[5] = len;
		memset(at + 6, 0, 2);
	}
	if (protocol == 6 && len > 13)
		at[12] = rng_percent(rng, 80) ? 0x50 : rng_u64(rng);
	if (protocol == 1 || protocol == 58)
		at[0] = rng_percent(rng, 50) ? 8 + (protocol == 58) * 120 :
					       rng_below(rng, 20);
}

/* A layer 4 header with some data */
static void put_transport(struct packet *p, struct rng *rng, __u8 family)
{
	static const __u8 protocols[] = {
		6, 17, 1, 58, 132, 47, 4, 41, 50, 51, 59, 0, 43, 44, 60, 135,
	};
	unsigned int len = rng_percent(rng, 10) ? rng_below(rng, 4000) :
						  rng_below(rng, 120);
	__u8 protocol = protocols[rng_below(rng, rng_percent(rng, 80) ? 4 :
					       FUZZ_N(protocols))];

	if (protocol == 1 && family == 6)
		protocol = 58;
	put_protocol(p, rng, protocol, len);
}

/* IPv6 extension headers, which may lie about their length */
static __u8 push_extensions(struct packet *p, struct rng *rng, __u8 next)
{
	static const __u8 kinds[] = { 0, 43, 44, 60, 51, 135, 139, 140, 59 };
	unsigned int n = rng_below(rng, rng_percent(rng, 10) ? 12 : 3), len;
	__u8 kind, *at;

	while (n-- && p->head > 300) {
		kind = kinds[rng_below(rng, FUZZ_N(kinds))];
		len = kind == 44 ? 1 : 1 + rng_below(rng, 2);
		at = push(p, len * 8);
		rng_fill(rng, at + 2, len * 8 - 2);
		at[0] = next;
		at[1] = kind == 44 ? 0 : rng_percent(rng, 85) ? len - 1 :
					 rng_u64(rng);
		next = kind;
	}
	return next;
}

static void push_ip4(struct packet *p, struct rng *rng, __u8 protocol)
{
	unsigned int options_len = rng_percent(rng, 20) ?
				   4 * rng_below(rng, 11) : 0;
	unsigned int len = len_of(p) + 20 + options_len;
	__u8 *at = push(p, 20 + options_len);
	__u16 sum;

	/* NOPs, or what the core most likely refuses */
	if (rng_percent(rng, 60))
		memset(at + 20, 1, options_len);
	else
		rng_fill(rng, at + 20, options_len);
	at[0] = 0x40 | (20 + options_len) / 4;
	at[1] = rng_percent(rng, 50) ? rng_u64(rng) : 0;
	at[2] = len >> 8;
	at[3] = len;
	if (rng_percent(rng, 15)) {
		at[6] = rng_u64(rng);
		at[7] = rng_u64(rng);
	} else if (rng_percent(rng, 50)) {
		at[6] = 0x40;
	}
	at[8] = rng_percent(rng, 90) ? 64 : rng_below(rng, 3);
	at[9] = protocol;
	memcpy(at + 12, (__u8[]){ 192, 168, 1, 1 }, 4);
	memcpy(at + 16, (__u8[]){ 192, 168, 2, p->first + rng_below(rng, 3) }, 4);
	if (rng_percent(rng, 5))
		rng_fill(rng, at + 12, 8);
	sum = fold(sum_of(at, 20 + options_len, 0));
	memcpy(at + 10, &sum, 2);
}

static void push_ip6(struct packet *p, struct rng *rng, __u8 protocol)
{
	unsigned int len = len_of(p);
	__u8 *at = push(p, 40);

	at[0] = 0x60;
	if (rng_percent(rng, 50)) {
		at[0] |= rng_below(rng, 16);
		rng_fill(rng, at + 1, 3);
	}
	at[4] = len >> 8;
	at[5] = len;
	at[6] = protocol;
	at[7] = rng_percent(rng, 90) ? 64 : rng_below(rng, 3);
	at[8] = 0xfd;
	at[9] = 1;
	at[23] = 1;
	at[24] = 0xfd;
	at[25] = 2;
	at[39] = p->first + rng_below(rng, 3);
	if (rng_percent(rng, 5))
		rng_fill(rng, at + 8, 32);
}

/* Lengths, version, header length, and anything else */
static void spoil(struct packet *p, struct rng *rng)
{
	unsigned int len = len_of(p), at;
	__u8 *data = p->data + p->head;
	__u16 number;

	switch (rng_below(rng, 8)) {
	case 0:
		p->tail = p->head + rng_below(rng, len + 1);
		break;
	case 1:
		if (len)
			data[0] = rng_u64(rng);
		break;
	case 2:
		number = htons(len + rng_below(rng, 64) - 32);
		at = rng_percent(rng, 50) ? 2 : 4;
		if (len > at + 2)
			memcpy(data + at, &number, 2);
		break;
	case 3:
		number = rng_edge(rng, 2);
		at = rng_percent(rng, 50) ? 2 : 4;
		if (len > at + 2)
			memcpy(data + at, &number, 2);
		break;
	case 4:
		rng_fill(rng, put(p, 40), rng_below(rng, 40));
		break;
	case 5:
		if (len > 6)
			data[6] = rng_u64(rng);
		break;
	default:
		at = 1 + rng_below(rng, 4);
		while (len && at--)
			data[rng_below(rng, len < 60 ? len : 60)] = rng_u64(rng);
	}
}

static void push_ip(struct packet *p, struct rng *rng, __u8 family)
{
	if (family == 4)
		push_ip4(p, rng, p->protocol);
	else
		push_ip6(p, rng, push_extensions(p, rng, p->protocol));
}

/* An inner packet; returns its family. */
static __u8 inner(struct packet *p, struct rng *rng)
{
	__u8 family = rng_percent(rng, 50) ? 4 : 6;

	start(p);
	put_transport(p, rng, family);
	push_ip(p, rng, family);
	if (rng_percent(rng, 50))
		spoil(p, rng);
	return family;
}

/* One that can be segmented, for the most part */
static __u8 inner_gso(struct packet *p, struct rng *rng)
{
	__u8 family = rng_percent(rng, 50) ? 4 : 6;

	start(p);
	put_protocol(p, rng, rng_percent(rng, 50) ? 6 : 17,
		     rng_below(rng, rng_percent(rng, 5) ? 8000 : 2500));
	if (family == 4)
		push_ip4(p, rng, p->protocol);
	else
		push_ip6(p, rng, p->protocol);
	if (rng_percent(rng, 15))
		spoil(p, rng);
	return family;
}

/*
 * Outer packets
 */

/* A socket that computes hmac(md5), the fastest that ESP takes */
static int mac_open(void)
{
	struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "hmac(md5)",
	};
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0), mac;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_ALG, ALG_SET_KEY, "a key for fuzzer", 16))
		die("hmac(md5)");
	mac = accept(fd, NULL, NULL);
	if (mac < 0)
		die("hmac(md5)");
	close(fd);
	return mac;
}

static void put_mac(struct packet *p, int mac)
{
	__u8 digest[16] = {};

	if (send(mac, p->data + p->head, len_of(p), 0) < 0 ||
	    read(mac, digest, sizeof(digest)) != sizeof(digest))
		die("hmac(md5)");
	memcpy(put(p, MAC_LEN), digest, MAC_LEN);
}

static void push_outer(struct packet *p, struct rng *rng, const struct link *link,
		       __u8 protocol, unsigned int fragment)
{
	unsigned int len = len_of(p);
	__u8 *at;
	__u16 sum;

	if (link->family == 6) {
		at = push(p, 40);
		at[0] = 0x60;
		at[1] = rng_below(rng, 4) << 4;
		at[4] = len >> 8;
		at[5] = len;
		at[6] = protocol;
		at[7] = 64;
		at[8] = 0xfd;
		at[23] = link->peer;
		at[24] = 0xfd;
		at[39] = link->peer + 1;
		return;
	}
	len += 20;
	at = push(p, 20);
	at[0] = 0x45;
	at[1] = rng_below(rng, 4);
	at[2] = len >> 8;
	at[3] = len;
	/* Fragments of a packet follow one another. */
	at[4] = link->seq >> 8;
	at[5] = link->seq;
	at[6] = fragment >> 8;
	at[7] = fragment;
	at[8] = 64;
	at[9] = protocol;
	at[12] = 10;
	at[15] = link->peer;
	at[16] = 10;
	at[19] = link->peer + 1;
	if (rng_percent(rng, 3))
		at[15] = rng_u64(rng);
	sum = fold(sum_of(at, 20, 0));
	memcpy(at + 10, &sum, 2);
}

/* Put ESP around the packet. */
static void push_esp(struct packet *p, struct rng *rng, struct link *link,
		     int mac, __u8 next)
{
	unsigned int pad = (4 - (len_of(p) + 2) % 4) % 4, i, len;
	__u32 word;
	__u8 *at;

	if (rng_percent(rng, 5))
		next = rng_percent(rng, 50) ? 59 : rng_u64(rng);
	if (rng_percent(rng, 5))
		next = next == 4 ? 41 : 4;
	at = put(p, pad + 2);
	for (i = 0; i < pad; i++)
		at[i] = i + 1;
	at[pad] = rng_percent(rng, 95) ? pad : rng_u64(rng);
	at[pad + 1] = next;
	len = len_of(p);
	at = p->data + p->head;
	for (i = 0; i < len && i < sizeof(stream); i++)
		at[i] ^= stream[i];
	at = push(p, 8 + IV_LEN);
	word = htonl(link->spi);
	memcpy(at, &word, 4);
	word = htonl(++link->seq);
	if (rng_percent(rng, 3))
		word = link->window ? htonl(link->seq - rng_below(rng, 80)) :
				      rng_edge(rng, 4);
	memcpy(at + 4, &word, 4);
	put_mac(p, mac);
	if (rng_percent(rng, 1))
		rng_fill(rng, at, 16);
}

static void push_udp(struct packet *p, struct rng *rng)
{
	__u16 words[4] = { htons(ENCAP_PORT), htons(ENCAP_PORT),
			      htons(len_of(p) + 8), 0 };

	if (rng_percent(rng, 5))
		words[rng_below(rng, 3)] = rng_u64(rng);
	memcpy(push(p, 8), words, 8);
}

/* An ICMP error that quotes a packet of the other host, or nonsense */
static void push_error(struct packet *p, struct rng *rng, const struct link *link)
{
	static const __u8 types6[] = { 1, 2, 3, 4, 128, 133, 135, 137 };
	static const __u8 types4[] = { 3, 3, 3, 5, 11, 12, 4, 0 };
	__u32 spi = htonl(link->spi + OUT_SPI), rest = htonl(rng_edge(rng, 4));
	struct link from = { .family = link->family, .peer = link->peer };
	unsigned int quoted, i;
	__u16 sum;
	__u8 *at;

	quoted = rng_percent(rng, 80) ? 8 + rng_below(rng, 30) :
					rng_below(rng, 600);
	start(p);
	at = put(p, quoted);
	rng_fill(rng, at, quoted);
	if (quoted >= 4)
		memcpy(at, &spi, 4);
	if (link->encap)
		push_udp(p, rng);
	push_outer(p, rng, &from, link->encap ? 17 : 50, 0);
	/* It went the other way. */
	at = p->data + p->head + (link->family == 6 ? 8 : 12);
	for (i = 0; i < (link->family == 6 ? 16 : 4); i++) {
		__u8 byte = at[i];
		unsigned int other = i + (link->family == 6 ? 16 : 4);

		at[i] = at[other];
		at[other] = byte;
	}
	if (rng_percent(rng, 40))
		spoil(p, rng);
	at = push(p, 8);
	at[0] = link->family == 6 ? types6[rng_below(rng, FUZZ_N(types6))] :
				    types4[rng_below(rng, FUZZ_N(types4))];
	at[1] = rng_below(rng, 16);
	if (at[0] == 3 && link->family == 4 && rng_percent(rng, 50))
		at[1] = 4;
	memcpy(at + 4, &rest, 4);
	if (rng_percent(rng, 60)) {
		at[4] = 0;
		at[5] = 0;
		at[6] = rng_below(rng, 8);
	}
	sum = link->family == 4 ? fold(sum_of(at, len_of(p), 0)) : 0;
	if (link->family == 6) {
		__u8 pseudo[40] = { 0xfd, [15] = link->peer, [16] = 0xfd,
				       [31] = link->peer + 1,
				       [34] = len_of(p) >> 8, [35] = len_of(p),
				       [39] = 58 };

		sum = fold(sum_of(at, len_of(p), sum_of(pseudo, 40, 0)));
	}
	memcpy(at + 2, &sum, 2);
}

static void note(struct count *count, ssize_t result)
{
	if (result < 0)
		count->refused++;
	count->sent++;
}

static void transmit(int fd, struct packet *p, struct count *count)
{
	note(count, send(fd, p->data + p->head, len_of(p), 0));
}

static void push_ether(struct packet *p, __u8 family)
{
	__u8 *at = push(p, ETH_HLEN);

	/* see packet.sh */
	memcpy(at, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	at[12] = family == 6 ? 0x86 : 0x08;
	at[13] = family == 6 ? 0xdd : 0x00;
}

/* Send an IPv4 packet in fragments, which may overlap, repeat or be missing. */
static void transmit_fragments(int fd, struct rng *rng, const struct packet *p,
			       const struct link *link)
{
	unsigned int len = len_of(p), at, size;
	struct packet piece;

	for (at = 0; at < len; at += size) {
		size = 8 * (1 + rng_below(rng, 8));
		if (size > len - at)
			size = len - at;
		if (rng_percent(rng, 3))
			continue;
		start(&piece);
		memcpy(put(&piece, size), p->data + p->head + at, size);
		push_outer(&piece, rng, link, link->encap ? 17 : 50,
			   at / 8 | (at + size < len ? 0x2000 : 0));
		push_ether(&piece, 4);
		transmit(fd, &piece, &esp);
		if (rng_percent(rng, 3) && at >= 8)
			at -= 8;
	}
}

static void receive_step(int fd, int mac, struct rng *rng)
{
	struct link *link = &links[rng_below(rng, N_DEVICES)];
	struct packet p;

	p.first = 1;
	if (rng_percent(rng, 15)) {
		push_error(&p, rng, link);
		push_outer(&p, rng, link, link->family == 6 ? 58 : 1, 0);
		push_ether(&p, link->family);
		transmit(fd, &p, &icmp_error);
		return;
	}
	push_esp(&p, rng, link, mac, inner(&p, rng) == 4 ? 4 : 41);
	if (link->encap)
		push_udp(&p, rng);
	if (link->family == 4 && rng_percent(rng, 5)) {
		transmit_fragments(fd, rng, &p, link);
		return;
	}
	push_outer(&p, rng, link, link->encap ? 17 : 50, 0);
	if (rng_percent(rng, 2))
		spoil(&p, rng);
	push_ether(&p, link->family);
	transmit(fd, &p, &esp);
}

/*
 * The way out
 */

static void spoil_vnet(struct virtio_net_hdr *head, struct rng *rng,
		       unsigned int link_len)
{
	switch (rng_below(rng, 6)) {
	case 0:
		head->flags = rng_below(rng, 8);
		break;
	case 1:
		head->gso_type = rng_percent(rng, 50) ? rng_below(rng, 6) :
							rng_u64(rng);
		break;
	case 2:
		head->hdr_len = rng_edge(rng, 2);
		break;
	case 3:
		head->gso_size = rng_edge(rng, 2);
		break;
	case 4:
		head->csum_start = rng_percent(rng, 50) ? rng_edge(rng, 2) :
				   link_len + rng_below(rng, 80);
		break;
	case 5:
		head->csum_offset = rng_percent(rng, 50) ? rng_edge(rng, 2) :
							   rng_below(rng, 70);
		break;
	}
}

/* A header that suits the packet, but for one field now and then. Those that do
 * not are refused before any device sees them.
 */
static void push_vnet(struct packet *p, struct rng *rng, unsigned int link_len,
		      __u8 family)
{
	unsigned int csum_start = p->transport - p->head;
	struct virtio_net_hdr head = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = csum_start,
	};

	if (p->protocol == 6) {
		head.csum_offset = 16;
		head.gso_type = family == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
					      VIRTIO_NET_HDR_GSO_TCPV6;
		if (rng_percent(rng, 10))
			head.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	} else {
		head.csum_offset = 6;
		head.gso_type = has_uso && rng_percent(rng, 60) ?
				GSO_UDP_L4 : VIRTIO_NET_HDR_GSO_UDP;
	}
	head.hdr_len = csum_start + (p->protocol == 6 ? 20 : 8);
	/* ICMP errors keep the path MTU low. */
	head.gso_size = rng_percent(rng, 85) ? 100 + rng_below(rng, 380) :
					       1 + rng_below(rng, 1500);
	if (rng_percent(rng, 10))
		head.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	if (rng_percent(rng, 15))
		spoil_vnet(&head, rng, link_len);
	memcpy(push(p, sizeof(head)), &head, sizeof(head));
}

/* From a tap by the routes of the host, with GSO; and by packet sockets, which
 * skip all checks of IP. Without a protocol the devices would refuse each packet.
 */
static void transmit_step(int out, const int *devices, int tap, struct rng *rng)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	__u8 family;
	struct packet p;

	p.first = 1;
	if (rng_percent(rng, 40)) {
		p.first = 2;	/* .1 is this host's */
		family = inner_gso(&p, rng);
		push_ether(&p, family);
		push_vnet(&p, rng, ETH_HLEN, family);
		note(&by_tap, write(tap, p.data + p.head, len_of(&p)));
		return;
	}
	if (rng_percent(rng, 30)) {
		family = inner_gso(&p, rng);
		push_vnet(&p, rng, 0, family);
	} else {
		family = inner(&p, rng);
		push(&p, sizeof(struct virtio_net_hdr));
	}
	to.sll_ifindex = devices[rng_below(rng, N_DEVICES)];
	to.sll_protocol = htons(family == 6 ? ETH_P_IPV6 : ETH_P_IP);
	if (rng_percent(rng, 3))
		to.sll_protocol = rng_u64(rng);
	note(&by_device,
	     sendto(out, p.data + p.head, len_of(&p), 0,
		    (struct sockaddr *)&to, sizeof(to)));
}

/*
 * Sockets, threads and options
 */

static int packet_socket(const char *device, bool vnet)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(device),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(device);
	if (vnet && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		die("PACKET_VNET_HDR");
	return fd;
}

static int device_index(unsigned int number)
{
	char name[16];

	snprintf(name, sizeof(name), "ipsec%u", number);
	return if_nametoindex(name);
}

static int tap_open(void)
{
	struct ifreq request = {
		.ifr_name = "tap0",
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		die("tap0");
	has_uso = !ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | OFFLOAD_USO);
	return fd;
}

static bool more(unsigned long n)
{
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED) &&
	       (!options.count || n < options.count);
}

static void *receive(void *arg)
{
	struct rng rng;
	unsigned long n;
	int fd, mac = mac_open();

	(void)arg;
	rng_init(&rng, options.seed, 1);
	enter_netns(options.left);
	fd = packet_socket("eth0", false);
	for (n = 0; more(n); n++)
		receive_step(fd, mac, &rng);
	return NULL;
}

static void *send_out(void *arg)
{
	int devices[N_DEVICES], tap, out;
	struct rng rng;
	unsigned long n;
	unsigned int i;

	(void)arg;
	rng_init(&rng, options.seed, 2);
	enter_netns(options.right);
	for (i = 0; i < N_DEVICES; i++)
		devices[i] = device_index(i);
	out = packet_socket("ipsec0", true);
	tap = tap_open();
	for (n = 0; more(n); n++)
		transmit_step(out, devices, tap, &rng);
	return NULL;
}

static void report(time_t started)
{
	printf("%4ld s: %lu ESP, %lu ICMP errors, %lu by devices (%lu not taken), %lu by tap (%lu not taken)",
	       time(NULL) - started, esp.sent, icmp_error.sent, by_device.sent,
	       by_device.refused, by_tap.sent, by_tap.refused);
	if (cover_has())
		printf(", %u of %lu places", cover_count(), options.places);
	putchar('\n');
	fflush(stdout);
}

static void read_stream(void)
{
	FILE *from = fopen(options.stream, "r");

	if (!from || fread(stream, 1, sizeof(stream), from) != sizeof(stream))
		die(options.stream);
	fclose(from);
}

int main(int argc, char **argv)
{
	time_t started = time(NULL), last = started;
	pthread_t in, out;

	options_parse(argc, argv);
	if (!options.stream || !options.left || !options.right) {
		fprintf(stderr, "packet.sh starts this program\n");
		return 2;
	}
	read_stream();
	cover_open();
	if (pthread_create(&in, NULL, receive, NULL) ||
	    pthread_create(&out, NULL, send_out, NULL))
		die("pthread_create");
	while (!options.count && time(NULL) - started < (time_t)options.seconds) {
		usleep(100000);
		if (time(NULL) - last >= REPORT_SECONDS) {
			last = time(NULL);
			report(started);
		}
	}
	__atomic_store_n(&stop, !options.count, __ATOMIC_RELAXED);
	pthread_join(in, NULL);
	pthread_join(out, NULL);
	report(started);
	if (options.reached)
		cover_write(options.reached);
	return 0;
}
