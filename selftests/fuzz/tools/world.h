/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of a fuzzed ipsec-ipip(8): files in memory, a kernel whose answers
 * are prepared, and no processes, names or devices of this host.
 */
#ifndef _WORLD_H
#define _WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void world_begin(void);
void world_end(void);
void world_file(const char *path, const void *data, size_t len);
bool world_has(const char *path);
void world_answers(const uint8_t *data, size_t len);
void world_answer(const void *datagram, size_t len);

/* main() of the command */
int ipsi_main(int argc, char **argv);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif /* _WORLD_H */
