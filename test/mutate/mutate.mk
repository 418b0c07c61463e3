# Mutation testing: single faults, each in a copy of the tree, that the host tests or a case in QEMU must notice.
# mutate.py says how; the faults are in *.mut.
#
#   make mutate                 all that changed since the last run        make mutate M=xsa      names with a word in them
#   make mutate FIRST=1         the named suites only                      make mutate QEMU=1     also those that only QEMU shows
#   make mutate REST=vm/        after the named ones, only suites that match
#   make mutate FRESH=1         judges all anew                            make mutate ALL=1      equivalent ones by all suites
#   make mutate QEMU=only       what is asked in QEMU, and nothing on the host
#   make mutate SURVEY=1        asks QEMU about the faults of which no list says whether it shows them (survey.py)
#   make mutate TRACE=1         those that the judge of QEMU's trace must see (trace.mut), some 10 minutes

mutate_files := $(wildcard test/mutate/*.mut)
mutate_plan := build/mutate/plan
# As in test/unit/unit.mk.
mutate_programs := $(patsubst test/unit/%.c,%,$(wildcard test/unit/*/*_test.c))

# The same programs without ASan and debug information: most faults need neither, and they are five times as fast.
mutate_plain := -fno-sanitize=address -O2 -g0
$(if $(filter mutate,$(MAKECMDGOALS)),$(eval $(call host_rules,build/mutate/host,$(mutate_plain))))

# What mutate.py has to know of the host builds: folders, commands, and the objects of each program.
define mutate_lines
cc $(HOST_CC)
ar $(HOST_AR)
plain build/mutate/host
plain_flags $(host_flags) $(host_sanitize) $(mutate_plain) $(host_includes) -w
plain_fast $(host_flags) $(host_sanitize) $(mutate_plain) $(host_includes) -w
plain_link $(host_sanitize) $(mutate_plain)
full build/host
full_flags $(host_flags) $(host_sanitize) $(host_includes) -w
full_fast $(host_flags) $(mutate_fast) $(host_includes) -w
full_link $(host_sanitize)
fast $(patsubst %.c,%.o,$(host_fast))
lib $(patsubst %.c,%.o,$(host_lib_srcs))
libs -fuse-ld=lld -Wl,--gc-sections -lcmocka
wrap $(spec_wrap_on)
wrapped $(foreach main,$(unit_mains),$(if $(filter $(bench_rooms),$(call unit_room,$(main))),$(patsubst unit/%_test,%,$(call unit_name,$(main)))))
$(foreach main,$(unit_mains),program $(patsubst unit/%_test,%,$(call unit_name,$(main))) $(patsubst %.c,%.o,$(call unit_srcs,$(main)))
)
endef
# As for host_fast in test/unit/unit.mk.
mutate_fast := -O2 -fsanitize=undefined -fno-sanitize-recover=all

room_targets += mutate
build/mutate:
	@mkdir -p $@

# Without the host's programs where only machines in QEMU are asked.
mutate_host := $(if $(TRACE)$(SURVEY)$(filter only,$(QEMU)),,$(mutate_programs:%=build/host/unit/%) $(mutate_programs:%=build/mutate/host/unit/%))

mutate: $(mutate_host) $(if $(QEMU)$(SURVEY),$(IMAGE) $(TEST_IMAGE) $(if $(SURVEY),build/$(PLATFORM)-spec/portcullis.bin) $(guest_bins)) | build/mutate ## plant single faults and see each noticed [M=word, J=jobs, FIRST=1, FRESH=1, QEMU=1, TRACE=1, SURVEY=1]
	$(file >$(mutate_plan),$(mutate_lines))
	@$(PYTHON) test/mutate/$(if $(SURVEY),survey,mutate).py --plan=$(mutate_plan) $(call option,match,$(M)) $(call option,jobs,$(J)) \
		$(if $(SURVEY),$(if $(filter write,$(SURVEY)),--write),$(call option,rest,$(REST)) $(if $(FIRST),--first) \
		$(if $(FRESH),--fresh) $(if $(ALL),--all) $(call option,qemu,$(QEMU)) $(if $(TRACE),--trace)) $(mutate_files)

# Each fault still applies to the text that it was written for: a moment, no compiler.
.PHONY: check-mutants
check_targets += check-mutants
check-mutants:
	$(call step,FAULT,$(words $(mutate_files)) lists of planted faults,$(PYTHON) test/mutate/mutate.py --check $(mutate_files))
