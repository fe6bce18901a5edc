// SPDX-License-Identifier: GPL-2.0
/*
 * Work items of devices and namespaces. These rules hold for those of devices:
 *
 * - Work owns a reference to its device while it is queued or runs, and puts
 *   it by ipsi_work_done() as its last step.
 * - Nothing is queued for a device that is not registered. Queueing is an RCU
 *   read side, and unregistration waits for readers before ndo_uninit; so
 *   ipsi_work_cancel() finds all delayed work. Other work runs to its end,
 *   which its reference allows.
 * - The queues belong to the module: no work outlives the code.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "net.h"
#include "work.h"

/* Owned by the module, from ipsi_work_init() to ipsi_work_exit(). */
static struct workqueue_struct *ipsi_work_wq;

/* Owned by the module as well. It runs one work at a time, since others wait for
 * the RTNL behind all works that wait for it: after a change in the underlay
 * there is one for each device.
 */
static struct workqueue_struct *ipsi_work_rtnl_wq;

/* Owned by the module as well. It has a high priority, so that an SA is adopted
 * before its key manager goes on. CPUs and priority can be set in
 * /sys/devices/virtual/workqueue/.
 */
static struct workqueue_struct *ipsi_work_urgent_wq;

/* Take the reference of a work that is about to be queued. RCU read side. */
static bool ipsi_work_hold(struct ipsi_dev *idev)
{
	if (ipsi_dev_goes(idev))
		return false;

	dev_hold(idev->dev);
	return true;
}

/**
 * ipsi_work_queue - queue short work of a device that takes the RTNL
 * @idev: the device; if it is not registered, nothing is queued
 * @work: the work; it ends with ipsi_work_done()
 *
 * Context: any.
 */
void ipsi_work_queue(struct ipsi_dev *idev, struct work_struct *work)
{
	rcu_read_lock();
	if (ipsi_work_hold(idev) && !queue_work(ipsi_work_rtnl_wq, work))
		dev_put(idev->dev);
	rcu_read_unlock();
}

/**
 * ipsi_work_queue_delayed - queue work of a device for later
 * @idev: the device; if it is not registered, nothing is queued
 * @work: the work; it ends with ipsi_work_done(). If it is queued already, its
 *   time does not change.
 * @delay: in jiffies
 *
 * Context: any.
 */
void ipsi_work_queue_delayed(struct ipsi_dev *idev, struct delayed_work *work,
			     unsigned long delay)
{
	rcu_read_lock();
	if (ipsi_work_hold(idev) &&
	    !queue_delayed_work(ipsi_work_wq, work, delay))
		dev_put(idev->dev);
	rcu_read_unlock();
}

/**
 * ipsi_work_mod_delayed - queue work of a device for later, or change its time
 * @idev: the device; if it is not registered, nothing is queued
 * @work: the work; it ends with ipsi_work_done()
 * @delay: in jiffies
 *
 * Context: any.
 */
void ipsi_work_mod_delayed(struct ipsi_dev *idev, struct delayed_work *work,
			   unsigned long delay)
{
	rcu_read_lock();
	if (ipsi_work_hold(idev) &&
	    mod_delayed_work(ipsi_work_wq, work, delay))
		dev_put(idev->dev);
	rcu_read_unlock();
}

/**
 * ipsi_work_cancel - cancel delayed work of a device
 * @idev: the device
 * @work: the work, which may still be running afterwards
 *
 * Context: any.
 */
void ipsi_work_cancel(struct ipsi_dev *idev, struct delayed_work *work)
{
	if (cancel_delayed_work(work))
		dev_put(idev->dev);
}

/**
 * ipsi_work_done - end work of a device
 * @idev: the device, which may be gone when this returns
 *
 * Context: the work.
 */
void ipsi_work_done(struct ipsi_dev *idev)
{
	dev_put(idev->dev);
}

/**
 * ipsi_work_queue_net - queue work of a namespace
 * @net: the namespace; if it is exiting, nothing is queued, since links still
 *   change in it after ipsi_net_exit() has cancelled the work
 * @work: the work
 * @delay: in jiffies
 *
 * Context: RTNL, which the namespace takes before it exits.
 */
void ipsi_work_queue_net(struct net *net, struct delayed_work *work,
			 unsigned long delay)
{
	ASSERT_RTNL();

	if (check_net(net))
		queue_delayed_work(ipsi_work_wq, work, delay);
}

/**
 * ipsi_work_queue_urgent - queue work of a namespace that follows key managers
 * @work: the work; its owner cancels it before the namespace is freed. If it is
 *   queued already, only a delay of 0 changes its time.
 * @delay: in jiffies
 *
 * Context: any.
 */
void ipsi_work_queue_urgent(struct delayed_work *work, unsigned long delay)
{
	if (delay)
		queue_delayed_work(ipsi_work_urgent_wq, work, delay);
	else
		mod_delayed_work(ipsi_work_urgent_wq, work, 0);
}

/**
 * ipsi_work_queue_urgent_now - the same for work without a timer
 * @work: the work; its owner cancels it before the namespace is freed
 *
 * Context: any.
 */
void ipsi_work_queue_urgent_now(struct work_struct *work)
{
	queue_work(ipsi_work_urgent_wq, work);
}

/**
 * ipsi_work_queue_event - queue work of a namespace that sends events
 * @work: the work; its owner cancels it before the namespace is freed
 *
 * Context: any.
 */
void ipsi_work_queue_event(struct work_struct *work)
{
	queue_work(ipsi_work_wq, work);
}

/**
 * ipsi_work_rescan - adopt SAs that were added without a notification, or that
 *   could not be adopted before (adopt.c)
 * @net: underlay namespace
 *
 * Context: any.
 */
void ipsi_work_rescan(const struct net *net)
{
	struct ipsi_adopt *adopt = &ipsi_net(net)->adopt;

	spin_lock_bh(&adopt->lock);
	adopt->scan = true;
	spin_unlock_bh(&adopt->lock);
	ipsi_work_queue_urgent(&adopt->work, 0);
}

/**
 * ipsi_work_init - create the workqueues
 *
 * Return: 0 or -ENOMEM.
 */
int ipsi_work_init(void)
{
	ipsi_work_wq = alloc_workqueue("ipsec_ipip", WQ_UNBOUND, 0);
	if (!ipsi_work_wq)
		return -ENOMEM;

	ipsi_work_rtnl_wq = alloc_ordered_workqueue("ipsec_ipip_rtnl", 0);
	if (!ipsi_work_rtnl_wq)
		goto err_wq;

	ipsi_work_urgent_wq = alloc_workqueue("ipsec_ipip_adopt", WQ_UNBOUND |
					      WQ_HIGHPRI | WQ_SYSFS, 0);
	if (!ipsi_work_urgent_wq)
		goto err_rtnl_wq;

	return 0;

err_rtnl_wq:
	destroy_workqueue(ipsi_work_rtnl_wq);
err_wq:
	destroy_workqueue(ipsi_work_wq);
	return -ENOMEM;
}

/**
 * ipsi_work_flush_events - wait until all events are sent
 *
 * Context: process, no device is left.
 */
void ipsi_work_flush_events(void)
{
	flush_workqueue(ipsi_work_wq);
}

/**
 * ipsi_work_flush - wait for works of namespaces that wait for the xfrm_cfg_mutex
 *
 * A holder of the mutex may wait for a module to load, and that for the lock
 * under which namespaces exit.
 *
 * Context: process, no device is left and that lock is not held.
 */
void ipsi_work_flush(void)
{
	flush_workqueue(ipsi_work_urgent_wq);
}

/**
 * ipsi_work_exit - undo ipsi_work_init(), after all namespaces have exited
 */
void ipsi_work_exit(void)
{
	destroy_workqueue(ipsi_work_urgent_wq);
	destroy_workqueue(ipsi_work_rtnl_wq);
	destroy_workqueue(ipsi_work_wq);
}
