# Fuzzing: test/fuzz/target/<target>.c each, by libFuzzer under ASan and UBSan, over the core, the drivers and the models of the
# unit tests. README.md of test/ says what each target plays.
#
#   make fuzz SECONDS=n            each target for n seconds (60), one after the other; T=target: that one
#   make fuzz T=target CRASH=file  a finding again
#   make fuzz-tsan CRASH=file      one of `race` under TSan; make fuzz-volume T=target CRASH=file: a long one at full speed
#   make fuzz-volume SECONDS=n     hcall and pviommu without sanitizers, on inputs of thousands of records
#   make fuzz-guest SECONDS=n      hcall's records played by guests in QEMU on 1, 2 and 4 CPUs
#   make fuzz-corpus               keeps the least inputs that reach all that build/fuzz/corpus does, in test/fuzz/corpus

fuzz_dir := build/fuzz
fuzz_targets := $(patsubst test/fuzz/target/%.c,%,$(wildcard test/fuzz/target/*.c))
fuzz_programs := $(addprefix $(fuzz_dir)/bin/,$(fuzz_targets))

# What a target is made of beside the core and the models: the bench, or a room's own hardware.
fuzz_with_hcall := $(bench_srcs) test/unit/vm/random_vms.c test/fuzz/bench/hardware.c
fuzz_with_pviommu := $(bench_srcs) test/unit/pviommu/random_calls.c
fuzz_with_race := $(bench_srcs) test/fuzz/bench/hardware.c test/fuzz/bench/own_stage.c
fuzz_with_fdt := test/unit/platform/tree.c test/unit/platform/tree_check.c
fuzz_with_pci := test/unit/pci/tree.c test/unit/pci/tree_layout.c
fuzz_with_events := test/unit/smmuv3/tiny.c
fuzz_with_vgic := test/unit/vgic/vgic_guest.c test/unit/vgic/vgic_play.c

fuzz_lib_srcs := $(wildcard test/fuzz/lib/*.c)
# Coverage guides the fuzzer through what is under test, not through the models; comparisons do only where texts are
# looked for, since the oracle calls the core's look-ups for every page. Allocations of what is kept between inputs are
# the fuzzer's.
fuzz_tested := $(host_hyp_srcs) $(host_arch_srcs) $(host_board_srcs)
fuzz_kept := $(host_test_srcs) $(bench_srcs) test/unit/vgic/vgic_guest.c
fuzz_flags := $(filter-out -O1,$(host_flags)) -O2 -Itest/fuzz/lib -Itest/fuzz/bench -Itest/unit -Itest/unit/vm -Itest/unit/pviommu
fuzz_renamed := -Dmalloc=fuzz_malloc -Dcalloc=fuzz_calloc -Drealloc=fuzz_realloc -Dfree=fuzz_free -include test/fuzz/lib/renamed.h

fuzz_obj = $(patsubst %.c,$(fuzz_dir)/obj/%.o,$1)
$(call fuzz_obj,$(fuzz_tested)): fuzz_add := $(host_sanitize) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp
$(call fuzz_obj,$(host_board_srcs)): fuzz_add := $(host_sanitize) -fsanitize=fuzzer-no-link
$(call fuzz_obj,$(filter-out $(host_fast),$(fuzz_kept))): fuzz_add := $(host_sanitize) $(fuzz_renamed)
$(call fuzz_obj,$(host_fast)): fuzz_add := -fsanitize=undefined -fno-sanitize-recover=all $(fuzz_renamed)
$(call fuzz_obj,test/fuzz/lib/memory.c): fuzz_add := -fno-builtin
fuzz_add := $(host_sanitize)

$(fuzz_dir)/obj/%.o: %.c test/fuzz/fuzz.mk | $(need_host) $(need_libfdt)
	$(call cmd,FUZZ,$<,$(HOST_CC) $(fuzz_flags) $(fuzz_add) $(host_includes) -c -o $@ $<)

$(fuzz_dir)/obj/libfdt/%.o: | $(need_host) $(need_libfdt)
	$(call cmd,FUZZ,libfdt/$*.c,$(HOST_CC) -std=gnu11 -O2 -g $(host_sanitize) -fsanitize=fuzzer-no-link -w -I$(LIBFDT_SRC) -c -o $@ $(LIBFDT_SRC)/$*.c)

$(fuzz_dir)/libhyp.a: $(call fuzz_obj,$(host_lib_srcs)) $(addprefix $(fuzz_dir)/obj/libfdt/,$(libfdt_objs))
	$(call cmd,AR,$@,rm -f $@ && $(HOST_AR) rcs $@ $^)

define fuzz_rule
$(fuzz_dir)/bin/$1: $(call fuzz_obj,test/fuzz/target/$1.c $(fuzz_with_$1) $(fuzz_lib_srcs)) $(fuzz_dir)/libhyp.a test/fuzz/fuzz.lds
	$$(call cmd,LINK,$$@,$$(HOST_CC) $$(host_sanitize) -fsanitize=fuzzer -fuse-ld=lld $(if $(filter $(bench_srcs),$(fuzz_with_$1)),$$(spec_wrap_on)) -Wl$$(comma)-T$$(comma)test/fuzz/fuzz.lds -o $$@ $$(filter %.o,$$^) $(fuzz_dir)/libhyp.a -lcmocka)
endef
$(foreach target,$(fuzz_targets),$(eval $(call fuzz_rule,$(target))))

-include $(shell find $(fuzz_dir)/obj -name '*.d' 2>/dev/null)

# The same without ASan and UBSan: `race` under TSan, which sees the core and the drivers (what orders the two CPUs'
# turns, the models and the oracle are not for its eyes), and what plays calls once more for volume.
# $(call fuzz_plain,FOLDER,FLAGS OF ALL,FLAGS OF WHAT IS TESTED,TARGETS)
fuzz_plain_obj = $(patsubst %.c,$1/obj/%.o,$2)
define fuzz_plain
$(call fuzz_plain_obj,$1,$(fuzz_tested)): fuzz_add := $2 $3
$(call fuzz_plain_obj,$1,$(fuzz_kept)): fuzz_add := $2 $(fuzz_renamed)
$(call fuzz_plain_obj,$1,test/fuzz/lib/memory.c): fuzz_add := $2 -fno-builtin
$(call fuzz_plain_obj,$1,$(filter-out test/fuzz/lib/memory.c,$(fuzz_lib_srcs)) $(foreach t,$4,test/fuzz/target/$t.c $(filter-out $(fuzz_kept),$(fuzz_with_$t)))): fuzz_add := $2

$1/obj/%.o: %.c test/fuzz/fuzz.mk | $$(need_host) $$(need_libfdt)
	$$(call cmd,FUZZ,$$<,$$(HOST_CC) $$(fuzz_flags) $$(fuzz_add) $$(host_includes) -c -o $$@ $$<)

$1/obj/libfdt/%.o: | $$(need_host) $$(need_libfdt)
	$$(call cmd,FUZZ,libfdt/$$*.c,$$(HOST_CC) -std=gnu11 -O2 -g -w -I$$(LIBFDT_SRC) -c -o $$@ $$(LIBFDT_SRC)/$$*.c)

$1/libhyp.a: $(call fuzz_plain_obj,$1,$(host_lib_srcs)) $(addprefix $1/obj/libfdt/,$(libfdt_objs))
	$$(call cmd,AR,$$@,rm -f $$@ && $$(HOST_AR) rcs $$@ $$^)

$(foreach t,$4,$(eval $(call fuzz_plain_rule,$1,$3,$t)))
-include $$(shell find $1/obj -name '*.d' 2>/dev/null)
endef

# $(call fuzz_plain_rule,FOLDER,FLAGS,TARGET); spec_wrap_on: what attaches a specification to the up-calls, if there is one.
define fuzz_plain_rule
$1/bin/$3: $(call fuzz_plain_obj,$1,test/fuzz/target/$3.c $(fuzz_with_$3) $(fuzz_lib_srcs)) $1/libhyp.a test/fuzz/fuzz.lds
	$$(call cmd,LINK,$$@,$$(HOST_CC) -fsanitize=fuzzer $$(filter -fsanitize=thread,$2) -fuse-ld=lld $$(spec_wrap_on) -Wl$$(comma)-T$$(comma)test/fuzz/fuzz.lds -o $$@ $$(filter %.o,$$^) $1/libhyp.a -lcmocka)
endef

tsan_dir := build/fuzz-tsan
fuzz_guided := -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp
$(eval $(call fuzz_plain,$(tsan_dir),-DFUZZ_TSAN,-fsanitize=thread $(fuzz_guided),race))
volume_dir := build/fuzz-volume
volume_targets := hcall pviommu
# Built where it runs: half as many calls again for this processor's own instructions.
$(eval $(call fuzz_plain,$(volume_dir),-O3 -march=native,$(fuzz_guided),$(volume_targets)))

.PHONY: fuzz-tsan
fuzz-tsan: $(tsan_dir)/bin/race ## two CPUs by turns under TSan [SECONDS=n, CRASH=file]
	@$(PYTHON) test/fuzz/run.py --tsan $(call option,seconds,$(SECONDS)) $(call option,crash,$(CRASH)) race

volume_wanted := $(if $(T),$(filter $(T),$(volume_targets)),$(volume_targets))
.PHONY: fuzz-volume
fuzz-volume: $(addprefix $(volume_dir)/bin/,$(volume_wanted)) ## checked calls by the million: long inputs, no sanitizers [SECONDS=n of each, T=target, CRASH=file]
	@$(PYTHON) test/fuzz/run.py --volume $(call option,seconds,$(SECONDS)) $(call option,crash,$(CRASH)) $(volume_wanted)

.PHONY: fuzz-guest
fuzz-guest: $(IMAGE) build/guest/fuzz.bin | $(need_qemu) ## the same records played by guests on 1, 2 and 4 CPUs [SECONDS=n of each, CPUS=n, SEED=n, ROUNDS=n]
	@$(PYTHON) scripts/fuzz_guest.py --platform=$(PLATFORM) --image=$(IMAGE) $(call option,seconds,$(SECONDS)) \
		$(call option,cpus,$(CPUS)) $(call option,seed,$(SEED)) $(call option,rounds,$(ROUNDS))

fuzz_wanted := $(if $(filter fuzz,$(MAKECMDGOALS)),$(if $(T),$(filter $(T),$(fuzz_targets)),$(fuzz_targets)))

room_targets += fuzz
test_deps += $(fuzz_programs)
.PHONY: fuzz-corpus
fuzz: $(addprefix $(fuzz_dir)/bin/,$(fuzz_wanted)) ## look for inputs that break something [SECONDS=n of each, T=target, CRASH=file]
	@$(PYTHON) test/fuzz/run.py $(call option,seconds,$(SECONDS)) $(call option,crash,$(CRASH)) $(fuzz_wanted)

fuzz-corpus: $(fuzz_programs)
	@$(PYTHON) test/fuzz/run.py --keep $(fuzz_targets)
