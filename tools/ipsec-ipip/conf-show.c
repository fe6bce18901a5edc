// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip strip, showconf, save: a configuration as text, from a file or from the
 * kernel. Both have the same form, so that diff(1) can compare them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"

static int ipsi_conf_print(FILE *f, const struct ipsi_conf *conf,
			   const struct ipsi_conf *paths)
{
	fputs("[Link]\n", f);
	ipsi_conf_option_print(f, conf);
	return ipsi_conf_sa_print(f, conf, paths);
}

/**
 * ipsi_conf_options_from_kernel() - get the options of a link
 * @conf: the result, zeroed before; the caller frees it
 * @dev: name of the link
 * @nl: a socket of the family
 *
 * Return: exit code.
 */
int ipsi_conf_options_from_kernel(struct ipsi_conf *conf, const char *dev,
				  struct ipsi_nl *nl)
{
	struct ipsi_replies replies = {};
	struct ipsi_attrs attrs;
	int ret;

	ret = ipsi_arg_dev(dev);
	if (ret)
		return ret;
	snprintf(conf->dev, sizeof(conf->dev), "%s", dev);
	ret = ipsi_nl_get_devs(nl, dev, &replies);
	if (!ret && replies.n) {
		ipsi_attrs_parse(&attrs, &ipsi_dev_set, replies.msg[0]);
		ipsi_conf_option_get(conf, &attrs);
		if (!conf->option[IPSI_CONF_LOCAL].set)
			ret = ipsi_fail("CAP_NET_ADMIN required in the namespace of the underlay");
	}
	ipsi_replies_free(&replies);
	return ret;
}

/**
 * ipsi_conf_from_kernel() - get the options and SAs of a link
 * @conf: the result, zeroed before; the caller frees it
 * @dev: name of the link
 * @nl: a socket of the family
 *
 * Return: exit code.
 */
int ipsi_conf_from_kernel(struct ipsi_conf *conf, const char *dev,
			  struct ipsi_nl *nl)
{
	int ret = ipsi_conf_options_from_kernel(conf, dev, nl);

	return ret ? ret : ipsi_conf_sa_get(conf, nl);
}

/**
 * ipsi_strip() - print what setconf needs of a file
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_strip(int argc, char **argv)
{
	struct ipsi_conf conf = {};
	int ret;

	if (argc != 1)
		return ipsi_usage("NAME or FILE expected");
	ipsi_warn_stdout();
	ret = ipsi_conf_load(&conf, argv[0]);
	if (!ret)
		ret = ipsi_conf_print(stdout, &conf, NULL);
	ipsi_conf_free(&conf);
	return ret;
}

/**
 * ipsi_showconf() - print the configuration of a link, with its keys
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_showconf(int argc, char **argv)
{
	struct ipsi_conf conf = {};
	struct ipsi_nl nl = {};
	int ret;

	if (argc != 1)
		return ipsi_usage("DEV expected");
	ipsi_warn_stdout();
	ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_conf_from_kernel(&conf, argv[0], &nl);
	if (!ret)
		ret = ipsi_conf_print(stdout, &conf, NULL);
	ipsi_conf_free(&conf);
	ipsi_nl_close(&nl);
	return ret;
}

static int ipsi_save_print(FILE *f, const struct ipsi_conf *now,
			   const struct ipsi_conf *file)
{
	size_t i;

	fputs("[Link]\n", f);
	for (i = 0; i < file->n_text; i++)
		if (ipsi_conf_option_index(file->text[i].key) < 0)
			fprintf(f, "%s = %s\n", file->text[i].key,
				file->text[i].value);
	ipsi_conf_option_print(f, now);
	return ipsi_conf_sa_print(f, now, file);
}

static int ipsi_save_write(const struct ipsi_conf *now,
			   const struct ipsi_conf *file)
{
	char path[PATH_MAX + 8];
	int fd, ret;
	FILE *f;

	snprintf(path, sizeof(path), "%s.new", file->path);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return ipsi_fail("%s: %s", path, strerror(errno));
	ret = ipsi_save_print(f, now, file);
	if (!ret && (fflush(f) || fsync(fd)))
		ret = ipsi_fail("%s: %s", path, strerror(errno));
	fclose(f);
	if (!ret && rename(path, file->path))
		ret = ipsi_fail("%s: %s", file->path, strerror(errno));
	if (ret)
		unlink(path);
	return ret;
}

/**
 * ipsi_save() - write the options and SAs of a link to its file
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Addresses, routes, hooks and the paths of known keys are taken from the file.
 *
 * Return: exit code.
 */
int ipsi_save(int argc, char **argv)
{
	struct ipsi_conf file = {}, now = {};
	struct ipsi_nl nl = {};
	int lock = -1, ret;

	if (argc != 1)
		return ipsi_usage("NAME or FILE expected");
	ret = ipsi_conf_name(&file, argv[0]);
	if (!ret) {
		lock = ipsi_lock(file.dev, 0);
		ret = ipsi_conf_load(&file, argv[0]);
	}
	if (!ret && ipsi_conf_ike(&file))
		ret = ipsi_fail("%s: the keys come from IKE", file.path);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_conf_from_kernel(&now, file.dev, &nl);
	if (!ret)
		ret = ipsi_save_write(&now, &file);
	ipsi_conf_free(&file);
	ipsi_conf_free(&now);
	ipsi_nl_close(&nl);
	ipsi_unlock(lock);
	return ret;
}
