# PCI configuration space, the record of every function, and resets.
hyp_srcs += $(addprefix hyp/pci/, \
	record.c probe.c caps.c bar.c assign.c topology.c virtio.c enumerate.c \
	rows.c filter.c reset.c reset_device.c)
