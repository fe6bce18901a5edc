// SPDX-License-Identifier: GPL-2.0
/*
 * "Did you mean": the known word that is most like a misspelt one.
 */
#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define IPSI_SUGGEST_MAX	31

/* The number of letters to insert, delete, replace, or swap with the next one. */
static size_t ipsi_distance(const char *a, const char *b)
{
	size_t row[3][IPSI_SUGGEST_MAX + 1];
	const size_t n = strlen(a), m = strlen(b);
	size_t *old, *last, *now;
	size_t i, j;

	if (n > IPSI_SUGGEST_MAX || m > IPSI_SUGGEST_MAX)
		return IPSI_SUGGEST_MAX;
	for (j = 0; j <= m; j++)
		row[0][j] = j;
	for (i = 1; i <= n; i++) {
		now = row[i % 3];
		last = row[(i - 1) % 3];
		old = row[(i + 1) % 3];
		now[0] = i;
		for (j = 1; j <= m; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < now[j])
				now[j] = last[j] + 1;
			if (now[j - 1] + 1 < now[j])
				now[j] = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && old[j - 2] + 1 < now[j])
				now[j] = old[j - 2] + 1;
		}
	}
	return row[n % 3][m];
}

/**
 * ipsi_suggest() - look for a known word that is like an unknown one
 * @word: the unknown word
 * @names: the known words
 * @n: their number
 * @text: the result: ": did you mean "NAME"?", or ""
 *
 * Return: @text.
 */
const char *ipsi_suggest(const char *word, const char * const *names, size_t n,
			 char text[IPSI_SUGGEST_LEN])
{
	size_t best = strlen(word) / 3 + 1, distance, i;
	const char *like = NULL;

	for (i = 0; i < n; i++) {
		distance = ipsi_distance(word, names[i]);
		if (distance > best || distance >= strlen(names[i]) ||
		    (like && distance == best))
			continue;
		like = names[i];
		best = distance;
	}
	text[0] = '\0';
	if (like)
		snprintf(text, IPSI_SUGGEST_LEN, ": did you mean \"%s\"?", like);
	return text;
}
