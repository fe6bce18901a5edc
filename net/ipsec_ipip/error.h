/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors about outer packets. */
#ifndef _IPSI_ERROR_H
#define _IPSI_ERROR_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/skbuff.h>

/* The SPI in a header of ESP or AH, the first 8 bytes of which are there */
static inline __be32 ipsi_error_spi(const void *hdr, u8 proto)
{
	const struct ip_auth_hdr *ah = hdr;
	const struct ip_esp_hdr *esph = hdr;

	return proto == IPPROTO_AH ? ah->spi : esph->spi;
}

int ipsi_error4(struct sk_buff *skb, u32 info);
int ipsi_error6(struct sk_buff *skb, u8 type, int offset, __be32 info);

#endif /* _IPSI_ERROR_H */
