/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink over libmnl: one socket, one request at a time, extended
 * acknowledgments, and events.
 */
#ifndef _IPSI_NL_H
#define _IPSI_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

/* The largest datagram that the kernel sends in a dump. */
#define IPSI_NL_BUF	32768

struct ipsi_attr;
struct ipsi_attr_set;

struct ipsi_nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;		/* multicast group of the events */
	uint32_t seq;
	int fine;		/* an errno that counts as success, or 0 */
	int error;		/* errno of the kernel's last answer, or 0 */
	bool silent;		/* failures are not reported */
	char *request;		/* IPSI_NL_BUF bytes each; may hold keys */
	char *answer;
};

/* Copies of the messages that answered a request; may hold keys. */
struct ipsi_replies {
	struct nlmsghdr **msg;
	size_t n;
};

ssize_t ipsi_nl_recv(struct mnl_socket *sock, void *buf, size_t size);
int ipsi_nl_open(struct ipsi_nl *nl);
int ipsi_nl_open_bus(struct ipsi_nl *nl, int bus);
void ipsi_nl_close(struct ipsi_nl *nl);
struct nlmsghdr *ipsi_nl_request(struct ipsi_nl *nl, uint8_t cmd, bool dump);
int ipsi_nl_too_long(void);
int ipsi_nl_put(struct nlmsghdr *nlh, uint16_t type, const void *data,
		size_t len);
int ipsi_nl_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t value);
int ipsi_nl_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t value);
int ipsi_nl_put_u64(struct nlmsghdr *nlh, uint16_t type, uint64_t value);
int ipsi_nl_put_string(struct nlmsghdr *nlh, uint16_t type, const char *value);
int ipsi_nl_talk(struct ipsi_nl *nl, const struct ipsi_attr_set *set,
		 struct ipsi_replies *replies);
int ipsi_nl_get_devs(struct ipsi_nl *nl, const char *dev,
		     struct ipsi_replies *replies);
int ipsi_nl_get_sas(struct ipsi_nl *nl, const char *dev, bool keys,
		    struct ipsi_replies *replies);
int ipsi_nl_peek(uint8_t cmd, const char *dev, struct ipsi_replies *replies);
void ipsi_replies_free(struct ipsi_replies *replies);

void ipsi_hint(const struct ipsi_nl *nl, const struct ipsi_attr_set *set,
	       const struct ipsi_attr *attr, int error, char *buf, size_t size);
bool ipsi_first_netns(void);
bool ipsi_file_moves_link(const char *name);
void ipsi_hint_no_links(void);

int ipsi_nl_listen(struct ipsi_nl *nl);
int ipsi_nl_events(struct ipsi_nl *nl,
		   void (*handle)(const struct nlmsghdr *nlh));

#endif /* _IPSI_NL_H */
