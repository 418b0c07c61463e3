# The core: policy, for any CPU and board.
hyp_srcs := $(addprefix hyp/, \
	main.c exits.c primary_image.c \
	debug/console.c debug/console_list.c debug/log.c debug/panic.c \
	hcall/dispatch.c hcall/hcall_device.c hcall/hcall_nested.c hcall/hcall_pviommu.c hcall/hcall_table.c hcall/hcall_vm.c \
	iommu/attach.c iommu/device.c iommu/device_assign.c iommu/device_end.c iommu/device_give.c iommu/device_group.c iommu/device_quarantine.c iommu/domain.c iommu/drain.c iommu/fault.c iommu/guest_stream.c iommu/iommu.c iommu/map.c iommu/names.c iommu/nested.c \
	iommu/unmap.c \
	lib/idmap.c lib/libc_stubs.c lib/lock.c \
	mem/boot_alloc.c mem/bulk_map.c mem/guest_copy.c mem/guest_window.c mem/page.c mem/page_rules.c mem/pool.c \
	mem/pt.c \
	pviommu/events.c pviommu/pviommu.c pviommu/pviommu_map.c pviommu/pviommu_nested.c pviommu/ring.c \
	vm/guard.c vm/vcpu.c vm/view.c vm/vm.c vm/vm_life.c vm/vm_memory.c)
-include hyp/pci/pci.mk

# What calls and exits run; the rest is built for size.
hot_srcs += $(addprefix hyp/,exits.c hcall/dispatch.c hcall/hcall_nested.c hcall/hcall_pviommu.c pviommu/pviommu.c pviommu/pviommu_map.c mem/page.c mem/pool.c mem/pt.c \
	mem/guest_copy.c pci/filter.c \
	iommu/attach.c iommu/domain.c iommu/iommu.c iommu/map.c iommu/names.c iommu/unmap.c)
