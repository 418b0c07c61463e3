# What is fetched or built once, each behind a stamp of its own, so that a target sets up only what it uses.
# A rule names its need as an order-only prerequisite:   $(out): $(src) | $(need_newlib_guest)
# A stamp's name holds the checksum of the script that makes it: a changed script runs again, a new checkout
# of the same script does not.

stamp = build/tools/stamp/$1-$(firstword $(shell cat scripts/setup/common.sh $(addprefix scripts/setup/,$2) | cksum))

need_host         := $(call stamp,host,host)
need_debugger     := $(call stamp,debugger,host)
need_qemu         := $(call stamp,qemu,qemu apt.sh)
need_libfdt       := $(call stamp,libfdt,libfdt apt.sh)
need_newlib_src   := $(call stamp,newlib-source,newlib-source apt.sh)
need_newlib_hyp   := $(call stamp,newlib-arm64-hyp,newlib newlib-source)
need_newlib_guest := $(call stamp,newlib-arm64-guest,newlib newlib-source)
need_linux        := $(call stamp,linux,linux apt.sh)
need_cbmc         := $(call stamp,cbmc,cbmc apt.sh)

# Where the things are once the need is met.
QEMU_BIN     := build/tools/bin
CBMC         := build/tools/bin/cbmc
NEWLIB_HYP   := build/newlib/arm64-hyp
NEWLIB_GUEST := build/newlib/arm64-guest
LIBFDT_SRC   := build/libfdt/src

LINUX_IMAGE     := build/linux/Image
LINUX_MODULES   := build/linux/modules
LINUX_KDIR      := build/linux/kdir
# $(LINUX_KMOD_MAKE) M=<absolute folder> modules
LINUX_KMOD_MAKE := build/linux/bin/kmod-make
BUSYBOX_ARM64   := build/linux/busybox

# Two makes at once in one checkout share the work: the second waits, then finds the stamp.
set_up = @mkdir -p $(@D) && flock $@.lock sh -c 'test -e $@ || { $1 && : >$@; }'

# A stamp left from a machine that had the compiler does not count on one that has not.
$(if $(shell command -v clang-19),,$(shell rm -f $(need_host)))

# Each step that fetches waits for the one before, so that a missing network is reported once. Nothing waits for
# a thing it does not use: whatever runs QEMU has an image to run, and whatever runs Linux has a QEMU.
$(need_host):
	$(call set_up,scripts/setup/host)
$(need_debugger): | $(need_host)
	$(call set_up,scripts/setup/host debug)
$(need_libfdt): | $(need_host)
	$(call set_up,scripts/setup/libfdt)
$(need_newlib_src): | $(need_libfdt)
	$(call set_up,scripts/setup/newlib-source)
$(need_qemu): | $(need_newlib_src)
	$(call set_up,scripts/setup/qemu)
$(need_linux): | $(need_qemu)
	$(call set_up,scripts/setup/linux)
$(need_cbmc): | $(need_host)
	$(call set_up,scripts/setup/cbmc)
$(need_newlib_hyp): | $(need_newlib_src)
	$(call set_up,scripts/setup/newlib arm64-hyp)
$(need_newlib_guest): | $(need_newlib_src)
	$(call set_up,scripts/setup/newlib arm64-guest)
