# How the hypervisor's image is built: one object per source, then link-time optimisation over all of ours.
# Which files: hyp_srcs, arch_srcs, platform_srcs, arch_ldscript and arch_cflags, from the rooms' own .mk.

CC      := clang-19
LD      := ld.lld-19
OBJCOPY := llvm-objcopy-19

# scripts/setup/newlib builds the C library with the same ones.
target_flags_arm64 := --target=aarch64-none-elf -march=armv8-a -mno-outline-atomics -mgeneral-regs-only \
	-mstrict-align -mbranch-protection=bti

hyp_target_flags := $(target_flags_$(ARCH)) $(arch_cflags) -std=gnu11 -O2 -g -ffreestanding -nostdlibinc \
	-isystem $(NEWLIB_HYP)/include -fno-pic -fstack-protector-strong -ftrivial-auto-var-init=zero -fno-common \
	-ffunction-sections -fdata-sections -fmacro-prefix-map=$(CURDIR)/= -fdebug-prefix-map=$(CURDIR)=.
hyp_warnings := -Wall -Wextra -Werror -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wswitch-enum \
	-Wthread-safety -Wundef
hyp_includes := -Iinclude -Ihyp -Iarch/$(ARCH) -Iarch/$(ARCH)/include -isystem $(LIBFDT_SRC)

# What a guest's calls and exits run is fast, everything else is small. The rooms say which: hot_srcs.
optimise = $(if $(filter $(hot_srcs),$1),-O2,-Oz)

image_srcs  := $(hyp_srcs) $(arch_srcs) $(platform_srcs)
libfdt_objs := $(addsuffix .o,fdt fdt_addresses fdt_check fdt_empty_tree fdt_ro fdt_rw fdt_strerror fdt_sw fdt_wip)
need_image  := $(need_newlib_hyp) $(need_libfdt)

# A changed flag or file list rebuilds the image.
image_config := Makefile $(wildcard scripts/build/*.mk hyp/hyp.mk arch/$(ARCH)/arch.mk platform/$(PLATFORM)/platform.mk)

# $(call image_link,SCRIPT AND OBJECTS)
image_link = $(LD) --gc-sections --lto-O2 -z max-page-size=4096 --fatal-warnings $(arch_ldflags) \
	-T $(filter %.lds,$1) $(filter %.o,$1) $(NEWLIB_HYP)/lib/libc.a

# $(call link_rules,FOLDER): FOLDER/portcullis.elf and .bin of what $(FOLDER_link) names, with $(FOLDER_ldflags).
# Linked twice: the second time with a table of the symbols of the first, for backtraces. It lies behind all code, and
# the last step makes sure that it moved nothing.
define link_rules
$1/obj/first.elf: $$($1_link)
	$$(call cmd,LD,$$@,$$(call image_link,$$^) $$($1_ldflags) -o $$@)

$1/obj/symbols.S: $1/obj/first.elf $$(arch_symbols_py)
	$$(call cmd,SYM,$$@,$$(arch_symbols_py) $$< $$@)

$1/portcullis.elf: $$($1_link) $1/obj/symbols.o
	$$(call cmd,LD,$$@,$$(call image_link,$$^) $$($1_ldflags) -Map=$1/portcullis.map -o $$@ && \
		$$(arch_symbols_py) $$@ $1/obj/symbols.again && cmp $1/obj/symbols.S $1/obj/symbols.again)

$1/obj/symbols.o: $1/obj/symbols.S
	$$(call cmd,AS,$$<,$$(CC) $$(hyp_target_flags) -c -o $$@ $$<)

$1/portcullis.bin: $1/portcullis.elf
	$$(call cmd,BIN,$$@,$$(OBJCOPY) -O binary $$< $$@)
endef

# $(call image_rules,FOLDER,FLAGS): FOLDER/portcullis.elf and .bin.
define image_rules
$1_objs := $$(patsubst %,$1/obj/%.o,$$(basename $$(image_srcs)))

$1/obj/%.o: %.c $$(image_config) | $$(need_image)
	$$(call cmd,CC,$$<,$$(CC) $$(hyp_target_flags) $$(call optimise,$$<) -flto $$(hyp_warnings) $$(hyp_includes) $2 -MMD -MP -c -o $$@ $$<)

$1/obj/%.o: %.S $$(image_config) | $$(need_image)
	$$(call cmd,AS,$$<,$$(CC) $$(hyp_target_flags) $$(hyp_includes) $2 -MMD -MP -c -o $$@ $$<)

# Not ours, so without our warnings; not in the link-time optimisation, so that it stays as its authors test it.
$1/obj/libfdt/%.o: $$(image_config) | $$(need_image)
	$$(call cmd,CC,libfdt/$$*.c,$$(CC) $$(hyp_target_flags) -Oz -w -I$$(LIBFDT_SRC) -c -o $$@ $$(LIBFDT_SRC)/$$*.c)

$1/obj/image.lds: $$(arch_ldscript) $$(image_config) | $$(need_image)
	$$(call cmd,LDS,$$<,$$(CC) $$(target_flags_$$(ARCH)) -E -P -x assembler-with-cpp $$(hyp_includes) $2 -MMD -MP -MT $$@ -o $$@ $$<)

$1_link := $1/obj/image.lds $$($1_objs) $$(addprefix $1/obj/libfdt/,$$(libfdt_objs))

$$(eval $$(call link_rules,$1))
-include $$(wildcard $$($1_objs:.o=.d) $1/obj/image.d)
endef

# The image as it is meant to run, and the same with the faults that some tests ask it to make.
$(eval $(call image_rules,build/$(PLATFORM),))
$(eval $(call image_rules,build/$(PLATFORM)-test,-DCONFIG_TEST=1))

VARIANT     ?=
OUT         := build/$(PLATFORM)$(addprefix -,$(VARIANT))
IMAGE       := $(OUT)/portcullis.bin
IMAGE_ELF   := $(OUT)/portcullis.elf
TEST_IMAGE  := build/$(PLATFORM)-test/portcullis.bin
