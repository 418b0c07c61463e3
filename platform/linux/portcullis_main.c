// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The module: where it is of use, and that it comes and goes.
 */
#include <linux/module.h>
#include <linux/of.h>

#include "portcullis.h"

static int __init pcl_init(void)
{
	struct device_node *np;

	/* Says at once that this is no VM of Portcullis. */
	np = of_find_compatible_node(NULL, NULL, PCL_OF_COMPATIBLE);
	if (!np)
		return -ENODEV;
	of_node_put(np);
	return pcl_driver_register();
}

static void __exit pcl_exit(void)
{
	pcl_driver_unregister();
}

module_init(pcl_init);
module_exit(pcl_exit);

MODULE_DESCRIPTION("IOMMU driver for VMs of the Portcullis hypervisor");
MODULE_LICENSE("Dual BSD/GPL");
