# The host build: the core, the drivers and the board's discovery as one program for this machine, under ASan and
# UBSan, with test/fake below them and test/model as hardware. Each test/unit/<room>/<name>_test.c is one program,
# linked with the other .c files of its room: build/host/unit/<room>/<name>_test.
#
#   make unit                all of them, a line per case       make unit T=pattern      some programs
#   make cover               coverage of hyp/ and the drivers, in build/host-cover/report

include test/spec/spec.mk

HOST_CC := clang-19
HOST_AR := llvm-ar-19

host_flags := -std=gnu11 -D_GNU_SOURCE -DCONFIG_TEST=1 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Werror -Wvla \
	-Wno-unused-command-line-argument -MMD -MP
host_sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
host_includes := -Iinclude -Ihyp -Itest/fake/include -Itest/fake -Itest/model -Itest/play -Itest/spec -Itest/unit/lib \
	-Itest/unit/lib/bench -Iarch/arm64 -Iarch/arm64/include -I. \
	-isystem $(LIBFDT_SRC)

# Left out: what stands in for an operating system below newlib, since the host has a C library.
host_hyp_srcs := $(filter-out hyp/lib/libc_%.c,$(or $(hyp_srcs),$(wildcard hyp/*.c hyp/*/*.c)))
# What is C without assembly: the IOMMU driver, the table formats, what decides about traps, the interrupt controller of
# VMs; the board's discovery.
host_arch_srcs := $(addprefix arch/arm64/,abort.c gic_filter.c psci_rules.c pt_lpae_s1.c pt_lpae_s2.c vgic.c vgic_lr.c \
	vgic_mmio.c) $(wildcard arch/arm64/smmuv3/*.c)
host_board_srcs := $(or $(platform_host_srcs),test/fake/platform_absent.c)
host_test_srcs := $(filter-out %_test.c test/fake/platform_absent.c,$(wildcard test/fake/*.c test/model/*.c test/unit/lib/*.c test/play/*.c)) $(spec_srcs)
host_lib_srcs := $(host_hyp_srcs) $(host_arch_srcs) $(host_board_srcs) $(host_test_srcs)

# Rooms that run the whole core on the SMMU model get the bench: a boot without a board, and PCI functions to order in
# place of hyp/pci.
bench_rooms := boot debug hcall iommu mem pviommu vm
bench_srcs := $(wildcard test/unit/lib/bench/*.c)

unit_mains := $(wildcard test/unit/*/*_test.c)
unit_name = $(patsubst test/unit/%.c,unit/%,$1)

# The models and the oracle look at whole tables after every call: optimised, and without ASan, which is for the code
# under test. Suites about the models themselves run them with UBSan all the same.
host_fast := $(filter test/model/% test/fake/% test/spec/%,$(host_test_srcs))
$(foreach folder,host host-cover host-msan,$(patsubst %.c,build/$(folder)/obj/%.o,$(host_fast))): \
	host_sanitize := -O2 -fsanitize=undefined -fno-sanitize-recover=all

# $(call host_rules,FOLDER,FLAGS)
define host_rules
$1/obj/%.o: %.c test/unit/unit.mk | $$(need_host) $$(need_libfdt)
	$$(call cmd,HOST,$$<,$$(HOST_CC) $$(host_flags) $$(host_sanitize) $2 $$(host_includes) -c -o $$@ $$<)

$1/obj/libfdt/%.o: | $$(need_host) $$(need_libfdt)
	$$(call cmd,HOST,libfdt/$$*.c,$$(HOST_CC) -std=gnu11 -O1 -g $$(host_sanitize) $2 -w -I$$(LIBFDT_SRC) -c -o $$@ $$(LIBFDT_SRC)/$$*.c)

$1/libhyp.a: $$(patsubst %.c,$1/obj/%.o,$$(host_lib_srcs)) $$(addprefix $1/obj/libfdt/,$$(libfdt_objs))
	$$(call cmd,AR,$$@,rm -f $$@ && $$(HOST_AR) rcs $$@ $$^)

$$(foreach main,$$(unit_mains),$$(eval $$(call unit_rule,$$(main),$1,$2)))

-include $$(shell find $1/obj -name '*.d' 2>/dev/null)
endef

# $(call unit_rule,MAIN,FOLDER,FLAGS)
unit_room = $(patsubst test/unit/%/,%,$(dir $1))
unit_srcs = $1 $(if $(filter lib,$(unit_room)),,$(filter-out %_test.c,$(wildcard $(dir $1)*.c))) \
	$(if $(filter $(bench_rooms),$(unit_room)),$(bench_srcs))
# Where the core is whole, so that there is something for the specification to wrap.
unit_wrap = $(if $(filter $(bench_rooms),$(unit_room)),$$(spec_wrap))
define unit_rule
$2/$(call unit_name,$1): $(patsubst %.c,$2/obj/%.o,$(unit_srcs)) $2/libhyp.a $(if $(call unit_wrap,$1),$(spec_flag))
	$$(call cmd,LINK,$$@,$$(HOST_CC) $$(host_sanitize) $3 -fuse-ld=lld -Wl$$(comma)--gc-sections $(call unit_wrap,$1) -o $$@ $$(filter %.o,$$^) $2/libhyp.a -lcmocka)
endef
comma := ,

# Looked at in each run of make, so that another flag links again and the same one does not.
.PHONY: spec-flag-is
spec-flag-is:
$(spec_flag): spec-flag-is
	@mkdir -p $(@D) && { echo '$(SPEC)' | cmp -s - $@ || echo '$(SPEC)' >$@; }

# Suites about the specification have nothing to say without it, and those at random choose by its state.
unit_about_spec := %/spec_test %/spec_notices_test %/pviommu/random_test %/vm_random_test
unit_programs := $(filter-out $(if $(filter 1,$(SPEC)),,$(unit_about_spec)),$(foreach main,$(unit_mains),build/host/$(call unit_name,$(main))))
cover_flags := -fprofile-instr-generate -fcoverage-mapping
$(eval $(call host_rules,build/host,))
$(eval $(call host_rules,build/host-cover,$(cover_flags)))
# MSan sees the whole program: the models too.
msan_flags := -fno-sanitize=address -fsanitize=memory -fsanitize-memory-track-origins
$(if $(filter unit-msan,$(MAKECMDGOALS)),$(eval $(call host_rules,build/host-msan,$(msan_flags))))

test_deps += $(unit_programs)
room_targets += cover

# Programs that T names: by room, by name with or without _test.
unit_wanted := $(if $(T),$(foreach p,$(T),$(filter %/$(p) %/$(p)_test build/host/unit/$(p)/%,$(unit_programs))),$(unit_programs))

.PHONY: unit unit-msan check-unit
unit: $(unit_wanted) ## the host tests, a line per case [T=room or program, CASE=word in a name]
	@test/unit/run $(unit_wanted)

unit-msan: $(unit_wanted:build/host/%=build/host-msan/%) ## the same under MSan: nothing is read that nobody wrote [T, CASE]
	@test/unit/run $^

check_targets += check-unit
check-unit: $(unit_programs)
	@test/unit/run --quiet $(unit_programs)

cover: $(unit_programs:build/host/%=build/host-cover/%) ## line and branch coverage of the host tests; what is not covered, and why
	@$(PYTHON) scripts/check/cover.py build/host-cover test/unit/uncovered.txt test/unit/untaken.txt $^
