/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SAs in the format of Wireshark.
 */
#ifndef _IPSI_SA_WIRESHARK_H
#define _IPSI_SA_WIRESHARK_H

struct ipsi_attrs;

void ipsi_sa_wireshark(const struct ipsi_attrs *sa);

#endif /* _IPSI_SA_WIRESHARK_H */
