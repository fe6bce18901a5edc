// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip import: write the configuration file of a link, with its keys in files
 * beside it, from lines of OpenBSD's ipsec.conf(5) or of "ip xfrm".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "setup.h"

#define IPSI_IMPORT_DIR	"/etc/ipsec-ipip"

/**
 * struct ipsi_import - a run of the command
 * @name: name of the link
 * @dir: directory of the files
 * @path: path of @dir
 * @mirror: the file is the peer's
 * @setup: the link
 * @files: the files that were made
 * @n_files: their number
 */
struct ipsi_import {
	const char *name;
	const char *dir;
	char path[PATH_MAX];
	bool mirror;
	struct ipsi_setup setup;
	char *files[3 * IPSI_SETUP_SAS + 1];
	size_t n_files;
};

static int ipsi_import_name(void *ctx, char **args)
{
	((struct ipsi_import *)ctx)->name = args[0];
	return ipsi_conf_check_dev(args[0]);
}

static int ipsi_import_dir(void *ctx, char **args)
{
	((struct ipsi_import *)ctx)->dir = args[0];
	return IPSI_OK;
}

static int ipsi_import_mirror(void *ctx, char **args)
{
	(void)args;
	((struct ipsi_import *)ctx)->mirror = true;
	return IPSI_OK;
}

static const struct ipsi_word ipsi_import_table[] = {
	{ .word = "--name", .n_args = 1, .args = "DEV",
	  .help = "name of the link, ipsec0 by default",
	  .parse = ipsi_import_name },
	{ .word = "--dir", .n_args = 1, .args = "DIR",
	  .help = "directory, " IPSI_IMPORT_DIR " by default",
	  .parse = ipsi_import_dir },
	{ .word = "--mirror", .help = "the file is that of the peer",
	  .parse = ipsi_import_mirror },
};

const struct ipsi_words ipsi_import_words = {
	.words = ipsi_import_table, .n = IPSI_ARRAY_SIZE(ipsi_import_table)
};

/**
 * ipsi_setup_mirror() - take the view of the other host
 * @setup: the link
 */
void ipsi_setup_mirror(struct ipsi_setup *setup)
{
	char nets[IPSI_SETUP_NETS][IPSI_NET_LEN], addr[IPSI_NET_LEN];
	const size_t n = setup->n_mine;

	ipsi_net_copy(addr, setup->local);
	ipsi_net_copy(setup->local, setup->remote);
	ipsi_net_copy(setup->remote, addr);
	memcpy(nets, setup->mine, sizeof(nets));
	memcpy(setup->mine, setup->theirs, sizeof(nets));
	memcpy(setup->theirs, nets, sizeof(nets));
	setup->n_mine = setup->n_theirs;
	setup->n_theirs = n;
}

static bool ipsi_is_own_addr(const char *addr)
{
	struct ifaddrs *list, *i;
	char text[INET6_ADDRSTRLEN];
	bool found = false;
	const void *from;

	if (getifaddrs(&list))
		return false;
	for (i = list; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			from = &((struct sockaddr_in *)i->ifa_addr)->sin_addr;
		else if (i->ifa_addr->sa_family == AF_INET6)
			from = &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
		else
			continue;
		inet_ntop(i->ifa_addr->sa_family, from, text, sizeof(text));
		found = !strcmp(text, addr);
	}
	freeifaddrs(list);
	return found;
}

/* Makes a file that only its owner can read, and that did not exist. */
static FILE *ipsi_import_create(struct ipsi_import *import, const char *suffix,
				char **path)
{
	FILE *f = NULL;
	int fd;

	if (asprintf(path, "%s/%s%s", import->path, import->name, suffix) < 0) {
		*path = NULL;
		return NULL;
	}
	fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd >= 0) {
		import->files[import->n_files++] = *path;
		f = fdopen(fd, "w");
	}
	if (f)
		return f;
	if (errno == EEXIST)
		ipsi_fail("%s exists: remove it, or choose another --name",
			  *path);
	else
		ipsi_fail("%s: %s", *path, strerror(errno));
	if (fd >= 0)
		close(fd);
	else
		free(*path);
	return NULL;
}

static int ipsi_import_close(FILE *f, const char *path)
{
	const bool bad = fflush(f) || ferror(f) || fsync(fileno(f));
	const int error = errno;

	fclose(f);
	return bad ? ipsi_fail("%s: %s", path, strerror(error)) : IPSI_OK;
}

/* Writes a key into a file, and the line that names it. */
static int ipsi_import_alg(struct ipsi_import *import, FILE *conf,
			   const struct ipsi_setup_sa *sa, const char *word,
			   const char *ext, const char *alg,
			   const struct ipsi_key *key)
{
	char text[2 * IPSEC_IPIP_KEY_MAX_LEN + 2] = "";
	char suffix[32], *path;
	size_t i;
	FILE *f;

	if (!*alg)
		return IPSI_OK;
	if (!key->len) {
		fprintf(conf, "%s = %s \"\"\n", word, alg);
		return IPSI_OK;
	}
	snprintf(suffix, sizeof(suffix), "-%s-%08x.%s",
		 strcmp(sa->src, import->setup.local) ? "in" : "out", sa->spi,
		 ext);
	f = ipsi_import_create(import, suffix, &path);
	if (!f)
		return IPSI_FAIL;
	/* Without a buffer, no copy of the key stays in memory. */
	setvbuf(f, NULL, _IONBF, 0);
	for (i = 0; i < key->len; i++)
		sprintf(text + 2 * i, "%02x", key->data[i]);
	strcat(text, "\n");
	fputs(text, f);
	explicit_bzero(text, sizeof(text));
	fprintf(conf, "%s = %s file:%s", word, alg, path);
	if (sa->icv_bits && strcmp(word, "Enc"))
		fprintf(conf, " %u", sa->icv_bits);
	fputc('\n', conf);
	if (ipsi_counter_mode(alg))
		ipsi_warn("%s: this key may be used once only: \"ipsec-ipip up\" refuses it, see ipsec-ipip.conf(5)",
			  alg);
	return ipsi_import_close(f, path);
}

static int ipsi_import_sa(struct ipsi_import *import, FILE *conf,
			  const struct ipsi_setup_sa *sa)
{
	const bool out = !strcmp(sa->src, import->setup.local);
	int ret;

	fprintf(conf, "\n[SA]\nDirection = %s\nSPI = 0x%08x\n",
		out ? "out" : "in", sa->spi);
	if (sa->proto == IPPROTO_AH)
		fputs("Proto = ah\n", conf);
	ret = ipsi_import_alg(import, conf, sa, "Enc", "enc", sa->enc,
			      &sa->enc_key);
	if (!ret)
		ret = ipsi_import_alg(import, conf, sa, "AuthTrunc", "auth",
				      sa->auth, &sa->auth_key);
	if (!ret)
		ret = ipsi_import_alg(import, conf, sa, "AEAD", "aead",
				      sa->aead, &sa->aead_key);
	if (sa->reqid)
		fprintf(conf, "ReqId = %u\n", sa->reqid);
	if (sa->window && !out)
		fprintf(conf, "ReplayWindow = %u\n", sa->window);
	if (sa->esn)
		fputs("ESN = yes\n", conf);
	if (sa->sport)
		fprintf(conf, "Encap = espinudp %u %u\n", sa->sport, sa->dport);
	fputs(sa->limits, conf);
	return ret;
}

/* An inner network of one address is an address of a host. */
bool ipsi_is_host(const char *net)
{
	return !strcmp(strchr(net, '/'), strchr(net, ':') ? "/128" : "/32");
}

/* The port on which the inbound SA expects ESP in UDP; 0 for none. */
static uint32_t ipsi_import_encap_port(const struct ipsi_setup *setup)
{
	size_t i;

	for (i = 0; i < setup->n_sas; i++)
		if (!strcmp(setup->sa[i].dst, setup->local) &&
		    setup->sa[i].dport)
			return setup->sa[i].dport;
	return 0;
}

static int ipsi_import_write(struct ipsi_import *import)
{
	const uint32_t port = ipsi_import_encap_port(&import->setup);
	const struct ipsi_setup *setup = &import->setup;
	char *path;
	FILE *conf;
	size_t i;
	int ret = IPSI_OK;

	conf = ipsi_import_create(import, ".conf", &path);
	if (!conf)
		return IPSI_FAIL;
	fprintf(conf, "# made by ipsec-ipip import\n[Link]\nLocal = %s\nRemote = %s\n",
		setup->local, setup->remote);
	if (port)
		fprintf(conf, "EncapPort = %u\n", port);
	for (i = 0; i < setup->n_mine; i++)
		fprintf(conf, "%s%s\n", ipsi_is_host(setup->mine[i]) ?
			"Address = " : "# an address of this host is in ",
			setup->mine[i]);
	for (i = 0; i < setup->n_theirs; i++)
		fprintf(conf, "Route = %s\n", setup->theirs[i]);
	for (i = 0; i < setup->n_sas && !ret; i++)
		ret = ipsi_import_sa(import, conf, &setup->sa[i]);
	if (ret) {
		fclose(conf);
		return ret;
	}
	ret = ipsi_import_close(conf, path);
	if (!ret)
		printf("%s\n", path);
	return ret;
}

/* The paths of keys are words of the file. */
static int ipsi_import_check_dir(const char *path)
{
	if (strpbrk(path, " \t\r\n"))
		return ipsi_usage("--dir: \"%s\": a path without blanks expected",
				  path);
	return IPSI_OK;
}

static int ipsi_import_prepare(struct ipsi_import *import)
{
	int ret = ipsi_import_check_dir(import->dir);

	if (ret)
		return ret;
	if (mkdir(import->dir, 0700) && errno != EEXIST)
		return ipsi_fail("%s: %s", import->dir, strerror(errno));
	if (!realpath(import->dir, import->path))
		return ipsi_fail("%s: %s", import->dir, strerror(errno));
	return ipsi_import_check_dir(import->path);
}

/* The file tells for which host it was written; it may be for the peer. */
static void ipsi_import_choose(struct ipsi_import *import)
{
	const struct ipsi_setup *setup = &import->setup;
	const bool mine = ipsi_is_own_addr(setup->local);
	const bool theirs = ipsi_is_own_addr(setup->remote);

	if (!mine && !theirs && !import->mirror)
		ipsi_warn("neither %s nor %s is an address of this host; took %s for it (otherwise --mirror)",
			  setup->local, setup->remote, setup->local);
	if (import->mirror || (theirs && !mine))
		ipsi_setup_mirror(&import->setup);
}

/**
 * ipsi_import() - make a configuration file from other files
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code. After an error, no file is left.
 */
int ipsi_import(int argc, char **argv)
{
	struct ipsi_import *import;
	int ret;

	if (!argc)
		return ipsi_usage("FILE expected");
	import = calloc(1, sizeof(*import));
	if (!import)
		return ipsi_fail("%s", strerror(ENOMEM));
	import->name = "ipsec0";
	import->dir = IPSI_IMPORT_DIR;
	ret = ipsi_parse_words(ipsi_import_words.words, ipsi_import_words.n,
			       import, argc - 1, argv + 1);
	if (!ret)
		ret = ipsi_import_parse(&import->setup, argv[0]);
	if (!ret)
		ret = ipsi_import_prepare(import);
	if (!ret) {
		ipsi_import_choose(import);
		ret = ipsi_import_write(import);
	}
	while (import->n_files) {
		import->n_files--;
		if (ret)
			unlink(import->files[import->n_files]);
		free(import->files[import->n_files]);
	}
	explicit_bzero(import, sizeof(*import));
	free(import);
	return ret;
}
