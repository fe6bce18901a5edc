/* SPDX-License-Identifier: GPL-2.0 */
/* Work items of devices */
#ifndef _IPSI_WORK_H
#define _IPSI_WORK_H

#include "ipsi.h"

int ipsi_work_init(void);
void ipsi_work_flush(void);
void ipsi_work_flush_events(void);
void ipsi_work_exit(void);
void ipsi_work_queue(struct ipsi_dev *idev, struct work_struct *work);
void ipsi_work_queue_delayed(struct ipsi_dev *idev, struct delayed_work *work,
			     unsigned long delay);
void ipsi_work_mod_delayed(struct ipsi_dev *idev, struct delayed_work *work,
			   unsigned long delay);
void ipsi_work_cancel(struct ipsi_dev *idev, struct delayed_work *work);
void ipsi_work_done(struct ipsi_dev *idev);
void ipsi_work_queue_net(struct net *net, struct delayed_work *work,
			 unsigned long delay);
void ipsi_work_queue_urgent(struct delayed_work *work, unsigned long delay);
void ipsi_work_queue_urgent_now(struct work_struct *work);
void ipsi_work_queue_event(struct work_struct *work);
void ipsi_work_rescan(const struct net *net);

#endif /* _IPSI_WORK_H */
