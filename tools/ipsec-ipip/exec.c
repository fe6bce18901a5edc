// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip monitor --exec: a command that runs once for each event, and gets the
 * event as variables of its environment and as JSON on its standard input.
 *
 * Users of namespaces choose the names of devices. So no part of an event is an
 * argument, and no shell reads one.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attrs.h"
#include "conf.h"
#include "exec.h"
#include "ipsi.h"

#define IPSI_EXEC_PREFIX	"IPSEC_IPIP_"

/* The path of the command. It does not change with PATH. */
static char ipsi_exec_path[PATH_MAX];

/* Returns 0 if the file can be executed, or an errno. */
static int ipsi_exec_try(const char *path)
{
	struct stat st;
	int err = 0;

	if (stat(path, &st) || access(path, X_OK))
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	return err;
}

/* Looks in the folders of PATH. Returns 0 or an errno. */
static int ipsi_exec_search(const char *command)
{
	const char *path = getenv("PATH") ?: "/usr/sbin:/usr/bin:/sbin:/bin";
	int err = ENOENT;
	size_t len;

	while (err) {
		len = strcspn(path, ":");
		snprintf(ipsi_exec_path, sizeof(ipsi_exec_path), "%.*s/%s",
			 len ? (int)len : 1, len ? path : ".", command);
		err = ipsi_exec_try(ipsi_exec_path);
		if (!path[len])
			break;
		path += len + 1;
	}
	return err;
}

/**
 * ipsi_exec_find() - find the command
 * @command: its path, or its name in the folders of PATH
 *
 * Return: exit code.
 */
int ipsi_exec_find(const char *command)
{
	int err;

	if (!*command || strlen(command) >= sizeof(ipsi_exec_path))
		return ipsi_usage("--exec: the path of a program expected");
	if (strchr(command, '/')) {
		snprintf(ipsi_exec_path, sizeof(ipsi_exec_path), "%s", command);
		err = ipsi_exec_try(command);
	} else {
		err = ipsi_exec_search(command);
	}
	if (err == EACCES)
		return ipsi_fail("--exec: %s: it is not executable: chmod +x %s",
				 command, ipsi_exec_path);
	if (err)
		return ipsi_fail("--exec: %s: %s%s", command, strerror(err),
				 strchr(command, ' ') ?
				 "; it gets no arguments, write a script" : "");
	return IPSI_OK;
}

/* The text of a variable, which the caller frees; or NULL */
static char *ipsi_exec_variable(const char *name, struct json_object *value)
{
	char *text, *c;

	if (asprintf(&text, IPSI_EXEC_PREFIX "%s=%s", name,
		     json_object_get_string(value)) < 0)
		return NULL;
	for (c = text; *c != '='; c++)
		*c = toupper((unsigned char)*c);
	return text;
}

/* The environment of the command: that of this program, and the event in place of
 * variables with such names. setenv(3) would keep a copy of each value for ever.
 * @own is set to the first variable of the event; the caller frees these.
 */
static char **ipsi_exec_environ(struct json_object *event, char ***own)
{
	const size_t len = strlen(IPSI_EXEC_PREFIX);
	char **vars, **var, **to;
	size_t n = 0;

	while (environ && environ[n])
		n++;
	n += json_object_object_length(event) + 1;
	vars = calloc(n, sizeof(*vars));
	if (!vars)
		return NULL;
	to = vars;
	for (var = environ; var && *var; var++)
		if (strncmp(*var, IPSI_EXEC_PREFIX, len))
			*to++ = *var;
	*own = to;
	json_object_object_foreach(event, name, value) {
		*to = ipsi_exec_variable(name, value);
		if (*to)
			to++;
	}
	return vars;
}

/**
 * ipsi_exec_run() - run the command, and wait for its end
 * @event: the event
 *
 * A failure is reported, and is no failure of this program.
 */
void ipsi_exec_run(struct json_object *event)
{
	char *argv[] = { ipsi_exec_path, NULL };
	char **vars, **own, **before = environ;
	char *text = NULL;
	int status = 0;

	vars = ipsi_exec_environ(event, &own);
	if (!vars || asprintf(&text, "%s\n", ipsi_json_text(event, false)) < 0) {
		ipsi_warn("--exec: %s", strerror(ENOMEM));
	} else {
		environ = vars;
		status = ipsi_spawn(argv, text, false, 0);
		environ = before;
		free(text);
	}
	for (; vars && *own; own++)
		free(*own);
	free(vars);
	if (status)
		ipsi_warn("--exec: %s: exit status %d", ipsi_exec_path, status);
}
