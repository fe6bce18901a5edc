// SPDX-License-Identifier: GPL-2.0
/*
 * Reads ipsec-ipip.conf(5) line by line. No library fits: libinih calls one
 * handler for all sections of the same name, ends values at " ;", as shell
 * commands have it, and cuts lines after 200 bytes without a message; GKeyFile
 * merges sections, and has no line numbers.
 *
 * Each line is parsed by the file of its section. Messages begin with the name of
 * the file and the line.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"

enum ipsi_section { IPSI_SECTION_LINK, IPSI_SECTION_IKE, IPSI_SECTION_SA };

/* Keys whose values are kept as text, and may be repeated. */
static const char * const ipsi_conf_repeated[] = {
	"Address", "Route", "PreUp", "PostUp", "PreDown", "PostDown",
};

/**
 * ipsi_conf_grow() - make room for one more element
 * @array: the array, or NULL
 * @n: number of elements in it
 * @size: size of an element
 *
 * Return: the array, whose new element is zeroed. The program ends without memory.
 */
void *ipsi_conf_grow(void *array, size_t n, size_t size)
{
	char *larger = reallocarray(array, n + 1, size);

	if (!larger)
		exit(ipsi_fail("%s", strerror(ENOMEM)));
	memset(larger + n * size, 0, size);
	return larger;
}

/* Copies a string, which the caller frees. The program ends without memory. */
char *ipsi_conf_dup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		exit(ipsi_fail("%s", strerror(ENOMEM)));
	return copy;
}

/* Returns the first value of a key, or NULL. */
const char *ipsi_conf_text(const struct ipsi_conf *conf, const char *key)
{
	size_t i;

	for (i = 0; i < conf->n_text; i++)
		if (!strcasecmp(conf->text[i].key, key))
			return conf->text[i].value;
	return NULL;
}

/* Whether a daemon negotiates the keys. */
bool ipsi_conf_ike(const struct ipsi_conf *conf)
{
	return ipsi_conf_text(conf, "Secret") ||
	       ipsi_conf_text(conf, "Certificate");
}

static bool ipsi_conf_is_repeated(const char *key)
{
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_conf_repeated); i++)
		if (!strcasecmp(key, ipsi_conf_repeated[i]))
			return true;
	return false;
}

static int ipsi_conf_add_text(struct ipsi_conf *conf, const char *key,
			      const char *value, int line)
{
	struct ipsi_conf_text *text;

	if (!ipsi_conf_is_repeated(key) && ipsi_conf_text(conf, key))
		return ipsi_usage("%s: given twice", key);
	conf->text = ipsi_conf_grow(conf->text, conf->n_text,
				    sizeof(*conf->text));
	text = &conf->text[conf->n_text++];
	text->key = ipsi_conf_dup(key);
	text->value = ipsi_conf_dup(value);
	text->line = line;
	return IPSI_OK;
}

static int ipsi_conf_overlap(struct ipsi_conf *conf, const char *value)
{
	uint64_t seconds;
	int ret = ipsi_arg_number("Overlap", value, 3600, &seconds);

	if (!ret)
		conf->overlap = seconds;
	return ret;
}

static int ipsi_conf_master(struct ipsi_conf *conf, const char *value)
{
	conf->master = if_nametoindex(value);
	/* It may be made later, which is no mistake of the file. */
	if (!conf->master)
		return ipsi_fail("Master: \"%s\" is not a device of this host",
				 value);
	return IPSI_OK;
}

/* Names of the keys of a section; returns their number. */
static size_t ipsi_conf_keys(enum ipsi_section section, const char **names)
{
	static const char * const others[] = { "Overlap", "Master", "DNS" };
	size_t n = 0, i;

	if (section == IPSI_SECTION_SA)
		return ipsi_conf_sa_keys(names);
	if (section == IPSI_SECTION_IKE)
		return ipsi_conf_ike_keys(names);
	for (i = 0; i < IPSI_CONF_OPTIONS; i++)
		names[n++] = ipsi_conf_option_key(i);
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_conf_repeated); i++)
		names[n++] = ipsi_conf_repeated[i];
	for (i = 0; i < IPSI_ARRAY_SIZE(others); i++)
		names[n++] = others[i];
	return n;
}

static int ipsi_conf_unknown(const char *key, enum ipsi_section section)
{
	static const char * const titles[] = { "[Link]", "[IKE]", "[SA]" };
	const char *names[IPSI_CONF_KEYS];
	char like[IPSI_SUGGEST_LEN];
	unsigned int other;
	size_t i, n;

	for (other = 0; other < IPSI_ARRAY_SIZE(titles); other++) {
		n = ipsi_conf_keys(other, names);
		for (i = 0; i < n; i++)
			if (!strcasecmp(key, names[i]))
				return ipsi_usage("\"%s\" is not a key of %s, but of %s",
						  key, titles[section],
						  titles[other]);
	}
	n = ipsi_conf_keys(section, names);
	ipsi_suggest(key, names, n, like);
	return ipsi_usage("unknown key \"%s\" in %s%s", key, titles[section],
			  *like ? like : "; ipsec-ipip.conf(5) has the list");
}

static int ipsi_conf_link_line(struct ipsi_conf *conf, const char *key,
			       char *value, int line)
{
	int option = ipsi_conf_option_index(key);
	int ret;

	ret = ipsi_conf_add_text(conf, key, value, line);
	if (ret || conf->for_down)
		return ret;
	if (option >= 0)
		return ipsi_conf_option_parse(conf, option, value);
	if (!strcasecmp(key, "Address"))
		return ipsi_conf_address_parse(conf, value);
	if (!strcasecmp(key, "Route"))
		return ipsi_conf_route_parse(conf, value);
	if (!strcasecmp(key, "Overlap"))
		return ipsi_conf_overlap(conf, value);
	if (!strcasecmp(key, "Master"))
		return ipsi_conf_master(conf, value);
	if (ipsi_conf_is_repeated(key) || !strcasecmp(key, "DNS"))
		return IPSI_OK;
	return ipsi_conf_unknown(key, IPSI_SECTION_LINK);
}

struct ipsi_conf_sa *ipsi_conf_sa_new(struct ipsi_conf *conf, int line)
{
	struct ipsi_conf_sa *sa = calloc(1, sizeof(*sa));

	if (!sa)
		exit(ipsi_fail("%s", strerror(ENOMEM)));
	conf->sa = ipsi_conf_grow(conf->sa, conf->n_sa, sizeof(*conf->sa));
	conf->sa[conf->n_sa++] = sa;
	sa->line = line;
	return sa;
}

static int ipsi_conf_section(struct ipsi_conf *conf, const char *name, int line,
			     enum ipsi_section *section)
{
	if (!strcasecmp(name, "[Link]"))
		*section = IPSI_SECTION_LINK;
	else if (!strcasecmp(name, "[IKE]"))
		*section = IPSI_SECTION_IKE;
	else if (!strcasecmp(name, "[SA]"))
		*section = IPSI_SECTION_SA;
	else
		return ipsi_usage("\"%s\" is not a section; expected [Link], [IKE] or [SA]",
				  name);
	if (*section == IPSI_SECTION_SA)
		ipsi_conf_sa_new(conf, line);
	return IPSI_OK;
}

static char *ipsi_conf_trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	for (len = strlen(text); len && isspace((unsigned char)text[len - 1]);)
		text[--len] = '\0';
	return text;
}

/* A comment behind a value would be part of it. Commands and identities may have
 * such text.
 */
static bool ipsi_conf_has_comment(const char *key, const char *value)
{
	static const char * const free_text[] = {
		"PreUp", "PostUp", "PreDown", "PostDown", "LocalId", "RemoteId"
	};
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(free_text); i++)
		if (!strcasecmp(key, free_text[i]))
			return false;
	for (i = 1; *value && value[i]; i++)
		if (strchr("#;", value[i]) && isblank((unsigned char)value[i - 1]))
			return true;
	return false;
}

static int ipsi_conf_line(struct ipsi_conf *conf, char *text, int line,
			  enum ipsi_section *section)
{
	char *key = ipsi_conf_trim(text), *value;

	if (!*key || *key == '#' || *key == ';')
		return IPSI_OK;
	if (*key == '[')
		return ipsi_conf_section(conf, key, line, section);
	value = strchr(key, '=');
	if (!value)
		return ipsi_usage("\"Key = Value\" expected");
	*value++ = '\0';
	key = ipsi_conf_trim(key);
	value = ipsi_conf_trim(value);
	if (!*value)
		return ipsi_usage("%s: value expected", key);
	if (!conf->for_down && ipsi_conf_has_comment(key, value))
		return ipsi_usage("%s: a comment needs a line of its own", key);
	if (*section == IPSI_SECTION_SA && conf->for_down)
		return IPSI_OK;
	if (*section == IPSI_SECTION_SA && !ipsi_conf_sa_key(key))
		return ipsi_conf_unknown(key, *section);
	if (*section == IPSI_SECTION_SA)
		return ipsi_conf_sa_parse(conf, conf->sa[conf->n_sa - 1], key,
					  value);
	if (ipsi_conf_ike_key(key))
		return ipsi_conf_add_text(conf, key, value, line);
	if (*section == IPSI_SECTION_IKE)
		return ipsi_conf_unknown(key, *section);
	return ipsi_conf_link_line(conf, key, value, line);
}

/* The prefix of messages: the file, and the line if there is one. */
void ipsi_conf_at(const struct ipsi_conf *conf, int line)
{
	static char at[PATH_MAX + 16];

	snprintf(at, sizeof(at), line ? "%s:%d" : "%s", conf->path, line);
	ipsi_opts.verb = at;
}

static int ipsi_conf_complete(struct ipsi_conf *conf)
{
	size_t i;
	int ret;

	ipsi_conf_at(conf, 0);
	ret = ipsi_conf_option_complete(conf);
	if (!ret)
		ret = ipsi_conf_ike_check(conf);
	for (i = 0; i < conf->n_sa && !ret; i++) {
		ipsi_conf_at(conf, conf->sa[i]->line);
		if (ipsi_conf_ike(conf))
			return ipsi_usage("[SA] excludes Secret and Certificate");
		ret = ipsi_conf_sa_complete(conf, conf->sa[i]);
	}
	return ret;
}

static int ipsi_conf_read(struct ipsi_conf *conf, FILE *f)
{
	enum ipsi_section section = IPSI_SECTION_LINK;
	char text[IPSI_LINE_MAX];
	int line = 0, ret;
	size_t len;

	do {
		conf->line = ++line;
		ipsi_conf_at(conf, line);
		ret = ipsi_line_read(f, text, sizeof(text), &len);
		if (!ret && len)
			ret = ipsi_conf_line(conf, ipsi_line_start(text, line),
					     line, &section);
	} while (!ret && len);
	explicit_bzero(text, sizeof(text));
	if (!ret && ferror(f)) {
		ipsi_conf_at(conf, 0);
		ret = ipsi_fail("%s", strerror(errno));
	}
	return ret;
}

/* Checks a name of a link, which is part of file names and of commands. */
int ipsi_conf_check_dev(const char *name)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	const size_t len = strlen(name);

	if (len && len < IF_NAMESIZE && *name != '.' && *name != '-' &&
	    !name[strspn(name, good)])
		return IPSI_OK;
	return ipsi_usage("\"%s\" is not a name for a link: 1 to %d letters, digits, -, _ and . expected",
			  name, IF_NAMESIZE - 1);
}

/**
 * ipsi_conf_name() - set the path of the file and the name of the link
 * @conf: the configuration
 * @name: the name of a link, or the path of a file, which has a slash
 *
 * Return: exit code.
 */
int ipsi_conf_name(struct ipsi_conf *conf, const char *name)
{
	const char *base = strrchr(name, '/');
	char *dev;
	size_t len;
	int ret;

	if (base)
		snprintf(conf->path, sizeof(conf->path), "%s", name);
	else
		snprintf(conf->path, sizeof(conf->path), "%s/%s.conf",
			 IPSI_CONF_DIR, name);
	base = base ? base + 1 : name;
	len = strlen(base);
	if (base != name && len > 5 && !strcmp(base + len - 5, ".conf"))
		len -= 5;
	dev = strndup(base, len);
	ret = dev ? ipsi_conf_check_dev(dev) : ipsi_fail("%s", strerror(errno));
	if (!ret)
		snprintf(conf->dev, sizeof(conf->dev), "%s", dev);
	free(dev);
	return ret;
}

/**
 * ipsi_conf_find() - look for the link of a file
 * @conf: set to the path of the file and the name of the link
 * @argc: number of arguments
 * @argv: one argument, the name of a link or the path of a file
 * @ifindex: set to its index, 0 if there is none
 *
 * Return: exit code; IPSI_FAIL if there is a link of another type with this name.
 */
int ipsi_conf_find(struct ipsi_conf *conf, int argc, char **argv,
		   uint32_t *ifindex)
{
	bool ours;
	int ret;

	if (argc != 1)
		return ipsi_usage("NAME or FILE expected");
	ret = ipsi_conf_name(conf, argv[0]);
	if (!ret)
		ret = ipsi_link_find(conf->dev, ifindex, &ours);
	if (!ret && *ifindex && !ours)
		ret = ipsi_fail("%s: there is a link of another type with this name",
				conf->dev);
	return ret;
}

static int ipsi_conf_open(struct ipsi_conf *conf, FILE **f)
{
	struct stat st;
	size_t n;

	*f = fopen(conf->path, "re");
	n = strlen(conf->dev);
	if (!*f && errno == ENOENT && n > 5 &&
	    !strcmp(conf->dev + n - 5, ".conf"))
		return ipsi_fail("%s: there is no such file; for a file elsewhere write its path, as ./%s; for a link, its name without \".conf\"",
				 conf->path, conf->dev);
	if (!*f && errno == ENOENT)
		return ipsi_fail("%s: there is no such file; see EXAMPLES in ipsec-ipip.conf(5), or ipsec-ipip import",
				 conf->path);
	if (!*f || fstat(fileno(*f), &st))
		return ipsi_fail("%s: %s", conf->path, strerror(errno));
	conf->stays = S_ISREG(st.st_mode);
	conf->is_private = !conf->stays || !(st.st_mode & 0077);
	if (conf->stays && (st.st_mode & 0022))
		return ipsi_fail("%s: others than the owner can write it: chmod go-w",
				 conf->path);
	if (conf->stays && st.st_uid && st.st_uid != getuid())
		return ipsi_fail("%s: it belongs to another user: chown root",
				 conf->path);
	return IPSI_OK;
}

/**
 * ipsi_conf_load() - read and check a file
 * @conf: the result, zeroed or named before; the caller frees it
 * @name: the name of a link, or the path of a file
 *
 * Return: exit code; IPSI_USAGE for a mistake in the file.
 */
int ipsi_conf_load(struct ipsi_conf *conf, const char *name)
{
	static char stdio[BUFSIZ];
	const char *verb = ipsi_opts.verb;
	FILE *f = NULL;
	int ret = IPSI_OK;

	if (!*conf->path)
		ret = ipsi_conf_name(conf, name);
	conf->overlap = 30;
	if (!ret)
		ret = ipsi_conf_open(conf, &f);
	if (f)
		setvbuf(f, stdio, _IOFBF, sizeof(stdio));
	if (!ret)
		ret = ipsi_conf_read(conf, f);
	if (!ret && !conf->for_down)
		ret = ipsi_conf_complete(conf);
	if (f)
		fclose(f);
	/* There may have been keys in it. */
	explicit_bzero(stdio, sizeof(stdio));
	ipsi_opts.verb = verb;
	return ret;
}

/* Wipes and frees everything. */
void ipsi_conf_free(struct ipsi_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n_sa; i++)
		ipsi_conf_sa_free(conf->sa[i]);
	for (i = 0; i < conf->n_text; i++) {
		free((char *)conf->text[i].key);
		if (conf->text[i].value)
			explicit_bzero(conf->text[i].value,
				       strlen(conf->text[i].value));
		free(conf->text[i].value);
	}
	free(conf->sa);
	free(conf->text);
	free(conf->address);
	free(conf->route);
	memset(conf, 0, sizeof(*conf));
}
