# Mutation testing: single faults, each in a copy of the tree, that the host tests or a case in QEMU must notice.
# mutate.py says how; the faults are in *.mut.
#
#   make mutate                 all, some 20 minutes on two processors     make mutate M=xsa      names with a word in them
#   make mutate FIRST=1         the named suites only                      make mutate QEMU=1     also those that only QEMU shows
#   make mutate REST=vm/        after the named ones, only suites that match

mutate_files := $(wildcard test/mutate/*.mut)
mutate_plan := build/mutate/plan
# As in test/unit/unit.mk, which is read after this.
mutate_programs := $(patsubst test/unit/%.c,build/host/unit/%,$(wildcard test/unit/*/*_test.c))

# What mutate.py has to know of the host build: commands, and the objects of each program.
define mutate_lines
cc $(HOST_CC)
flags $(host_flags) $(host_sanitize) $(host_includes) -w
fast $(patsubst %.c,%.o,$(host_fast))
lib build/host/libhyp.a
link -fuse-ld=lld -Wl,--gc-sections -lcmocka
sanitize $(host_sanitize)
$(foreach main,$(unit_mains),program build/host/$(call unit_name,$(main)) $(patsubst %.c,%.o,$(call unit_srcs,$(main)))
)
endef

room_targets += mutate
build/mutate:
	@mkdir -p $@

mutate: $(mutate_programs) | build/mutate ## plant single faults and see each noticed [M=word, J=jobs, LIMIT=seconds, FIRST=1, QEMU=1]
	$(file >$(mutate_plan),$(mutate_lines))
	@$(PYTHON) test/mutate/mutate.py --plan=$(mutate_plan) $(call option,match,$(M)) $(call option,jobs,$(J)) \
		$(call option,limit,$(LIMIT)) $(call option,rest,$(REST)) $(if $(FIRST),--first) $(if $(QEMU),--qemu) $(mutate_files)

# Each fault still applies to the text that it was written for: a moment, no compiler.
.PHONY: check-mutants
check_targets += check-mutants
check-mutants:
	$(call step,FAULT,$(words $(mutate_files)) lists of planted faults,$(PYTHON) test/mutate/mutate.py --check $(mutate_files))
