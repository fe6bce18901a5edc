// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip monitor: print a line for each event, and run a command for it, until
 * killed.
 */
#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <linux/genetlink.h>

#include "attrs.h"
#include "exec.h"
#include "ipsi.h"
#include "nl.h"

static const struct ipsi_event {
	const char *name;
	const char *json_flag;	/* the flag of this event */
	bool of_dev;		/* has attributes of a device, not of an SA */
} ipsi_events[] = {
	[IPSEC_IPIP_CMD_SA_ADD_NTF]	 = { .name = "sa-add",
					     .json_flag = "adopted" },
	[IPSEC_IPIP_CMD_SA_DEL_NTF]	 = { .name = "sa-del" },
	[IPSEC_IPIP_CMD_SA_EXPIRE_NTF]	 = { .name = "sa-expire",
					     .json_flag = "hard" },
	[IPSEC_IPIP_CMD_SA_ACTIVATE_NTF] = { .name = "sa-activate",
					     .json_flag = "pinned" },
	[IPSEC_IPIP_CMD_DEV_CARRIER_NTF] = { .name = "carrier",
					     .of_dev = true },
	[IPSEC_IPIP_CMD_DEV_PEER_NTF]	 = { .name = "peer",
					     .of_dev = true },
	[IPSEC_IPIP_CMD_SA_REFUSE_NTF]	 = { .name = "sa-refuse" },
};

/* The name of the device whose events are printed, or NULL for all. */
static const char *ipsi_monitor_dev;

/* ISO 8601, local time with its offset, microseconds. */
static void ipsi_now(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm = {};
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(buf, size, "%FT%T", &tm);
	len += snprintf(buf + len, size - len, ".%06ld", now.tv_nsec / 1000);
	strftime(buf + len, size - len, "%z", &tm);
}

static void ipsi_event_sa(const struct ipsi_attrs *sa)
{
	if (sa->tb[IPSEC_IPIP_A_SA_DIRECTION])
		printf(" %s", ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_DIRECTION));
	if (sa->tb[IPSEC_IPIP_A_SA_SPI])
		printf(" spi 0x%08llx proto %s",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI),
		       ipsi_proto_name(ipsi_attr_u64(sa,
						     IPSEC_IPIP_A_SA_PROTO)));
	else
		printf(" none");
	if (sa->tb[IPSEC_IPIP_A_SA_MODE])
		printf(" mode %s", ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_MODE));
	if (sa->tb[IPSEC_IPIP_A_SA_REQID])
		printf(" reqid %llu",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_REQID));
}

/* The event has no reason. The device as it is now has one, if it is off still;
 * else NULL.
 */
static const char *ipsi_event_why_off(const struct ipsi_attrs *event)
{
	struct ipsi_replies replies = {};
	const char *why = NULL;
	struct ipsi_attrs dev;

	if (!ipsi_nl_peek(IPSEC_IPIP_CMD_DEV_GET,
			  ipsi_attr_string(event, IPSEC_IPIP_A_DEV_IFNAME),
			  &replies) && replies.n) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, replies.msg[0]);
		if (!ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_CARRIER))
			why = ipsi_dev_why_off(&dev);
	}
	ipsi_replies_free(&replies);
	return why;
}

static void ipsi_event_dev(const struct ipsi_attrs *dev, uint8_t cmd,
			   const char *when, const char *why)
{
	const bool on = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_CARRIER);
	char buf[IPSI_TEXT_LEN];

	printf("%s %s %s ", when, ipsi_events[cmd].name,
	       ipsi_attr_string(dev, IPSEC_IPIP_A_DEV_IFNAME));
	if (cmd == IPSEC_IPIP_CMD_DEV_CARRIER_NTF)
		printf("%s", on ? "on" : "off");
	else
		printf("%s", ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_PEER, buf));
	if (why)
		printf(", %s", why);
	if (dev->tb[IPSEC_IPIP_A_DEV_PEER_PORT])
		printf(" port %llu",
		       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_PEER_PORT));
	if (dev->tb[IPSEC_IPIP_A_DEV_LOCAL])
		printf(" local %s",
		       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_LOCAL, buf));
	putchar('\n');
}

static void ipsi_event_text(const struct ipsi_attrs *sa, uint8_t cmd,
			    const char *when)
{
	char src[IPSI_TEXT_LEN], dst[IPSI_TEXT_LEN];

	printf("%s %s %s", when, ipsi_events[cmd].name,
	       ipsi_attr_string(sa, IPSEC_IPIP_A_SA_IFNAME));
	ipsi_event_sa(sa);
	if (sa->tb[IPSEC_IPIP_A_SA_SRC])
		printf(" %s -> %s",
		       ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_SRC, src),
		       ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_DST, dst));
	if (cmd == IPSEC_IPIP_CMD_SA_ADD_NTF &&
	    sa->tb[IPSEC_IPIP_A_SA_ADOPTED])
		printf(" adopted");
	if (sa->tb[IPSEC_IPIP_A_SA_REFUSAL])
		printf(" %s", ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_REFUSAL));
	if (cmd == IPSEC_IPIP_CMD_SA_EXPIRE_NTF)
		printf(sa->tb[IPSEC_IPIP_A_SA_HARD] ? " hard" : " soft");
	if (cmd == IPSEC_IPIP_CMD_SA_ACTIVATE_NTF &&
	    sa->tb[IPSEC_IPIP_A_SA_PINNED])
		printf(" pinned");
	putchar('\n');
}

/* Returns the event as JSON, which the caller puts. */
static struct json_object *ipsi_event_object(const char *name, const char *when)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "time", json_object_new_string(when));
	json_object_object_add(object, "event", json_object_new_string(name));
	return object;
}

static struct json_object *ipsi_event_json(const struct ipsi_attrs *sa,
					   uint8_t cmd, const char *when,
					   const char *why)
{
	const char * const flags[] = { ipsi_events[cmd].json_flag, NULL };
	struct json_object *object = ipsi_event_object(ipsi_events[cmd].name,
						       when);
	struct json_object *attrs = ipsi_attrs_json(sa);

	json_object_object_foreach(attrs, name, value)
		json_object_object_add(object, name, json_object_get(value));
	json_object_put(attrs);
	ipsi_json_flags(object, flags);
	if (why)
		json_object_object_add(object, "reason",
				       json_object_new_string(why));
	return object;
}

/* Puts the object. The line of an event is there before its command runs. */
static void ipsi_event_out(struct json_object *object)
{
	if (ipsi_opts.exec) {
		fflush(stdout);
		ipsi_exec_run(object);
	}
	json_object_put(object);
}

/* Prints an event, and runs the command for it. */
static void ipsi_event_tell(const struct ipsi_attrs *sa, uint8_t cmd)
{
	struct json_object *object;
	const char *why = NULL;
	char when[64];

	ipsi_now(when, sizeof(when));
	if (cmd == IPSEC_IPIP_CMD_DEV_CARRIER_NTF &&
	    !ipsi_attr_u64(sa, IPSEC_IPIP_A_DEV_CARRIER))
		why = ipsi_event_why_off(sa);
	object = ipsi_event_json(sa, cmd, when, why);
	if (ipsi_opts.json)
		puts(ipsi_json_text(object, false));
	else if (ipsi_events[cmd].of_dev)
		ipsi_event_dev(sa, cmd, when, why);
	else
		ipsi_event_text(sa, cmd, when);
	ipsi_event_out(object);
}

static void ipsi_event(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct ipsi_attrs sa;
	bool of_dev;

	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN ||
	    genl->cmd >= IPSI_ARRAY_SIZE(ipsi_events) ||
	    !ipsi_events[genl->cmd].name)
		return;
	of_dev = ipsi_events[genl->cmd].of_dev;
	ipsi_attrs_parse(&sa, of_dev ? &ipsi_dev_set : &ipsi_sa_set, nlh);
	if (!ipsi_monitor_dev ||
	    !strcmp(ipsi_monitor_dev,
		    ipsi_attr_string(&sa, of_dev ?
				     (int)IPSEC_IPIP_A_DEV_IFNAME :
				     (int)IPSEC_IPIP_A_SA_IFNAME)))
		ipsi_event_tell(&sa, genl->cmd);
}

/* A command that follows the state has to look at it again. */
static void ipsi_events_lost(void)
{
	struct json_object *object;
	char when[64];

	fprintf(stderr, "# events were lost\n");
	ipsi_now(when, sizeof(when));
	object = ipsi_event_object("lost", when);
	if (ipsi_opts.json)
		puts(ipsi_json_text(object, false));
	ipsi_event_out(object);
}

/* The device may be made later, but its name may also be misspelt. */
static int ipsi_monitor_look(const char *name)
{
	const uint32_t ifindex = if_nametoindex(name);
	struct ipsi_replies devs = {};
	struct ipsi_nl nl = {};
	int ret = IPSI_OK;

	if (!ifindex) {
		ipsi_warn("there is no device \"%s\" yet; waiting for its events",
			  name);
		return IPSI_OK;
	}
	ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_nl_get_devs(&nl, name, &devs);
	ipsi_replies_free(&devs);
	ipsi_nl_close(&nl);
	return ret;
}

static int ipsi_monitor_loop(struct ipsi_nl *nl)
{
	int err;

	fprintf(stderr, "# listening\n");
	for (;;) {
		err = ipsi_nl_events(nl, ipsi_event);
		/* Flush after each batch, because stdout may be a pipe. */
		if (fflush(stdout) || ferror(stdout))
			return ipsi_fail("output: %s", strerror(errno));
		if (err == ENOBUFS)
			ipsi_events_lost();
		else if (err)
			return ipsi_fail("%s", strerror(err));
	}
}

/**
 * ipsi_monitor() - print events as they occur
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code; it returns only on errors.
 */
int ipsi_monitor(int argc, char **argv)
{
	struct ipsi_nl nl = {};
	int ret = IPSI_OK;

	if (argc > 1)
		return ipsi_usage("unknown word \"%s\"", argv[1]);
	if (argc)
		ret = ipsi_arg_dev(argv[0]);
	if (!ret && ipsi_opts.exec)
		ret = ipsi_exec_find(ipsi_opts.exec);
	if (ret)
		return ret;
	ipsi_monitor_dev = argc ? argv[0] : NULL;
	ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_nl_listen(&nl);
	if (!ret && ipsi_monitor_dev)
		ret = ipsi_monitor_look(ipsi_monitor_dev);
	if (!ret)
		ret = ipsi_monitor_loop(&nl);
	ipsi_nl_close(&nl);
	return ret;
}
