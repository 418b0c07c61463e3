# Guest images: build/guest/<image>.bin, flat and position independent, from the library here and one or more
# sources in primary/. The images are bare-metal programs against include/abi and a full newlib.

guest_lib_srcs := $(addprefix test/guest/lib/,start.S console.c edu.c gic.c guest.c machine.c mmu.c newlib.c pci.c \
	ram.c report.c rig.c ring.c smp.c stage1.c status.c testdev.c trap.c)
guest_images := bare scenario cases sweep bench bench-growth bench-longest bench-devices bench-steps floor stop vms vmm-linux fuzz
guest_srcs_bare     := test/guest/primary/bare.c
guest_srcs_scenario := test/guest/primary/scenario.c test/guest/primary/scenario_vms.c
guest_srcs_cases    := $(sort $(wildcard test/guest/primary/case_*.c test/guest/primary/case_*.S))
guest_srcs_sweep    := test/guest/primary/sweep.c
# What calls cost, and how long one may take; the floor has no hypervisor below, it is EL2 itself.
bench_common            := $(addprefix test/guest/bench/,bench_count.c bench_tiny.S)
guest_srcs_bench        := $(addprefix test/guest/bench/,calls.c bench_nested.c bench_stage.c bench_vm.c bench_events.c bench_event.S) $(bench_common)
guest_srcs_bench-growth := test/guest/bench/growth.c $(bench_common)
guest_srcs_bench-steps := test/guest/bench/steps.c test/guest/bench/bench_stage.c
guest_srcs_bench-longest := $(addprefix test/guest/bench/,longest.c longest_lists.c longest_memory.c longest_nested.c longest_vm.c) $(bench_common)
guest_srcs_bench-devices := $(guest_srcs_bench-longest) test/guest/bench/longest_devices.c
guest_srcs_floor        := $(wildcard test/guest/floor/*.c test/guest/floor/*.S) test/guest/bench/bench_count.c
guest_srcs_stop     := test/guest/primary/stop.c
# A primary with secondaries: the VMM, and the image that it loads into them.
vmm_srcs            := $(addprefix test/guest/lib/,vmm.c vmdev.c el1_regs.c service_image.S)
guest_srcs_vms      := $(sort $(wildcard test/guest/primary/vm_*.c test/guest/primary/vm_*.S)) \
	test/guest/primary/case_regs.S $(vmm_srcs)
guest_srcs_scenario += $(vmm_srcs)
# The fuzzer's records, played by all CPUs.
guest_srcs_fuzz     := $(sort $(wildcard test/guest/primary/fuzz_*.c)) $(wildcard test/play/*.c) $(vmm_srcs)
# A VMM for a stock Linux.
guest_srcs_vmm-linux := $(addprefix test/guest/,primary/vmm_linux.c lib/vmtree.c lib/vmuart.c) $(vmm_srcs)
guest_srcs_bench    += $(vmm_srcs)
guest_srcs_bench-growth += $(vmm_srcs)
guest_srcs_bench-longest += $(vmm_srcs)
guest_srcs_bench-devices += $(vmm_srcs)
# The secondaries' image has no device tree to read and nobody to report to but the primary.
service_srcs        := $(sort $(wildcard test/guest/secondary/*.c test/guest/secondary/*.S)) \
	$(addprefix test/guest/lib/,start.S edu.c el1_regs.c gic.c newlib.c ring.c smp.c stage1.c status.c testdev.c trap.c)

guest_flags := --target=aarch64-none-elf -march=armv8-a -mno-outline-atomics -std=gnu11 -O2 -g -ffreestanding \
	-nostdlibinc -isystem $(NEWLIB_GUEST)/include -fno-pic -fno-stack-protector -fno-common -ffunction-sections \
	-fdata-sections -ffile-prefix-map=$(CURDIR)/=
guest_warnings := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wvla -Wundef -Wstrict-prototypes
guest_includes := -Iinclude -Itest/guest/lib -Itest/guest/bench -Itest/guest/secondary -Itest/play -isystem $(LIBFDT_SRC)
guest_libfdt   := $(addprefix build/guest/obj/libfdt/,fdt.o fdt_addresses.o fdt_ro.o fdt_strerror.o fdt_sw.o)
need_guest     := $(need_newlib_guest) $(need_libfdt)

build/guest/obj/%.o: %.c Makefile test/guest/guest.mk | $(need_guest)
	$(call cmd,CC,$<,$(CC) $(guest_flags) $(guest_warnings) $(guest_includes) -MMD -MP -c -o $@ $<)

build/guest/obj/%.o: %.S Makefile test/guest/guest.mk | $(need_guest)
	$(call cmd,AS,$<,$(CC) $(guest_flags) $(guest_includes) -MMD -MP -c -o $@ $<)

# Runs at EL2 with the MMU off, as the hypervisor is built otherwise: no vector registers.
$(addprefix build/guest/obj/test/guest/floor/,floor_el2.o floor_stream.o): guest_flags += -march=armv8.1-a -mgeneral-regs-only -mstrict-align

# Not ours, so without our warnings.
build/guest/obj/libfdt/%.o: Makefile test/guest/guest.mk | $(need_guest)
	$(call cmd,CC,libfdt/$*.c,$(CC) $(guest_flags) -w -I$(LIBFDT_SRC) -c -o $@ $(LIBFDT_SRC)/$*.c)

# It holds the secondaries' image.
build/guest/obj/test/guest/lib/service_image.o: build/guest/service.bin

# $(call guest_rules,IMAGE,SOURCES). One object per source, shared by the images.
define guest_rules
build/guest/$1.elf: $$(patsubst %,build/guest/obj/%.o,$$(basename $2)) $$(guest_libfdt) test/guest/lib/image.lds
	$$(call cmd,LD,$$@,$$(LD) -pie --no-dynamic-linker -z notext -z norelro -z max-page-size=4096 --gc-sections \
		--fatal-warnings \
		-T test/guest/lib/image.lds -o $$@ $$(filter %.o,$$^) $$(NEWLIB_GUEST)/lib/libc.a)

build/guest/$1.bin: build/guest/$1.elf
	$$(call cmd,BIN,$$@,$$(OBJCOPY) -O binary $$< $$@)
endef
$(foreach image,$(guest_images),$(eval $(call guest_rules,$(image),$(guest_lib_srcs) $(guest_srcs_$(image)))))
$(eval $(call guest_rules,service,$(service_srcs)))

-include $(patsubst %,build/guest/obj/%.d,$(basename $(guest_lib_srcs) $(service_srcs) \
	$(foreach i,$(guest_images),$(guest_srcs_$(i)))))

guest_bins := $(patsubst %,build/guest/%.bin,$(guest_images))
run_deps   += build/guest/scenario.bin
# cases.cfg also runs the Linux of platform/linux.
test_deps  += $(guest_bins) $(LINUX_INITRAMFS) $(LINUX_PACK)
all_deps   += $(guest_bins)

room_targets += bench
bench_args = --platform=$(PLATFORM) --image=$(IMAGE)
bench_bins := $(patsubst %,build/guest/%.bin,bench bench-growth bench-longest bench-devices bench-steps floor vmm-linux)
.PHONY: bench bench-check bench-accept bench-measure
bench: bench-measure ## the performance report: instructions per call, growth, memory, boot [build/bench/report.txt, .svg]
	@$(PYTHON) scripts/bench_report.py $(bench_args)

bench-check: bench-measure ## measure, and fail where a figure is worse than scripts/bench_figures.json says
	@$(PYTHON) scripts/bench_report.py $(bench_args) --check

bench-accept: ## keep the last figures of make bench as those of bench-check
	@$(PYTHON) scripts/bench_report.py $(bench_args) --accept

bench-measure: $(IMAGE) $(bench_bins) $(LINUX_INITRAMFS_MARK) $(LINUX_PACK_MARK) | $(need_qemu) $(need_linux)
	@$(PYTHON) scripts/bench.py $(bench_args)
	@$(PYTHON) scripts/bench_profile.py $(bench_args)
	@$(PYTHON) scripts/bench_boot.py $(bench_args) --linux=$(LINUX_IMAGE) --initrd=$(LINUX_INITRAMFS_MARK)
	@$(PYTHON) scripts/bench_boot_profile.py $(bench_args) --linux=$(LINUX_IMAGE) --initrd=$(LINUX_INITRAMFS_MARK)
	@$(PYTHON) scripts/bench_secondary.py $(bench_args) --linux=$(LINUX_IMAGE) --initrd=$(LINUX_INITRAMFS_MARK) \
		--pack=$(LINUX_PACK_MARK)
