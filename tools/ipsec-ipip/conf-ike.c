// SPDX-License-Identifier: GPL-2.0
/*
 * Keys of ipsec-ipip.conf(5) from strongSwan: a connection for swanctl(8), in a file
 * of its own. The file, and not a connection that is loaded by VICI alone, survives
 * a restart of the daemon and "swanctl --load-all", which deletes all connections
 * that are in no file.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"

#define IPSI_SECRET_FILE	"file:"
#define IPSI_OLD_MAX	(PATH_MAX + 8)
#define IPSI_COPY_MAX	1048576	/* bytes of a certificate or key */

static const char ipsi_no_swanctl[] =
	"install strongswan-swanctl and charon-systemd, or set keys with [SA]";

static const char * const ipsi_ike_keys[] = {
	"Secret", "Certificate", "PrivateKey", "CA", "LocalId", "RemoteId",
	"Version", "Start", "IkeProposals", "EspProposals", "LocalTS",
	"RemoteTS", "Rekey", "Daemon",
};

bool ipsi_conf_ike_key(const char *key)
{
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ike_keys); i++)
		if (!strcasecmp(key, ipsi_ike_keys[i]))
			return true;
	return false;
}

/* Names of the keys of the section; returns their number. */
size_t ipsi_conf_ike_keys(const char **names)
{
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ike_keys); i++)
		names[i] = ipsi_ike_keys[i];
	return i;
}

static bool ipsi_ike_is_libreswan(const struct ipsi_conf *conf)
{
	const char *daemon = ipsi_conf_text(conf, "Daemon");

	return daemon && !strcmp(daemon, "libreswan");
}

/* Reads the secret; the caller wipes it. Returns an exit code. */
int ipsi_ike_secret(const char *value, char secret[IPSI_SECRET_MAX])
{
	const char *path = value + strlen(IPSI_SECRET_FILE);
	struct stat st;
	ssize_t len;
	int fd;

	if (strncmp(value, IPSI_SECRET_FILE, strlen(IPSI_SECRET_FILE)) ||
	    *path != '/')
		return ipsi_usage("Secret: expected file: and an absolute path");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
		return ipsi_fail("Secret: %s: %s", path, strerror(errno));
	len = read(fd, secret, IPSI_SECRET_MAX - 1);
	close(fd);
	if (S_ISREG(st.st_mode) && (st.st_mode & 0077))
		return ipsi_fail("Secret: %s: others than its owner can use it: chmod 600",
				 path);
	if (len < 0)
		return ipsi_fail("Secret: %s: %s", path, strerror(errno));
	secret[len] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	if (!*secret || len == IPSI_SECRET_MAX - 1)
		return ipsi_fail("Secret: %s: expected one line of 1 to %d characters",
				 path, IPSI_SECRET_MAX - 2);
	return IPSI_OK;
}

static int ipsi_ike_check_value(const struct ipsi_conf_text *text)
{
	if (text->value[strcspn(text->value, "\"\\{}#\n")])
		return ipsi_usage("%s: \" \\ { } # are not allowed in \"%s\"",
				  text->key, text->value);
	return IPSI_OK;
}

static int ipsi_ike_one_of(const struct ipsi_conf *conf, const char *key,
			   const char *const words[])
{
	const char *value = ipsi_conf_text(conf, key);
	int i;

	for (i = 0; value && words[i]; i++)
		if (!strcmp(value, words[i]))
			return IPSI_OK;
	return value ? ipsi_usage("%s: \"%s\" is unknown; expected %s, %s or %s",
				  key, value, words[0], words[1],
				  words[2] ? words[2] : "nothing") : IPSI_OK;
}

static int ipsi_ike_check_rekey(const struct ipsi_conf *conf)
{
	const char *value = ipsi_conf_text(conf, "Rekey");
	uint64_t seconds;
	int ret;

	if (!value)
		return IPSI_OK;
	ret = ipsi_arg_number("Rekey", value, 86400, &seconds);
	if (!ret && seconds < 60)
		ret = ipsi_usage("Rekey: \"%s\": expected 60 to 86400 seconds",
				 value);
	return ret;
}

/* Keys whose values are paths, all of them required with Certificate. */
static const char * const ipsi_ike_files[] = {
	"Certificate", "PrivateKey", "CA",
};

static int ipsi_ike_check_files(const struct ipsi_conf *conf)
{
	const char *key, *path;
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ike_files); i++) {
		key = ipsi_ike_files[i];
		path = ipsi_conf_text(conf, key);
		if (!path)
			return ipsi_usage("%s = PATH expected with Certificate",
					  key);
		if (*path != '/')
			return ipsi_usage("%s: \"%s\" is not an absolute path",
					  key, path);
		if (access(path, R_OK))
			return ipsi_fail("%s: %s: %s", key, path,
					 strerror(errno));
	}
	return IPSI_OK;
}

/* libreswan makes a connection for each network of a list. */
static int ipsi_ike_check_libreswan(const struct ipsi_conf *conf)
{
	static const char *const keys[] = { "LocalTS", "RemoteTS" };
	const char *value;
	unsigned int i;

	if (!ipsi_ike_is_libreswan(conf))
		return IPSI_OK;
	if (!ipsi_conf_text(conf, "Secret"))
		return ipsi_usage("Daemon: libreswan needs Secret; it has certificates in a database of its own");
	for (i = 0; i < IPSI_ARRAY_SIZE(keys); i++) {
		value = ipsi_conf_text(conf, keys[i]);
		if (value && value[strcspn(value, ", ")])
			return ipsi_usage("%s: \"%s\": libreswan takes one network",
					  keys[i], value);
	}
	return IPSI_OK;
}

/* Checks the keys of [IKE]; returns an exit code. */
int ipsi_conf_ike_check(struct ipsi_conf *conf)
{
	static const char *const versions[] = { "2", "1", NULL };
	static const char *const starts[] = { "trap", "start", "none", NULL };
	static const char *const daemons[] = { "strongswan", "libreswan", NULL };
	const char *secret = ipsi_conf_text(conf, "Secret");
	char text[IPSI_SECRET_MAX];
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < conf->n_text && !ret; i++) {
		if (!ipsi_conf_ike_key(conf->text[i].key))
			continue;
		ipsi_conf_at(conf, conf->text[i].line);
		if (!ipsi_conf_ike(conf))
			ret = ipsi_usage("%s needs Secret or Certificate",
					 conf->text[i].key);
		else
			ret = ipsi_ike_check_value(&conf->text[i]);
	}
	ipsi_conf_at(conf, 0);
	if (ret || !ipsi_conf_ike(conf))
		return ret;
	ret = ipsi_ike_one_of(conf, "Version", versions);
	if (!ret)
		ret = ipsi_ike_one_of(conf, "Daemon", daemons);
	if (!ret)
		ret = ipsi_ike_one_of(conf, "Start", starts);
	if (!ret)
		ret = ipsi_ike_check_rekey(conf);
	if (!ret)
		ret = ipsi_ike_check_libreswan(conf);
	if (!ret && !secret)
		ret = ipsi_ike_check_files(conf);
	else if (!ret && ipsi_conf_text(conf, "Certificate"))
		ret = ipsi_usage("Secret excludes Certificate");
	else if (!ret)
		ret = ipsi_ike_secret(secret, text);
	explicit_bzero(text, sizeof(text));
	return ret;
}

static const char *ipsi_ike_path(char path[PATH_MAX], const char *dir,
				 const char *dev, const char *suffix)
{
	const char *base = getenv("SWANCTL_DIR");

	snprintf(path, PATH_MAX, "%s/%s/ipsec-ipip-%s%s",
		 base ? base : "/etc/swanctl", dir, dev, suffix);
	return path;
}

/* The copy of a file of ipsi_ike_files. swanctl finds keys in "private" only, and
 * reads nothing outside its own directory where AppArmor confines it.
 */
static const char *ipsi_ike_copy_path(char path[PATH_MAX], const char *key,
				      const char *dev)
{
	if (!strcmp(key, "PrivateKey"))
		return ipsi_ike_path(path, "private", dev, ".pem");
	return ipsi_ike_path(path, "ipsec-ipip", dev,
			     strcmp(key, "CA") ? ".pem" : "-ca.pem");
}

/* Prints "\tKEY = VALUE", with the value or a default; nothing without both. */
static void ipsi_ike_print(FILE *f, const struct ipsi_conf *conf,
			   const char *word, const char *key,
			   const char *standard)
{
	const char *value = ipsi_conf_text(conf, key);

	if (value || standard)
		fprintf(f, "%s = %s\n", word, value ? value : standard);
}

/* Returns the text of an endpoint, which may be in @buf. */
const char *ipsi_ike_addr(const struct ipsi_conf *conf, int index,
			  char buf[INET6_ADDRSTRLEN])
{
	static const uint8_t zero[sizeof(struct in6_addr)];
	const struct ipsi_addr *addr = &conf->option[index].addr;

	if (!memcmp(addr->data, zero, addr->len))
		return "%any";
	inet_ntop(addr->family, addr->data, buf, INET6_ADDRSTRLEN);
	return buf;
}

static void ipsi_ike_write_ends(FILE *f, const struct ipsi_conf *conf)
{
	const char *const auth = ipsi_conf_text(conf, "Secret") ? "psk" :
								  "pubkey";
	const char *cert = ipsi_conf_text(conf, "Certificate");
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
	char path[PATH_MAX];
	const char *local_addr = ipsi_ike_addr(conf, IPSI_CONF_LOCAL, local);
	const char *remote_addr = ipsi_ike_addr(conf, IPSI_CONF_REMOTE, remote);

	/* With MOBIKE the local address may change. */
	if (!conf->option[IPSI_CONF_ROAM].number)
		fprintf(f, "local_addrs = %s\n", local_addr);
	fprintf(f, "remote_addrs = %s\n", remote_addr);
	fprintf(f, "local {\nauth = %s\n", auth);
	if (cert)
		fprintf(f, "certs = %s\n",
			ipsi_ike_copy_path(path, "Certificate", conf->dev));
	ipsi_ike_print(f, conf, "id", "LocalId", cert ? NULL : local_addr);
	fprintf(f, "}\nremote {\nauth = %s\n", auth);
	if (cert)
		fprintf(f, "cacerts = %s\n",
			ipsi_ike_copy_path(path, "CA", conf->dev));
	ipsi_ike_print(f, conf, "id", "RemoteId", cert ? "%any" : remote_addr);
	fputs("}\n", f);
}

static void ipsi_ike_write_child(FILE *f, const struct ipsi_conf *conf,
				 uint32_t if_id, uint32_t reqid)
{
	const char *version = ipsi_conf_text(conf, "Version");
	const char *ts = version && !strcmp(version, "1") ?
			 "0.0.0.0/0" : "0.0.0.0/0, ::/0";

	fprintf(f, "children {\n%s {\nmode = tunnel\npolicies = no\n",
		conf->dev);
	fprintf(f, "if_id_in = %u\nif_id_out = %u\nreqid = %u\n", if_id, if_id,
		reqid);
	ipsi_ike_print(f, conf, "local_ts", "LocalTS", ts);
	ipsi_ike_print(f, conf, "remote_ts", "RemoteTS", ts);
	ipsi_ike_print(f, conf, "esp_proposals", "EspProposals", NULL);
	ipsi_ike_print(f, conf, "rekey_time", "Rekey", NULL);
	ipsi_ike_print(f, conf, "start_action", "Start", "trap");
	fputs("}\n}\n", f);
}

static void ipsi_ike_write_secret(FILE *f, const struct ipsi_conf *conf,
				  const char *secret)
{
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	fprintf(f, "secrets {\nike-ipsec-ipip-%s {\n", conf->dev);
	ipsi_ike_print(f, conf, "id-local", "LocalId",
		       ipsi_ike_addr(conf, IPSI_CONF_LOCAL, local));
	ipsi_ike_print(f, conf, "id-remote", "RemoteId",
		       ipsi_ike_addr(conf, IPSI_CONF_REMOTE, remote));
	fputs("secret = 0x", f);
	for (; *secret; secret++)
		fprintf(f, "%02x", (unsigned char)*secret);
	fputs("\n}\n}\n", f);
}

/* Comments that change when a file does, so that a renewed certificate is loaded. */
static void ipsi_ike_write_files(FILE *f, const struct ipsi_conf *conf)
{
	const char *path;
	struct stat st;
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ike_files); i++) {
		path = ipsi_conf_text(conf, ipsi_ike_files[i]);
		if (path && !stat(path, &st))
			fprintf(f, "# %s: inode %ju, changed at %jd.%09ld\n",
				ipsi_ike_files[i], (uintmax_t)st.st_ino,
				(intmax_t)st.st_ctim.tv_sec,
				st.st_ctim.tv_nsec);
	}
}

/* Returns an exit code; the caller wipes and frees the text. */
static int ipsi_ike_text(const struct ipsi_conf *conf, uint32_t if_id,
			 uint32_t reqid, char **text, size_t *size)
{
	const char *from = ipsi_conf_text(conf, "Secret");
	char secret[IPSI_SECRET_MAX] = "";
	int ret = IPSI_OK;
	FILE *f;

	if (from)
		ret = ipsi_ike_secret(from, secret);
	if (ret)
		goto out;
	f = open_memstream(text, size);
	if (!f) {
		ret = ipsi_fail("%s", strerror(ENOMEM));
		goto out;
	}
	fprintf(f, "# Made by ipsec-ipip up %s; ipsec-ipip down %s removes it.\n",
		conf->dev, conf->dev);
	ipsi_ike_write_files(f, conf);
	fprintf(f, "connections {\nipsec-ipip-%s {\n", conf->dev);
	ipsi_ike_print(f, conf, "version", "Version", "2");
	ipsi_ike_print(f, conf, "proposals", "IkeProposals", NULL);
	fputs("dpd_delay = 30s\n", f);
	ipsi_ike_write_ends(f, conf);
	ipsi_ike_write_child(f, conf, if_id, reqid);
	fputs("}\n}\n", f);
	if (from)
		ipsi_ike_write_secret(f, conf, secret);
	fclose(f);
out:
	explicit_bzero(secret, sizeof(secret));
	return ret;
}

/* Whether the file has this text. */
bool ipsi_ike_unchanged(const char *path, const char *text, size_t size)
{
	char *old = malloc(size + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool same = false;

	if (old && fd >= 0)
		same = read(fd, old, size + 1) == (ssize_t)size &&
		       !memcmp(old, text, size);
	if (fd >= 0)
		close(fd);
	if (old)
		explicit_bzero(old, size + 1);
	free(old);
	return same;
}

static const char *ipsi_ike_old(const char *path, char old[IPSI_OLD_MAX])
{
	snprintf(old, IPSI_OLD_MAX, "%s.old", path);
	return old;
}

/* Writes a file that is complete, also after a power cut, or not there. The file
 * that it replaces is kept until ipsi_ike_keep(). Returns an exit code.
 */
int ipsi_ike_store(const char *path, const char *text, size_t size,
		   const char *hint)
{
	char new[PATH_MAX + 8], old[IPSI_OLD_MAX];
	bool failed;
	int fd;

	snprintf(new, sizeof(new), "%s.new", path);
	unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT)
		return ipsi_fail("%s: %s: %s", path, strerror(errno), hint);
	if (fd < 0)
		return ipsi_fail("%s: %s", new, strerror(errno));
	unlink(ipsi_ike_old(path, old));
	failed = write(fd, text, size) != (ssize_t)size || fsync(fd);
	failed |= close(fd);
	if (failed || (link(path, old) && errno != ENOENT) ||
	    rename(new, path)) {
		unlink(new);
		return ipsi_fail("%s: %s", path, strerror(errno));
	}
	return IPSI_OK;
}

/* Keeps a file that was stored, or puts back the one before: a file stands for a
 * connection that the daemon has loaded, and must not keep it from its start.
 */
void ipsi_ike_keep(const char *path, bool keep)
{
	char old[IPSI_OLD_MAX];

	ipsi_ike_old(path, old);
	if (keep)
		unlink(old);
	else if (rename(old, path) && errno == ENOENT)
		unlink(path);
}

/* Removes a file; returns 0, or -1 with errno. */
int ipsi_ike_remove(const char *path)
{
	char old[IPSI_OLD_MAX];

	/* To unlink a file that is not there is an error in a read-only /etc. */
	if (!access(ipsi_ike_old(path, old), F_OK))
		unlink(old);
	return unlink(path);
}

/**
 * ipsi_ike_run() - run a command of a daemon
 * @name: the command, as messages name it
 * @argv: its words, NULL behind the last
 * @missing: how to go on if there is no such program
 * @unit: the unit of the daemon
 * @report: how to report a failure
 *
 * Return: an exit code.
 */
int ipsi_ike_run(const char *name, char **argv, const char *missing,
		 const char *unit, enum ipsi_ike_report report)
{
	const int status = strcmp(argv[0], "swanctl") ?
			   ipsi_spawn(argv, NULL, true, IPSI_DAEMON_WAIT) :
			   ipsi_spawn_swanctl(argv);
	char text[256];

	if (!status)
		return IPSI_OK;
	if (status == 127)
		snprintf(text, sizeof(text), "%s: not found: %s", argv[0],
			 missing);
	else if (status == IPSI_SPAWN_SLOW)
		snprintf(text, sizeof(text),
			 "%s: no answer in %d seconds: restart the daemon (systemctl restart %s)",
			 name, IPSI_DAEMON_WAIT, unit);
	else
		snprintf(text, sizeof(text),
			 "%s: exit status %d: is the daemon running (systemctl start %s)?",
			 name, status, unit);
	if (report == IPSI_FAILS)
		return ipsi_fail("%s", text);
	if (report == IPSI_WARNS)
		ipsi_warn("%s", text);
	return IPSI_FAIL;
}

static int ipsi_swanctl(const char *command, enum ipsi_ike_report report)
{
	char name[32], *argv[4] = { "swanctl", (char *)command };

	if (!strcmp(command, "--load-creds"))
		argv[2] = "--noprompt";
	snprintf(name, sizeof(name), "swanctl %s", command);
	return ipsi_ike_run(name, argv, ipsi_no_swanctl, "strongswan", report);
}

static int ipsi_ike_load(void)
{
	int ret = ipsi_swanctl("--load-creds", IPSI_FAILS);

	return ret ? ret : ipsi_swanctl("--load-conns", IPSI_FAILS);
}

/* The daemon may have loaded a part of the file that was removed. */
static void ipsi_ike_unload(void)
{
	static const char script[] =
		"exec 2> /dev/null; swanctl --load-creds --noprompt; swanctl --load-conns";
	char *argv[4] = { "sh", "-c", (char *)script };

	ipsi_spawn(argv, NULL, true, IPSI_DAEMON_WAIT);
}

static int ipsi_ike_copy_open(const char *from, const char *to)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = 0, out = -1;
	ssize_t n;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		err = errno;
	do {
		n = err ? 0 : sendfile(out, in, NULL, IPSI_COPY_MAX);
	} while (n > 0 && lseek(out, 0, SEEK_CUR) <= IPSI_COPY_MAX);
	if (n)
		err = n < 0 ? errno : EFBIG;
	if (!err && fsync(out))
		err = errno;
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return err;
}

static int ipsi_ike_copy(const char *from, const char *to)
{
	char new[PATH_MAX + 8];
	int err;

	snprintf(new, sizeof(new), "%s.new", to);
	unlink(new);
	err = ipsi_ike_copy_open(from, new);
	if (!err && rename(new, to))
		err = errno;
	if (!err)
		return IPSI_OK;
	unlink(new);
	return ipsi_fail("%s: cannot be copied to %s: %s", from, to,
			 strerror(err));
}

static int ipsi_ike_copy_files(const struct ipsi_conf *conf)
{
	char path[PATH_MAX];
	const char *from;
	int ret = IPSI_OK;
	unsigned int i;

	if (!ipsi_conf_text(conf, "Certificate"))
		return IPSI_OK;
	ipsi_ike_copy_path(path, "Certificate", conf->dev);
	*strrchr(path, '/') = '\0';
	mkdir(path, 0700);
	for (i = 0; !ret && i < IPSI_ARRAY_SIZE(ipsi_ike_files); i++) {
		from = ipsi_conf_text(conf, ipsi_ike_files[i]);
		if (from)
			ret = ipsi_ike_copy(from,
					    ipsi_ike_copy_path(path,
							       ipsi_ike_files[i],
							       conf->dev));
	}
	return ret;
}

static void ipsi_ike_remove_copies(const char *dev)
{
	char path[PATH_MAX];
	unsigned int i;

	/* To unlink a file that is not there is an error in a read-only /etc. */
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ike_files); i++)
		if (!access(ipsi_ike_copy_path(path, ipsi_ike_files[i], dev),
			    F_OK))
			unlink(path);
}

static int ipsi_strongswan_up(const struct ipsi_conf *conf, uint32_t if_id)
{
	uint32_t reqid = conf->option[IPSI_CONF_REQID].number;
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;
	int ret;

	ipsi_ike_path(path, "conf.d", conf->dev, ".conf");
	ret = ipsi_ike_text(conf, if_id, reqid, &text, &size);
	if (ret || ipsi_ike_unchanged(path, text, size))
		goto out;
	ret = ipsi_ike_copy_files(conf);
	if (!ret)
		ret = ipsi_ike_store(path, text, size, ipsi_no_swanctl);
	if (ret)
		goto out;
	ret = ipsi_ike_load();
	ipsi_ike_keep(path, !ret);
	if (ret)
		ipsi_ike_unload();
out:
	if (text)
		explicit_bzero(text, size);
	free(text);
	return ret;
}

static int ipsi_strongswan_down(const char *dev)
{
	char *argv[7] = { "swanctl", "--terminate", "--timeout", "5", "--ike" };
	char path[PATH_MAX], name[64];

	ipsi_ike_remove_copies(dev);
	if (access(ipsi_ike_path(path, "conf.d", dev, ".conf"), F_OK))
		return IPSI_OK;
	if (ipsi_ike_remove(path))
		return ipsi_fail("%s: %s", path, strerror(errno));
	snprintf(name, sizeof(name), "ipsec-ipip-%s", dev);
	argv[5] = name;
	/* Without its connection, no packet starts a negotiation again. A daemon that
	 * does not run has none.
	 */
	if (ipsi_swanctl("--load-conns", IPSI_WARNS))
		return IPSI_OK;
	/* It fails if nothing has been negotiated. */
	ipsi_spawn_swanctl(argv);
	ipsi_swanctl("--load-creds", IPSI_WARNS);
	return IPSI_OK;
}

/**
 * ipsi_conf_ike_up() - make the daemon negotiate the keys of a link
 * @conf: the configuration
 * @if_id: the interface id of the link
 *
 * Nothing is done if the daemon has that connection. Another daemon loses it.
 *
 * Return: exit code.
 */
int ipsi_conf_ike_up(const struct ipsi_conf *conf, uint32_t if_id)
{
	int ret;

	ipsi_conf_at(conf, 0);
	if (ipsi_ike_is_libreswan(conf)) {
		ret = ipsi_strongswan_down(conf->dev);
		return ret ? ret : ipsi_libreswan_up(conf, if_id);
	}
	ret = ipsi_libreswan_down(conf->dev);
	return ret ? ret : ipsi_strongswan_up(conf, if_id);
}

/**
 * ipsi_conf_ike_down() - remove the connection of a link
 * @dev: name of the link
 *
 * Return: exit code; success if there is none.
 */
int ipsi_conf_ike_down(const char *dev)
{
	const int strongswan = ipsi_strongswan_down(dev);
	const int libreswan = ipsi_libreswan_down(dev);

	return strongswan ? strongswan : libreswan;
}
