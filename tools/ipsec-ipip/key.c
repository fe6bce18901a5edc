// SPDX-License-Identifier: GPL-2.0
/*
 * Keys, in hex, from the command line, a file or standard input. Every copy is
 * wiped, and no message shows any part of a key.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ipsi.h"

/* The longest key in hex, with 0x, and a few blanks and a newline at its end. */
#define IPSI_KEY_TEXT	(2 * IPSEC_IPIP_KEY_MAX_LEN + 64)

#define IPSI_KEY_FILE	"file:"

#define IPSI_WRONG_LEN	96

static int ipsi_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Returns false, with a message that has no part of the key in it, if it is none. */
static bool ipsi_key_parse(const char *text, size_t len, struct ipsi_key *key,
			   char wrong[IPSI_WRONG_LEN])
{
	const bool prefix = len >= 2 && text[0] == '0' &&
			    (text[1] == 'x' || text[1] == 'X');
	size_t i;
	int digit;

	if (prefix) {
		text += 2;
		len -= 2;
	}
	memset(key, 0, sizeof(*key));
	for (i = 0; i < len && i < 2 * sizeof(key->data); i++) {
		digit = ipsi_hex_digit(text[i]);
		if (digit < 0) {
			snprintf(wrong, IPSI_WRONG_LEN,
				 "key is not hexadecimal: character %zu is not a hex digit",
				 i + 1 + (prefix ? 2 : 0));
			return false;
		}
		key->data[i / 2] = key->data[i / 2] << 4 | digit;
	}
	if (i < len) {
		snprintf(wrong, IPSI_WRONG_LEN,
			 "key is too long: at most %zu hex digits expected",
			 2 * sizeof(key->data));
		return false;
	}
	if (len % 2) {
		snprintf(wrong, IPSI_WRONG_LEN,
			 "key has an odd number of hex digits: %zu", len);
		return false;
	}
	key->len = len / 2;
	return true;
}

static size_t ipsi_trim(const char *text, size_t len)
{
	while (len && text[len - 1] && strchr(" \t\r\n", text[len - 1]))
		len--;
	return len;
}

/* Reads to the end of the file (of the line if @line), or until @text is full. */
static ssize_t ipsi_read_text(int fd, char *text, size_t size, bool line)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		/* Read single bytes, to leave the next line for the next key. */
		n = read(fd, text + len, line ? 1 : size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		len += n;
		if (!n || (line && text[len - 1] == '\n'))
			break;
	}
	return len;
}

static int ipsi_key_open(const char *word, const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		ipsi_fail("%s: %s: %s", word, path, strerror(errno));
		goto err_close;
	}
	if (S_ISDIR(st.st_mode)) {
		ipsi_fail("%s: %s: %s", word, path, strerror(EISDIR));
		goto err_close;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 0066))
		ipsi_warn("%s: %s: key is %s by users other than its owner: chmod 600 %s",
			  word, path, st.st_mode & 0044 ? "readable" :
							  "writable", path);
	return fd;

err_close:
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct termios ipsi_tty;

/* The terminal must not stay without echo after Ctrl-C. */
static void ipsi_tty_interrupted(int sig)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &ipsi_tty);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Turns off the echo, and prompts. Returns false if input is not a terminal. */
static bool ipsi_tty_hide(const char *word)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct termios hidden;
	unsigned int i;

	if (tcgetattr(STDIN_FILENO, &ipsi_tty))
		return false;
	for (i = 0; i < IPSI_ARRAY_SIZE(sigs); i++)
		signal(sigs[i], ipsi_tty_interrupted);
	hidden = ipsi_tty;
	hidden.c_lflag &= ~(ECHO | ECHOE | ECHOK);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	fprintf(stderr, "%s (hex, not shown): ", word);
	return true;
}

static void ipsi_tty_show(void)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &ipsi_tty);
	fputc('\n', stderr);
}

static int ipsi_key_from_fd(const char *word, int fd, const char *path,
			    struct ipsi_key *key)
{
	const bool line = !path;
	const bool hidden = line && ipsi_tty_hide(word);
	char text[IPSI_KEY_TEXT], wrong[IPSI_WRONG_LEN];
	int ret = IPSI_OK;
	const char *start;
	ssize_t len;

	if (!path)
		path = "standard input";
	len = ipsi_read_text(fd, text, sizeof(text) - 1, line);
	if (hidden)
		ipsi_tty_show();
	if (len < 0) {
		ret = ipsi_fail("%s: %s: %s", word, path, strerror(errno));
		goto out;
	}
	text[len] = '\0';
	start = ipsi_line_start(text, 1);
	len -= start - text;
	if (!ipsi_trim(start, len)) {
		ret = ipsi_fail(line ? "%s: %s: a key expected, but there is no input" :
				       "%s: %s: a key expected, but the file is empty; ipsec-ipip genkey prints one",
				word, path);
		goto out;
	}
	if (!ipsi_key_parse(start, ipsi_trim(start, len), key, wrong))
		ret = ipsi_fail("%s: %s: %s", word, path, wrong);
	else if (start + len == text + sizeof(text) - 1)
		ret = ipsi_fail("%s: %s: the line is too long", word, path);
out:
	explicit_bzero(text, sizeof(text));
	return ret;
}

static int ipsi_key_from_file(const char *word, const char *path,
			      struct ipsi_key *key)
{
	int fd, ret;

	fd = ipsi_key_open(word, path);
	if (fd < 0)
		return IPSI_FAIL;
	ret = ipsi_key_from_fd(word, fd, path, key);
	close(fd);
	return ret;
}

static int ipsi_key_from_arg(const char *word, char *arg, struct ipsi_key *key)
{
	const size_t len = strlen(arg);
	char wrong[IPSI_WRONG_LEN];
	bool good;

	good = !len || !strncmp(arg, "0x", 2) || !strncmp(arg, "0X", 2);
	if (good)
		good = ipsi_key_parse(arg, len, key, wrong);
	else
		snprintf(wrong, sizeof(wrong),
			 "key must be 0xHEX, file:PATH, or - for standard input");
	explicit_bzero(arg, len);
	return good ? IPSI_OK : ipsi_usage("%s: %s", word, wrong);
}

/**
 * ipsi_key_read() - read a key
 * @word: the word before it, for messages
 * @arg: 0xHEX (wiped), file:PATH, "-" for a line of standard input, or ""
 * @key: the result; the caller wipes it
 *
 * Return: exit code.
 */
int ipsi_key_read(const char *word, char *arg, struct ipsi_key *key)
{
	if (!strcmp(arg, "-"))
		return ipsi_key_from_fd(word, STDIN_FILENO, NULL, key);
	if (!strcmp(arg, IPSI_KEY_FILE))
		return ipsi_usage("%s: a path expected after %s", word, arg);
	if (!strncmp(arg, IPSI_KEY_FILE, strlen(IPSI_KEY_FILE)))
		return ipsi_key_from_file(word, arg + strlen(IPSI_KEY_FILE),
					  key);
	return ipsi_key_from_arg(word, arg, key);
}
