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
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"
#include "signals.h"

static void ipsi_spawn_child(char *const argv[], int in, int err, bool quiet,
			     const sigset_t *mask)
{
	int out = quiet ? open("/dev/null", O_WRONLY) : STDERR_FILENO;

	if (in >= 0 && dup2(in, STDIN_FILENO) < 0)
		_exit(126);
	if (err >= 0 && dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	/* The output of this command is for programs that read it. */
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static void ipsi_spawn_write(int fd, const char *input)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	size_t len = strlen(input);
	struct sigaction before;
	ssize_t n;

	/* A program that does not read its input is no error here. */
	sigaction(SIGPIPE, &ignore, &before);
	while (len && (n = write(fd, input, len)) > 0) {
		input += n;
		len -= n;
	}
	sigaction(SIGPIPE, &before, NULL);
}

/* Waits for a child, with SIGCHLD blocked. Returns false after @seconds, if not 0. A
 * signal that ends this program goes to the child and its children, and is noted.
 */
static bool ipsi_spawn_wait(pid_t pid, int *status, int seconds)
{
	const struct timespec limit = { .tv_sec = seconds };
	sigset_t signals;
	pid_t got;
	int sig;

	if (ipsi_end_mask())
		ipsi_end_signals(&signals);
	else
		sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	while (!(got = waitpid(pid, status, WNOHANG))) {
		sig = sigtimedwait(&signals, NULL, seconds ? &limit : NULL);
		if (sig < 0 && errno == EAGAIN)
			return false;
		if (sig > 0 && sig != SIGCHLD) {
			ipsi_end_note();
			kill(seconds ? -pid : pid, sig);
		}
	}
	if (got < 0)
		*status = 126 << 8;
	return true;
}

static int ipsi_spawn_end(pid_t pid, int seconds)
{
	int status;

	if (!ipsi_spawn_wait(pid, &status, seconds)) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return IPSI_SPAWN_SLOW;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs a program as ipsi_spawn() does, with @err as its standard error if not -1. */
static int ipsi_spawn_err(char *const argv[], const char *input, int err,
			  bool quiet, int seconds)
{
	const sigset_t *mask = ipsi_end_mask();
	int pipefd[2] = { -1, -1 };
	sigset_t child, before;
	int status = 126;
	pid_t pid;

	fflush(NULL);
	if (input && pipe2(pipefd, O_CLOEXEC))
		return 126;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	pid = fork();
	/* A program with a limit is a group, so that its children end with it. */
	if (pid >= 0 && seconds)
		setpgid(pid, pid);
	if (!pid)
		ipsi_spawn_child(argv, pipefd[0], err, quiet,
				 mask ? mask : &before);
	if (input) {
		close(pipefd[0]);
		if (pid > 0)
			ipsi_spawn_write(pipefd[1], input);
		close(pipefd[1]);
	}
	if (pid > 0)
		status = ipsi_spawn_end(pid, seconds);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

/**
 * ipsi_spawn() - run a program, and wait for it
 * @argv: the program and its arguments
 * @input: its standard input, or NULL for this program's
 * @quiet: discard its standard output
 * @seconds: time to wait for it at most, 0 for no limit
 *
 * Return: its exit status, 127 if it is not installed, 128 and more for a signal, or
 * IPSI_SPAWN_SLOW.
 */
int ipsi_spawn(char *const argv[], const char *input, bool quiet, int seconds)
{
	return ipsi_spawn_err(argv, input, -1, quiet, seconds);
}

/**
 * ipsi_spawn_swanctl() - run swanctl, and print what it says about our command
 * @argv: the program and its arguments
 *
 * It begins with a line for each plug-in that Debian has in another package, and
 * ends with its usage if the daemon does not run. All of that fits in a pipe; a file
 * would be closed to it where AppArmor confines it.
 *
 * Return: as ipsi_spawn().
 */
int ipsi_spawn_swanctl(char *const argv[])
{
	int pipefd[2] = { -1, -1 };
	char line[1024];
	FILE *errors;
	int status;

	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK))
		return ipsi_spawn(argv, NULL, true, IPSI_DAEMON_WAIT);
	status = ipsi_spawn_err(argv, NULL, pipefd[1], true, IPSI_DAEMON_WAIT);
	close(pipefd[1]);
	errors = fdopen(pipefd[0], "r");
	if (!errors) {
		close(pipefd[0]);
		return status;
	}
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

/* A signal ends what makes a link, and nothing that removes one. */
static bool ipsi_hook_ended(const char *key)
{
	return (!strcmp(key, "PreUp") || !strcmp(key, "PostUp")) &&
	       ipsi_end_wanted();
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
		status = ipsi_spawn(argv, NULL, false, 0);
		free(argv[2]);
		if (ipsi_hook_ended(key))
			return ipsi_fail("%s:%d: %s: ended by a signal",
					 conf->path, text->line, key);
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
	status = ipsi_spawn(argv, text, false, 0);
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
		ipsi_spawn(argv, NULL, false, 0);
}
