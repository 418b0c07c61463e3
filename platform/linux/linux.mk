# Linux as a guest: the driver, its self test, the test of donation, the initramfs that tests them, and the runs.
#
# Needed by others: $(LINUX_INITRAMFS_MARK), an initramfs whose /init says "[t] mark init" as its first action and
# switches off as its second; $(LINUX_PACK) and $(LINUX_PACK_MARK), the kernel with either initramfs for a secondary VM.

linux_out := build/linux-guest
LINUX_INITRAMFS      := $(linux_out)/initramfs.cpio
LINUX_INITRAMFS_MARK := $(linux_out)/initramfs-mark.cpio
LINUX_PACK           := $(linux_out)/secondary.pack
LINUX_PACK_MARK      := $(linux_out)/secondary-mark.pack
LINUX_ARGS           ?=
SECONDARY            ?=

linux_driver_srcs   := platform/linux/Kbuild $(wildcard platform/linux/*.[ch] include/abi/*.h)
linux_selftest_srcs := test/linux/selftest/Kbuild $(wildcard test/linux/selftest/*.[ch])
linux_donate_srcs   := test/linux/donate/Kbuild $(wildcard test/linux/donate/*.[ch])
linux_modules       := nvme_auth nvme_core nvme failover net_failover virtio_net
linux_programs      := iocheck donatecheck initmark
linux_program_flags := --target=aarch64-linux-gnu -march=armv8-a -std=gnu11 -O2 -ffreestanding -nostdlib -static \
	-fno-stack-protector -fuse-ld=lld -Wall -Wextra -Werror -Wconversion -Wshadow -Wvla -Wundef

# kbuild writes beside the sources, so it gets a copy of them. $(call linux_kmod,MODULE,SOURCE FOLDER,COPY)
linux_kmod = cp $(filter-out include/% %.mk,$(filter $2/%,$^)) $3 && \
	MAKEFLAGS= $(LINUX_KMOD_MAKE) -s M=$(CURDIR)/$3 PORTCULLIS_INCLUDE=$(CURDIR)/include W=1 KCFLAGS=-Werror modules && \
	llvm-strip-19 --strip-debug -o $@ $3/$1.ko

$(linux_out)/portcullis.ko: $(linux_driver_srcs) platform/linux/linux.mk | $(need_linux)
	$(call cmd,KMOD,$@,rm -rf $(linux_out)/driver && mkdir $(linux_out)/driver && \
		$(call linux_kmod,portcullis,platform/linux,$(linux_out)/driver))

$(linux_out)/portcullis_selftest.ko: $(linux_driver_srcs) $(linux_selftest_srcs) platform/linux/linux.mk | $(need_linux)
	$(call cmd,KMOD,$@,rm -rf $(linux_out)/selftest && mkdir -p $(linux_out)/selftest/test && \
		cp platform/linux/*.[ch] $(linux_out)/selftest && \
		$(call linux_kmod,portcullis_selftest,test/linux/selftest,$(linux_out)/selftest/test))

$(linux_out)/portcullis_donate.ko: $(linux_driver_srcs) $(linux_donate_srcs) platform/linux/linux.mk | $(need_linux)
	$(call cmd,KMOD,$@,rm -rf $(linux_out)/donate && mkdir -p $(linux_out)/donate/test && \
		cp platform/linux/*.[ch] $(linux_out)/donate && \
		$(call linux_kmod,portcullis_donate,test/linux/donate,$(linux_out)/donate/test))

$(addprefix $(linux_out)/,$(linux_programs)): $(linux_out)/%: test/linux/%.c test/linux/syscall.h platform/linux/linux.mk | $(need_host)
	$(call cmd,CC,$<,clang-19 $(linux_program_flags) -o $@ $<)

linux_own_programs := iocheck donatecheck
linux_own_modules  := portcullis portcullis_selftest portcullis_donate
$(LINUX_INITRAMFS): test/linux/init $(addprefix $(linux_out)/,$(linux_own_programs) $(addsuffix .ko,$(linux_own_modules))) \
		scripts/linux/initramfs.py | $(need_linux)
	$(call cmd,CPIO,$@,$(PYTHON) scripts/linux/initramfs.py --output $@ init=$< bin/busybox=$(BUSYBOX_ARM64) \
		$(foreach p,$(linux_own_programs),bin/$p=$(linux_out)/$p) \
		$(foreach m,$(linux_own_modules),lib/$m.ko=$(linux_out)/$m.ko) \
		$(foreach m,$(linux_modules),lib/$m.ko=$(LINUX_MODULES)/$m.ko))

$(LINUX_INITRAMFS_MARK): $(linux_out)/initmark scripts/linux/initramfs.py
	$(call cmd,CPIO,$@,$(PYTHON) scripts/linux/initramfs.py --output $@ init=$<)

$(LINUX_PACK): $(LINUX_INITRAMFS)
$(LINUX_PACK_MARK): $(LINUX_INITRAMFS_MARK)
$(LINUX_PACK) $(LINUX_PACK_MARK): scripts/linux/pack.py | $(need_linux)
	$(call cmd,PACK,$@,$(PYTHON) scripts/linux/pack.py --output $@ --linux $(LINUX_IMAGE) --initrd $(filter %.cpio,$^))

run_linux = $(PYTHON) scripts/linux/run_linux.py --linux=$(LINUX_IMAGE) --initrd=$(LINUX_INITRAMFS) \
	--work=$(linux_out)/run $(if $(T),--case='$(T)') $(LINUX_ARGS)

ifeq ($(ARCH),arm64)
room_targets += run-linux
.PHONY: run-linux run-linux-bare
run-linux: $(IMAGE) $(LINUX_INITRAMFS) $(if $(SECONDARY),$(LINUX_PACK) build/guest/vmm-linux.bin) | $(need_qemu) $(need_linux) ## a stock Linux as primary, without and with our driver; SECONDARY=1: as secondary VM [T=pattern LINUX_ARGS=options]
	@$(run_linux) --image=$(IMAGE) $(if $(SECONDARY),--secondary=$(LINUX_PACK))

run-linux-bare: $(LINUX_INITRAMFS) | $(need_qemu) $(need_linux) ## the same Linux without the hypervisor: the driver's self test
	@$(run_linux) --bare
endif
