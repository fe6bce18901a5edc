/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints ipsec_ipip:*. They record names instead of numbers for filters
 * such as reason == "tx_no_sa". The copy costs time only while a tracepoint is
 * enabled.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipsec_ipip

#if !defined(_IPSI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IPSI_TRACE_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/xfrm.h>

#define IPSI_TRACE_WORD_LEN	24

TRACE_EVENT(ipsec_ipip_refused,
	TP_PROTO(const struct net_device *dev, const char *reason, bool tx,
		 const struct sk_buff *skb, const struct xfrm_state *x),

	TP_ARGS(dev, reason, tx, skb, x),

	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(int, ifindex)
		__array(char, reason, IPSI_TRACE_WORD_LEN)
		__array(char, dir, 3)
		__field(u8, proto)
		__field(u32, spi)
		__field(const void *, skbaddr)
		__field(unsigned int, len)
	),

	TP_fast_assign(
		strscpy(__entry->name, dev->name, IFNAMSIZ);
		__entry->ifindex = dev->ifindex;
		strscpy(__entry->reason, reason, IPSI_TRACE_WORD_LEN);
		strscpy(__entry->dir, tx ? "tx" : "rx", 3);
		__entry->proto = x ? x->id.proto : 0;
		__entry->spi = x ? ntohl(x->id.spi) : 0;
		__entry->skbaddr = skb;
		__entry->len = skb ? skb->len : 0;
	),

	TP_printk("dev=%s ifindex=%d reason=%s dir=%s proto=%u spi=0x%08x skbaddr=%p len=%u",
		  __entry->name, __entry->ifindex, __entry->reason,
		  __entry->dir, __entry->proto, __entry->spi,
		  __entry->skbaddr, __entry->len)
);

TRACE_EVENT(ipsec_ipip_sa,
	TP_PROTO(const struct net_device *dev, const char *event,
		 const struct xfrm_state *x, bool out),

	TP_ARGS(dev, event, x, out),

	TP_STRUCT__entry(
		__array(char, name, IFNAMSIZ)
		__field(int, ifindex)
		__array(char, event, IPSI_TRACE_WORD_LEN)
		__array(char, dir, 4)
		__field(u8, proto)
		__field(u32, spi)
		__field(u32, reqid)
	),

	TP_fast_assign(
		strscpy(__entry->name, dev->name, IFNAMSIZ);
		__entry->ifindex = dev->ifindex;
		strscpy(__entry->event, event, IPSI_TRACE_WORD_LEN);
		strscpy(__entry->dir, out ? "out" : "in", 4);
		__entry->proto = x ? x->id.proto : 0;
		__entry->spi = x ? ntohl(x->id.spi) : 0;
		__entry->reqid = x ? x->props.reqid : 0;
	),

	TP_printk("dev=%s ifindex=%d event=%s dir=%s proto=%u spi=0x%08x reqid=%u",
		  __entry->name, __entry->ifindex, __entry->event,
		  __entry->dir, __entry->proto, __entry->spi, __entry->reqid)
);

#endif /* _IPSI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
