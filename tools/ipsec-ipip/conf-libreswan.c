// SPDX-License-Identifier: GPL-2.0
/*
 * Keys of ipsec-ipip.conf(5) from libreswan: a connection and its secret, in files of
 * their own, which the daemon reads again when it starts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"

static const char ipsi_no_libreswan[] =
	"install libreswan, or leave Daemon out";

static const char *ipsi_libreswan_path(char path[PATH_MAX], const char *dev,
				       const char *suffix)
{
	const char *base = getenv("IPSEC_CONFDDIR");

	snprintf(path, PATH_MAX, "%s/ipsec-ipip-%s.%s",
		 base ? base : "/etc/ipsec.d", dev, suffix);
	return path;
}

/* Runs "ipsec whack OPTION"; with @dev, for its connection. Returns an exit code. */
static int ipsi_whack(const char *option, const char *dev,
		      enum ipsi_ike_report report)
{
	char conn[64], *argv[7] = { "ipsec", "whack", (char *)option };
	char name[64];

	if (dev) {
		snprintf(conn, sizeof(conn), "ipsec-ipip-%s", dev);
		argv[3] = "--name";
		argv[4] = conn;
		if (!strcmp(option, "--initiate"))
			argv[5] = "--asynchronous";
	}
	snprintf(name, sizeof(name), "ipsec whack %s", option);
	return ipsi_ike_run(name, argv, ipsi_no_libreswan, "ipsec", report);
}

/* Runs "ipsec addconn WHAT", which reads the files; returns an exit code. */
static int ipsi_addconn(const char *what)
{
	char *argv[4] = { "ipsec", "addconn", (char *)what };
	const int status = ipsi_spawn(argv, NULL, true, IPSI_DAEMON_WAIT);

	return status ? ipsi_fail("ipsec addconn %s: exit status %d", what,
				  status) : IPSI_OK;
}

/* A syntax error would keep the daemon from all connections of the host: values are
 * quoted, and have no quotes of their own.
 */
static void ipsi_libreswan_print(FILE *f, const struct ipsi_conf *conf,
				 const char *word, const char *key,
				 const char *standard)
{
	const char *value = ipsi_conf_text(conf, key);

	if (value || standard)
		fprintf(f, "\t%s=\"%s\"\n", word, value ? value : standard);
}

static const char *ipsi_libreswan_auto(const struct ipsi_conf *conf)
{
	const char *start = ipsi_conf_text(conf, "Start");

	if (!start || !strcmp(start, "trap"))
		return "ondemand";
	return strcmp(start, "start") ? "add" : "start";
}

/* Returns an exit code; the caller frees the text. */
static int ipsi_libreswan_conn(const struct ipsi_conf *conf, uint32_t if_id,
			       char **text, size_t *size)
{
	const char *version = ipsi_conf_text(conf, "Version");
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	FILE *f = open_memstream(text, size);

	if (!f)
		return ipsi_fail("%s", strerror(ENOMEM));
	fprintf(f, "# Made by ipsec-ipip up %s; ipsec-ipip down %s removes it.\n",
		conf->dev, conf->dev);
	fprintf(f, "conn ipsec-ipip-%s\n\tikev2=%s\n\tauthby=secret\n",
		conf->dev, version && !strcmp(version, "1") ? "no" : "insist");
	fprintf(f, "\tleft=%s\n\tright=%s\n",
		ipsi_ike_addr(conf, IPSI_CONF_LOCAL, local),
		ipsi_ike_addr(conf, IPSI_CONF_REMOTE, remote));
	ipsi_libreswan_print(f, conf, "leftid", "LocalId", NULL);
	ipsi_libreswan_print(f, conf, "rightid", "RemoteId", NULL);
	/* Routes select the packets. A connection is for one family. */
	ipsi_libreswan_print(f, conf, "leftsubnet", "LocalTS", "0.0.0.0/0");
	ipsi_libreswan_print(f, conf, "rightsubnet", "RemoteTS", "0.0.0.0/0");
	ipsi_libreswan_print(f, conf, "ike", "IkeProposals", NULL);
	ipsi_libreswan_print(f, conf, "esp", "EspProposals", NULL);
	ipsi_libreswan_print(f, conf, "salifetime", "Rekey", NULL);
	fprintf(f, "\tipsec-interface=%u\n\tleftupdown=%%disabled\n\tauto=%s\n",
		if_id, ipsi_libreswan_auto(conf));
	fclose(f);
	return IPSI_OK;
}

/* Returns an exit code; the caller wipes and frees the text. */
static int ipsi_libreswan_secret(const struct ipsi_conf *conf, char **text,
				 size_t *size)
{
	const char *local_id = ipsi_conf_text(conf, "LocalId");
	const char *remote_id = ipsi_conf_text(conf, "RemoteId");
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	char secret[IPSI_SECRET_MAX];
	size_t i;
	int ret;
	FILE *f;

	ret = ipsi_ike_secret(ipsi_conf_text(conf, "Secret"), secret);
	f = ret ? NULL : open_memstream(text, size);
	if (f) {
		fprintf(f, "\"%s\" \"%s\" : PSK 0x", local_id ? local_id :
			ipsi_ike_addr(conf, IPSI_CONF_LOCAL, local),
			remote_id ? remote_id :
			ipsi_ike_addr(conf, IPSI_CONF_REMOTE, remote));
		for (i = 0; secret[i]; i++)
			fprintf(f, "%02x", (unsigned char)secret[i]);
		fputc('\n', f);
		fclose(f);
	} else if (!ret) {
		ret = ipsi_fail("%s", strerror(ENOMEM));
	}
	explicit_bzero(secret, sizeof(secret));
	return ret;
}

/* Stores a file, and wipes and frees its text; sets @changed if it was another. */
static int ipsi_libreswan_store(const char *path, char *text, size_t size,
				bool *changed)
{
	int ret = IPSI_OK;

	if (!ipsi_ike_unchanged(path, text, size)) {
		ret = ipsi_ike_store(path, text, size, ipsi_no_libreswan);
		*changed = !ret;
	}
	explicit_bzero(text, size);
	free(text);
	return ret;
}

/* The old connection stays until the files are known to be good. */
static int ipsi_libreswan_load(const char *dev)
{
	char name[64];
	int ret;

	ret = ipsi_whack("--rereadsecrets", NULL, IPSI_FAILS);
	if (!ret)
		ret = ipsi_addconn("--checkconfig");
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "ipsec-ipip-%s", dev);
	ipsi_whack("--delete", dev, IPSI_TRIES);
	return ipsi_addconn(name);
}

static int ipsi_libreswan_start(const struct ipsi_conf *conf)
{
	const char *how = ipsi_libreswan_auto(conf);

	if (!strcmp(how, "ondemand"))
		return ipsi_whack("--route", conf->dev, IPSI_FAILS);
	if (!strcmp(how, "start"))
		return ipsi_whack("--initiate", conf->dev, IPSI_FAILS);
	return IPSI_OK;
}

/* The daemon may have loaded files that were removed, or replaced by the old ones. */
static void ipsi_libreswan_unload(const char *dev, bool gone)
{
	static const char reread[] =
		"exec 2> /dev/null; ipsec whack --rereadsecrets";
	static const char unload[] =
		"exec 2> /dev/null; ipsec whack --rereadsecrets; ipsec whack --delete --name $0";
	char name[64], *argv[5] = { "sh", "-c" };

	argv[2] = (char *)(gone ? unload : reread);
	argv[3] = name;
	snprintf(name, sizeof(name), "ipsec-ipip-%s", dev);
	ipsi_spawn(argv, NULL, true, IPSI_DAEMON_WAIT);
}

/* The files of a connection */
struct ipsi_libreswan_file {
	char path[PATH_MAX];
	bool changed;
};

static int ipsi_libreswan_write(const struct ipsi_conf *conf, uint32_t if_id,
				struct ipsi_libreswan_file *secrets,
				struct ipsi_libreswan_file *conn)
{
	char *text = NULL;
	size_t size = 0;
	int ret;

	ret = ipsi_libreswan_secret(conf, &text, &size);
	if (!ret)
		ret = ipsi_libreswan_store(secrets->path, text, size,
					   &secrets->changed);
	if (!ret)
		ret = ipsi_libreswan_conn(conf, if_id, &text, &size);
	if (!ret)
		ret = ipsi_libreswan_store(conn->path, text, size,
					   &conn->changed);
	return ret;
}

/**
 * ipsi_libreswan_up() - make libreswan negotiate the keys of a link
 * @conf: the configuration
 * @if_id: the interface id of the link
 *
 * Nothing is done if the daemon has that connection.
 *
 * Return: exit code.
 */
int ipsi_libreswan_up(const struct ipsi_conf *conf, uint32_t if_id)
{
	struct ipsi_libreswan_file secrets = {}, conn = {};
	int ret;

	ipsi_libreswan_path(secrets.path, conf->dev, "secrets");
	ipsi_libreswan_path(conn.path, conf->dev, "conf");
	ret = ipsi_libreswan_write(conf, if_id, &secrets, &conn);
	if (!ret && !secrets.changed && !conn.changed)
		return IPSI_OK;
	if (!ret)
		ret = ipsi_libreswan_load(conf->dev);
	if (!ret)
		ret = ipsi_libreswan_start(conf);
	if (secrets.changed)
		ipsi_ike_keep(secrets.path, !ret);
	if (conn.changed)
		ipsi_ike_keep(conn.path, !ret);
	if (ret)
		ipsi_libreswan_unload(conf->dev, access(conn.path, F_OK));
	return ret;
}

/**
 * ipsi_libreswan_down() - remove the connection of a link
 * @dev: name of the link
 *
 * Return: exit code; success if there is none.
 */
int ipsi_libreswan_down(const char *dev)
{
	char path[PATH_MAX];

	ipsi_ike_remove(ipsi_libreswan_path(path, dev, "secrets"));
	if (access(ipsi_libreswan_path(path, dev, "conf"), F_OK))
		return IPSI_OK;
	if (ipsi_ike_remove(path))
		return ipsi_fail("%s: %s", path, strerror(errno));
	/* A daemon that does not run has no connection. */
	if (!ipsi_whack("--delete", dev, IPSI_WARNS))
		ipsi_whack("--rereadsecrets", NULL, IPSI_WARNS);
	return IPSI_OK;
}
