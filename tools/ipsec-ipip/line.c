// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of text files that may have keys in them. getline(3) leaves copies of a
 * line in memory when it grows, and takes all memory for a line without an end.
 */
#include <stdio.h>
#include <string.h>

#include "ipsi.h"

/**
 * ipsi_line_read() - read a line
 * @f: the file
 * @text: the line, with its newline; the caller wipes it
 * @size: size of @text
 * @len: set to the length; 0 at the end of the file, if the line is refused, or
 *       after an error of the file, which the caller checks
 *
 * Return: exit code.
 */
int ipsi_line_read(FILE *f, char *text, size_t size, size_t *len)
{
	size_t n = 0;
	int c = 0;

	*len = 0;
	while (c != '\n' && (c = getc(f)) != EOF) {
		if (!c)
			return ipsi_usage("NUL character: expected a text file");
		if (n + 1 == size)
			return ipsi_usage("the line is too long: expected at most %d bytes",
					  IPSI_LINE_MAX - 1);
		text[n++] = c;
	}
	text[n] = '\0';
	*len = n;
	return IPSI_OK;
}

/* Editors of other systems put a byte order mark before the first line. */
char *ipsi_line_start(char *text, int line)
{
	return line == 1 && !strncmp(text, "\xef\xbb\xbf", 3) ? text + 3 : text;
}
