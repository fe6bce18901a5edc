// SPDX-License-Identifier: GPL-2.0
/*
 * The next step after a refusal of the kernel. The kernel's message says what is
 * wrong; a hint says what to type.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/genetlink.h>

#include "algs.h"
#include "attrs.h"
#include "conf.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-add.h"

/* Devices to name in a message. */
#define IPSI_HINT_DEVS	8

/**
 * ipsi_first_netns() - check whether this is the namespace of init
 *
 * Files and units of the host say nothing about others.
 *
 * Return: true if it is; false if not, or if it is unknown.
 */
bool ipsi_first_netns(void)
{
	struct stat own, first;

	return !stat("/proc/self/ns/net", &own) &&
	       !stat("/proc/1/ns/net", &first) && own.st_ino == first.st_ino;
}

/**
 * ipsi_file_moves_link() - check whether a link is moved to another namespace
 * @name: name of the link
 *
 * Its file does that in a hook after the start, so the link is not missed here.
 *
 * Return: true if the link has a file with such a hook.
 */
bool ipsi_file_moves_link(const char *name)
{
	char path[PATH_MAX], *line = NULL;
	bool moves = false;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), IPSI_CONF_DIR "/%s.conf", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!moves && getline(&line, &size, file) > 0) {
		const char *key = line + strspn(line, " \t");
		const char *set = strstr(key, " set ");

		moves = !strncasecmp(key, "PostUp", strlen("PostUp")) && set &&
			strstr(set, " netns ");
	}
	explicit_bzero(line, size);
	free(line);
	fclose(file);
	return moves;
}

static bool ipsi_hint_file(const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), IPSI_CONF_DIR "/%s.conf", name);
	if (!ipsi_first_netns() || access(path, F_OK))
		return false;
	if (ipsi_file_moves_link(name))
		snprintf(buf, size,
			 "; its file moves it to another namespace, look there: ip netns exec NAMESPACE ipsec-ipip show %s",
			 name);
	else
		snprintf(buf, size,
			 "; it has a file, make it: ipsec-ipip up %s", name);
	return true;
}

static void ipsi_hint_devs(const char *name, char *buf, size_t size)
{
	struct ipsi_replies devs = {};
	struct ipsi_attrs dev;
	size_t i, len;

	if (ipsi_hint_file(name, buf, size))
		return;
	if (ipsi_nl_peek(IPSEC_IPIP_CMD_DEV_GET, NULL, &devs))
		goto out;
	if (!devs.n)
		snprintf(buf, size,
			 "; there is none, make it: ip link add %s type ipsec-ipip local ADDRESS remote ADDRESS",
			 name);
	for (i = 0; i < devs.n && i < IPSI_HINT_DEVS; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, devs.msg[i]);
		len = strlen(buf);
		snprintf(buf + len, size - len, "%s %s", i ? "," :
			 "; there are:",
			 ipsi_attr_string(&dev, IPSEC_IPIP_A_DEV_IFNAME));
	}
	if (i < devs.n)
		snprintf(buf + strlen(buf), size - strlen(buf),
			 " and %zu more: ipsec-ipip show", devs.n - i);
out:
	ipsi_replies_free(&devs);
}

/* The owner of the SPI: another SA of a device, or a state without a device. */
static void ipsi_hint_spi(const struct ipsi_attrs *new, char *buf, size_t size)
{
	const uint64_t spi = ipsi_attr_u64(new, IPSEC_IPIP_A_SA_SPI);
	const uint64_t direction = ipsi_attr_u64(new,
						 IPSEC_IPIP_A_SA_DIRECTION);
	struct ipsi_replies sas = {};
	struct ipsi_attrs sa;
	size_t i;

	snprintf(buf, size,
		 "; it is a state of no device, look before you delete it: ip xfrm state list nokeys spi 0x%08llx",
		 (unsigned long long)spi);
	if (ipsi_nl_peek(IPSEC_IPIP_CMD_SA_GET, NULL, &sas))
		sas.n = 0;
	for (i = 0; i < sas.n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, sas.msg[i]);
		if (ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_SPI) != spi ||
		    ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_DIRECTION) != direction)
			continue;
		snprintf(buf, size,
			 "; replace it: ipsec-ipip sa del %s %s spi 0x%08llx",
			 ipsi_attr_string(&sa, IPSEC_IPIP_A_SA_IFNAME),
			 ipsi_attr_enum(&sa, IPSEC_IPIP_A_SA_DIRECTION),
			 (unsigned long long)spi);
		break;
	}
	ipsi_replies_free(&sas);
}

static void ipsi_hint_key(const char *name, char *buf, size_t size)
{
	const struct ipsi_alg *alg = ipsi_alg_find(name);

	if (alg && alg->lengths)
		snprintf(buf, size, "; %s takes %s", name, alg->lengths);
}

/* The width of the check value is in bits, and often given in bytes. */
static void ipsi_hint_icv(uint64_t value, char *buf, size_t size)
{
	if (value >= 8 && value < 64)
		snprintf(buf, size, "; it is in bits: %llu bytes are %llu bits",
			 (unsigned long long)value,
			 (unsigned long long)value * 8);
}

/* The kernel refuses the limits, or the ports, as a whole. */
static void ipsi_hint_limits(const struct ipsi_attrs *request, char *buf,
			     size_t size)
{
	struct ipsi_attrs limits;
	unsigned int id;
	size_t len;

	ipsi_attrs_parse_nest(&limits, request, IPSEC_IPIP_A_SA_LIFETIME);
	for (id = 0; id <= limits.set->max; id++) {
		len = strlen(buf);
		if (limits.tb[id])
			snprintf(buf + len, size - len, "%s %s is %llu",
				 len ? "," : ";", ipsi_sa_limit_word(id),
				 ipsi_attr_u64(&limits, id));
	}
}

static void ipsi_hint_ports(const struct ipsi_attrs *request, char *buf,
			    size_t size)
{
	struct ipsi_attrs encap;

	ipsi_attrs_parse_nest(&encap, request, IPSEC_IPIP_A_SA_ENCAP);
	snprintf(buf, size, "; they are %llu and %llu",
		 ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_SPORT),
		 ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_DPORT));
}

static void ipsi_hint_cipher(const struct ipsi_attrs *request, char *buf,
			     size_t size)
{
	if (!request->tb[IPSEC_IPIP_A_SA_ENC_NAME])
		snprintf(buf, size, "; add: enc NAME KEY");
	else if (ipsi_attr_u64(request, IPSEC_IPIP_A_SA_PROTO) == IPPROTO_AH)
		snprintf(buf, size, "; leave enc out, or take proto esp");
	else
		ipsi_hint_key(ipsi_attr_string(request,
					       IPSEC_IPIP_A_SA_ENC_NAME),
			      buf, size);
}

static void ipsi_hint_sa(const struct ipsi_attrs *request, unsigned int id,
			 int error, char *buf, size_t size)
{
	switch (id) {
	case IPSEC_IPIP_A_SA_IFNAME:
		ipsi_hint_devs(ipsi_attr_string(request, id), buf, size);
		break;
	case IPSEC_IPIP_A_SA_SPI:
		if (error == EEXIST)
			ipsi_hint_spi(request, buf, size);
		else if (error == ENOENT)
			snprintf(buf, size, "; it has: ipsec-ipip sa show %s",
				 ipsi_attr_string(request,
						  IPSEC_IPIP_A_SA_IFNAME));
		break;
	case IPSEC_IPIP_A_SA_ENC_KEY:
	case IPSEC_IPIP_A_SA_ENC_NAME:
		ipsi_hint_cipher(request, buf, size);
		break;
	case IPSEC_IPIP_A_SA_LIFETIME:
		ipsi_hint_limits(request, buf, size);
		break;
	case IPSEC_IPIP_A_SA_ENCAP:
		ipsi_hint_ports(request, buf, size);
		break;
	case IPSEC_IPIP_A_SA_AEAD_KEY:
		ipsi_hint_key(ipsi_attr_string(request,
					       IPSEC_IPIP_A_SA_AEAD_NAME),
			      buf, size);
		break;
	case IPSEC_IPIP_A_SA_ICV_BITS:
		ipsi_hint_icv(ipsi_attr_u64(request, id), buf, size);
		break;
	case IPSEC_IPIP_A_SA_AUTH_NAME:
		if (!request->tb[id])
			snprintf(buf, size, "; add: auth NAME KEY");
		break;
	}
}

/**
 * ipsi_hint() - say what to do after a refusal
 * @nl: the socket, with the request
 * @set: the attributes that the request may have
 * @attr: the attribute that was refused, or NULL
 * @error: errno
 * @buf: the hint, to append to the message; or ""
 * @size: size of @buf
 */
void ipsi_hint(const struct ipsi_nl *nl, const struct ipsi_attr_set *set,
	       const struct ipsi_attr *attr, int error, char *buf, size_t size)
{
	struct ipsi_attrs request;

	buf[0] = '\0';
	if (error == EPERM || !attr || attr < set->attrs ||
	    attr > set->attrs + set->max)
		return;
	ipsi_attrs_parse(&request, set, (struct nlmsghdr *)nl->request);
	if (set == &ipsi_sa_set)
		ipsi_hint_sa(&request, attr - set->attrs, error, buf, size);
	else if (attr - set->attrs == IPSEC_IPIP_A_DEV_IFNAME)
		ipsi_hint_devs(ipsi_attr_string(&request,
						IPSEC_IPIP_A_DEV_IFNAME),
			       buf, size);
}

/* Links that were deleted leave no trace but their files. */
void ipsi_hint_no_links(void)
{
	const size_t before = strlen(IPSI_CONF_DIR "/");
	char name[NAME_MAX + 1];
	glob_t found;
	size_t i;

	if (!ipsi_first_netns() ||
	    glob(IPSI_CONF_DIR "/*.conf", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(name, sizeof(name), "%s", found.gl_pathv[i] + before);
		name[strlen(name) - strlen(".conf")] = '\0';
		if (ipsi_file_moves_link(name))
			continue;
		ipsi_warn("there is no link, but a file for one: ipsec-ipip up %s (modprobe -r ipsec_ipip deletes all links)",
			  name);
		break;
	}
	globfree(&found);
}
