// SPDX-License-Identifier: GPL-2.0
/*
 * Work of devices that must sleep: it runs on a queue of the module's own, so
 * that none outlives the code.
 */
#include <linux/netdevice.h>
#include <linux/workqueue.h>

#include "work.h"

/* Owned by the module, from ipsi_work_init() to ipsi_work_exit(). */
static struct workqueue_struct *ipsi_work_wq;

/**
 * ipsi_work_queue - let work of a device run
 * @idev: the device
 * @work: the work; it gives up a reference to the device when it has run
 *
 * Context: any.
 */
void ipsi_work_queue(struct ipsi_dev *idev, struct work_struct *work)
{
	/* It may only run on a device that cannot go away under it. */
	dev_hold(idev->dev);
	if (!queue_work(ipsi_work_wq, work))
		dev_put(idev->dev);
}

/**
 * ipsi_work_init - make the queue
 *
 * Return: 0 or -ENOMEM.
 */
int ipsi_work_init(void)
{
	ipsi_work_wq = alloc_workqueue("ipsec_ipip", WQ_UNBOUND, 0);
	return ipsi_work_wq ? 0 : -ENOMEM;
}

/**
 * ipsi_work_exit - undo ipsi_work_init(), when all devices are gone
 */
void ipsi_work_exit(void)
{
	destroy_workqueue(ipsi_work_wq);
}
