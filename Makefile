# Portcullis. `make help` lists the targets; `make run` and `make test` set up all they need by themselves.
#
# Rules only. Which files there are is said beside them: hyp/hyp.mk, arch/<cpu>/arch.mk, platform/<board>/platform.mk,
# test/*/*.mk, scripts/check/check.mk. How an image is built is in scripts/build/image.mk; what is fetched once, in
# scripts/build/setup.mk.
#
# A room adds to these from its own .mk:
#   check_targets   what `make check` makes; no QEMU
#   test_deps       what `make test` needs built before it starts scripts/test.py
#   run_deps        the same for `make run` and `make debug`
#   all_deps        what a plain `make` builds beside the image
#   room_targets    the targets among `later` below that the room defines itself

PLATFORM ?= qemu-virt
V        ?=
PYTHON   ?= python3

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
# All processors, unless the caller said otherwise or this make is part of another.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# $(call cmd,LABEL,SUBJECT,COMMAND): one line per step; the whole command with V=1.
cmd = $(if $(filter 1,$(V)),,@printf '  %-5s  %s\n' '$1' '$2' && )mkdir -p $(@D) && $3

# A word from the caller as one word of the shell.
quote = '$(subst ','\'',$1)'
option = $(if $2,--$1=$(call quote,$2))

# What needs no board works whatever PLATFORM says.
ifneq ($(filter all image run run-linux debug test bench,$(or $(MAKECMDGOALS),all)),)
ifeq ($(wildcard platform/$(PLATFORM)/platform.mk),)
$(error this tree has no board $(PLATFORM) yet; the boards it has: $(or $(notdir $(patsubst %/,%,$(dir $(wildcard platform/*/platform.mk)))),none))
endif
endif

-include platform/$(PLATFORM)/platform.mk
ARCH := $(platform_arch)
include scripts/build/setup.mk
-include hyp/hyp.mk arch/$(ARCH)/arch.mk
include scripts/build/image.mk
# The unit tests first: others build on what they build.
-include $(wildcard platform/linux/linux.mk test/unit/unit.mk) $(filter-out test/unit/unit.mk,$(wildcard test/*/*.mk))
-include scripts/check/check.mk

# --- build and run

.PHONY: all image run test check debug format help clean distclean
all: image $(all_deps) ## build everything for PLATFORM
image: $(IMAGE) ## build only the hypervisor (VARIANT=test: with the faults that tests plant)

# What a run is made of; scripts/run.py reads the board's own arguments from platform/<board>.
run_args = --platform=$(PLATFORM) --image=$(IMAGE) $(call option,primary,$(PRIMARY)) $(call option,initrd,$(INITRD)) \
	$(call option,cmdline,$(CMDLINE)) $(call option,qemu-args,$(QEMU_ARGS))

run: $(IMAGE) $(run_deps) | $(need_qemu) ## start it in QEMU [PRIMARY=image INITRD=file CMDLINE=words QEMU_ARGS=options]
	@$(PYTHON) scripts/run.py $(run_args)

debug: $(IMAGE) $(run_deps) | $(need_qemu) $(need_debugger) ## as run, but stopped at the first instruction with a gdb on it
	@$(PYTHON) scripts/run.py $(run_args) --debug

# --- prove

test: $(if $(TRACE),$(TRACE_IMAGES),$(IMAGE) $(TEST_IMAGE)) $(test_deps) | $(need_qemu) ## host programs, a minute of fuzzing, guests and Linux in QEMU [T=pattern; TRACE=1: those in QEMU, its trace judged]
	@$(PYTHON) scripts/test.py --platform=$(PLATFORM) $(call option,match,$(T)) $(if $(TRACE),--trace)

check: $(check_targets) ## what needs no QEMU: static checks, then the host programs
	$(if $(check_targets),@echo 'check: all passed',$(error this tree has no checks yet))

format: | $(need_host) ## let clang-format lay out every C file
	@git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format-19 -i

later := run-linux bench fuzz prove mutate cover
absent := $(filter-out $(room_targets),$(later))
.PHONY: $(later)
$(absent):
	$(error this tree has no target '$@' yet)

# --- this tree

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.* ## \(.*\)/\1\t\2/p' $(filter %Makefile %.mk,$(MAKEFILE_LIST)) | \
		awk -F '\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'
	@echo "  Variables: PLATFORM=$(PLATFORM)  V=1 shows whole commands"
	$(if $(absent),@echo "  Not in this tree yet: $(absent)")

clean: ## remove what was built, keep what was fetched
	@rm -rf $(filter-out $(addprefix build/,tools newlib libfdt linux),$(wildcard build/*))

distclean: ## remove everything under build/
	@rm -rf build
