// SPDX-License-Identifier: GPL-2.0
/*
 * Other programs that a configuration runs: hooks, resolvconf(8), swanctl(8).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"

static void ipsi_spawn_child(char *const argv[], int in, int err, bool quiet)
{
	int out = quiet ? open("/dev/null", O_WRONLY) : STDERR_FILENO;

	if (in >= 0 && dup2(in, STDIN_FILENO) < 0)
		_exit(126);
	if (err >= 0 && dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	/* The output of this command is for programs that read it. */
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static void ipsi_spawn_write(int fd, const char *input)
{
	size_t len = strlen(input);
	ssize_t n;

	/* A program that does not read its input is no error here. */
	signal(SIGPIPE, SIG_IGN);
	while (len && (n = write(fd, input, len)) > 0) {
		input += n;
		len -= n;
	}
	signal(SIGPIPE, SIG_DFL);
}

/* Runs a program as ipsi_spawn() does, with @err as its standard error if not -1. */
static int ipsi_spawn_err(char *const argv[], const char *input, int err,
			  bool quiet)
{
	int pipefd[2] = { -1, -1 };
	int status;
	pid_t pid;

	fflush(NULL);
	if (input && pipe2(pipefd, O_CLOEXEC))
		return 126;
	pid = fork();
	if (!pid)
		ipsi_spawn_child(argv, pipefd[0], err, quiet);
	if (input) {
		close(pipefd[0]);
		if (pid > 0)
			ipsi_spawn_write(pipefd[1], input);
		close(pipefd[1]);
	}
	if (pid < 0)
		return 126;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/**
 * ipsi_spawn() - run a program, and wait for it
 * @argv: the program and its arguments
 * @input: its standard input, or NULL for this program's
 * @quiet: discard its standard output
 *
 * Return: its exit status, 127 if it is not installed, or 128 and more for a signal.
 */
int ipsi_spawn(char *const argv[], const char *input, bool quiet)
{
	return ipsi_spawn_err(argv, input, -1, quiet);
}

/**
 * ipsi_spawn_swanctl() - run swanctl, and print what it says about our command
 * @argv: the program and its arguments
 *
 * It begins with a line for each plug-in that Debian has in another package, and
 * ends with its usage if the daemon does not run.
 *
 * Return: as ipsi_spawn().
 */
int ipsi_spawn_swanctl(char *const argv[])
{
	FILE *errors = tmpfile();
	char line[1024];
	int status;

	status = ipsi_spawn_err(argv, NULL, errors ? fileno(errors) : -1, true);
	if (!errors)
		return status;
	rewind(errors);
	while (fgets(line, sizeof(line), errors)) {
		if (!strncmp(line, "strongSwan ", 11))
			break;
		if (strncmp(line, "plugin '", 8) ||
		    !strstr(line, "': failed to load - "))
			fputs(line, stderr);
	}
	fclose(errors);
	return status;
}

/* Returns the command with the name of the link for each %i; the caller frees it. */
static char *ipsi_hook_expand(const char *command, const char *dev)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (; *command; command++) {
		if (command[0] == '%' && command[1] == 'i') {
			fputs(dev, f);
			command++;
		} else {
			fputc(*command, f);
		}
	}
	return fclose(f) ? NULL : text;
}

/**
 * ipsi_hooks_run() - run the commands of a key
 * @conf: the configuration
 * @key: PreUp, PostUp, PreDown or PostDown
 *
 * Return: exit code. It ends at the first command that fails.
 */
int ipsi_hooks_run(const struct ipsi_conf *conf, const char *key)
{
	char *argv[4] = { "sh", "-c" };
	const struct ipsi_conf_text *text;
	int status;
	size_t i;

	for (i = 0; i < conf->n_text; i++) {
		text = &conf->text[i];
		if (strcasecmp(text->key, key))
			continue;
		argv[2] = ipsi_hook_expand(text->value, conf->dev);
		if (!argv[2])
			return ipsi_fail("%s", strerror(ENOMEM));
		status = ipsi_spawn(argv, NULL, false);
		free(argv[2]);
		if (status)
			return ipsi_fail("%s:%d: %s: exit status %d: %s",
					 conf->path, text->line, key, status,
					 text->value);
	}
	return IPSI_OK;
}

/* Gives the name servers and domains to resolvconf(8); returns an exit code. */
int ipsi_dns_set(const struct ipsi_conf *conf)
{
	const char *dns = ipsi_conf_text(conf, "DNS");
	char *argv[4] = { "resolvconf", "-a", (char *)conf->dev };
	char *copy, *word, *save, *text = NULL;
	struct ipsi_addr addr;
	size_t size = 0;
	int status;
	FILE *f;

	if (!dns)
		return IPSI_OK;
	copy = strdup(dns);
	f = open_memstream(&text, &size);
	if (!copy || !f)
		return ipsi_fail("%s", strerror(ENOMEM));
	for (word = strtok_r(copy, " \t,", &save); word;
	     word = strtok_r(NULL, " \t,", &save))
		fprintf(f, "%s %s\n", ipsi_addr_parse(word, &addr) ?
			"nameserver" : "search", word);
	fclose(f);
	status = ipsi_spawn(argv, text, false);
	free(copy);
	free(text);
	if (status == 127)
		return ipsi_fail("DNS: install resolvconf");
	if (status)
		return ipsi_fail("DNS: resolvconf: exit status %d", status);
	return IPSI_OK;
}

void ipsi_dns_unset(const struct ipsi_conf *conf)
{
	char *argv[4] = { "resolvconf", "-d", (char *)conf->dev };

	if (ipsi_conf_text(conf, "DNS"))
		ipsi_spawn(argv, NULL, false);
}
