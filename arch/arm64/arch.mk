# What the arm64 room contributes to the image; scripts/build/image.mk builds it.

arch_srcs := $(addprefix arch/arm64/,boot.S vectors.S abort.c backtrace.c boot_main.c cpu.c cpu_tlb.c fatal.c \
	fpsimd.S gic_filter.c gic_line.c gic_own.c guest.c guest_id.c guest_sysreg.c guest_trap.c inject.c io.c \
	kernel_image.c layout.c measure.c mm.c plant.c psci.c psci_guest.c psci_rules.c pt_lpae_s1.c pt_lpae_s2.c smp.c spinlock.c \
	sysreg_trap.c trap.c vcpu.c vgic.c vgic_hw.c vgic_lr.c vgic_mmio.c world.c world_control.c world_timer.c) \
	$(wildcard arch/arm64/smmuv3/*.c)

arch_ldscript := arch/arm64/image.lds.S

# Frame records for the backtrace; functions that call nothing do without. No frame may step over a guard page.
arch_cflags := -fno-omit-frame-pointer -momit-leaf-frame-pointer -Wframe-larger-than=2048

# A static PIE: it relocates itself (boot.S) when it is not where it was linked, which the board says.
arch_ldflags := -pie --no-dynamic-linker -z notext -z norelro --apply-dynamic-relocs --defsym=image_link_base=$(or $(platform_image_base),0)

# Makes the table of symbols that the second link puts into the image.
arch_symbols_py := scripts/build/symbols.py

# What calls and exits run; the rest is built for size.
hot_srcs += $(addprefix arch/arm64/,trap.c abort.c gic_filter.c sysreg_trap.c cpu_tlb.c pt_lpae_s1.c \
	$(addprefix smmuv3/,cd.c entry.c guest_cmd.c guest_inval.c ops.c queue.c ste.c stream.c tlb.c))
