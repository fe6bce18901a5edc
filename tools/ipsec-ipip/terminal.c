// SPDX-License-Identifier: GPL-2.0
/*
 * Output for people: colours, and amounts in human units.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "ipsi.h"

/**
 * ipsi_color() - the escape sequence of a colour
 * @color: the colour
 *
 * Colours are off if NO_COLOR is set (https://no-color.org).
 *
 * Return: the sequence, or "" without colours.
 */
const char *ipsi_color(enum ipsi_color color)
{
	static const char * const codes[] = {
		[IPSI_PLAIN] = "\033[0m",
		[IPSI_BOLD] = "\033[1m",
		[IPSI_RED] = "\033[31m",
		[IPSI_GREEN] = "\033[32m",
	};
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if ((no && *no) || !term || !strcmp(term, "dumb") ||
	    !isatty(STDOUT_FILENO))
		return "";
	return codes[color];
}

/**
 * ipsi_make_printable() - make a name fit for terminals and JSON
 * @text: the name; the bytes of a character that cannot be printed, and those that are
 *	not UTF-8, become "?"
 *
 * Characters without a width, which may turn the direction of a line, are none that
 * can be printed. The administrator of a container chooses the names of its devices, and the kernel
 * takes nearly any byte.
 */
void ipsi_make_printable(char *text)
{
	mbstate_t state = {};
	size_t len;
	wchar_t c;

	for (; *text; text += len) {
		len = mbrtowc(&c, text, strlen(text), &state);
		if (len == (size_t)-1 || len == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			len = 1;
			*text = '?';
		} else if (!iswprint(c) || wcwidth(c) < 1) {
			memset(text, '?', len);
		}
	}
}

/**
 * ipsi_human() - a number of bytes in the largest unit that fits
 * @bytes: the number
 * @buf: the text
 *
 * Return: @buf.
 */
const char *ipsi_human(uint64_t bytes, char buf[16])
{
	static const char * const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = bytes / 1024.0;
	unsigned int unit = 0;

	if (bytes < 1024) {
		snprintf(buf, 16, "%u B", (unsigned int)bytes);
		return buf;
	}
	while (value >= 1024 && unit < IPSI_ARRAY_SIZE(units) - 1) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, 16, "%.2f %s", value, units[unit]);
	return buf;
}

/**
 * ipsi_duration() - a duration in its two largest units
 * @seconds: the duration
 * @buf: the text
 *
 * Return: @buf.
 */
const char *ipsi_duration(uint64_t seconds, char buf[32])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" },
	};
	unsigned int i = 0;
	int len;

	while (seconds < units[i].seconds && i < IPSI_ARRAY_SIZE(units) - 1)
		i++;
	len = snprintf(buf, 32, "%llu %s",
		       (unsigned long long)(seconds / units[i].seconds),
		       units[i].name);
	seconds %= units[i++].seconds;
	if (i < IPSI_ARRAY_SIZE(units) && seconds / units[i].seconds)
		snprintf(buf + len, 32 - len, " %llu %s",
			 (unsigned long long)(seconds / units[i].seconds),
			 units[i].name);
	return buf;
}
