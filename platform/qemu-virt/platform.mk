# The board: which CPU it has, and the files that describe it. Those without access to hardware are built for the
# host's tests too.
platform_arch := arm64
platform_host_srcs := $(addprefix platform/qemu-virt/,board.c dt.c find_chosen.c find_cpus.c find_iommu.c find_irq.c \
	find_memory.c find_pci.c find_reg.c find_window.c primary_fdt.c)
platform_srcs := $(platform_host_srcs) platform/qemu-virt/console_pl011.c platform/qemu-virt/debug_pl011.c

# Where QEMU puts a raw image: 2 MiB above the start of RAM.
platform_image_base := 0x40200000
