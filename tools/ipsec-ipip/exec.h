/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command that "monitor --exec" runs for each event.
 */
#ifndef _IPSI_EXEC_H
#define _IPSI_EXEC_H

struct json_object;

int ipsi_exec_find(const char *command);
void ipsi_exec_run(struct json_object *event);

#endif /* _IPSI_EXEC_H */
