# `make check`: what can be known without QEMU. One line a step when all is well; a finding is an error. The unit tests
# are test/unit/unit.mk's step.

check_srcs := $(filter %.c,$(image_srcs))
check_headers := $(sort $(shell find include hyp arch/$(ARCH) platform/$(PLATFORM) -name '*.h'))
check_tree := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null)
check_flags := $(filter-out -momit-leaf-frame-pointer,$(hyp_target_flags)) $(hyp_includes)
check_needs := $(need_host) $(need_newlib_hyp) $(need_libfdt)

# $(call step,NAME,SUBJECT,COMMAND): the command says nothing when there is nothing to say.
step = $(if $(filter 1,$(V)),,@){ $3; } && printf '  %-5s  %s\n' '$1' '$2'
comma := ,
# A list of words in, one word a line out, for xargs.
lines = printf '%s\n' $1

.PHONY: check-checklist check-longest check-layers check-upcalls check-headers check-format check-sparse check-tidy check-cppcheck check-locks check-size
check_targets += check-checklist check-longest check-layers check-upcalls check-headers check-format check-sparse check-tidy check-cppcheck check-locks check-size

check-layers:
	$(call step,DIRS,rooms and include directions,$(PYTHON) scripts/check/layers.py .)

# What enters the hypervisor is judged by the specification (test/spec).
check-upcalls:
	$(call step,WRAP,every up-call has a judge,$(PYTHON) scripts/check/upcalls.py include/hyp/upcall.h $(spec_wrapped))

# Which test shows which statement of test/CHECKLIST.md.
check-checklist:
	$(call step,LIST,statements and their tests,$(PYTHON) scripts/check/checklist.py)

# How long each call can take is known: of a new one too.
check-longest:
	$(call step,LONG,each call has a figure of its longest time,$(PYTHON) scripts/check/longest.py)

# Each header means something by itself.
check-headers: | $(check_needs)
	$(call step,ALONE,$(words $(check_headers)) headers, $(call lines,$(check_headers)) | \
		xargs -P4 -n8 sh -c 'for h do $(CC) $(check_flags) -Wno-unused -fsyntax-only -x c "$$h" || exit 255; done' x)

check-format: | $(need_host)
	$(call step,STYLE,$(words $(check_tree)) files,$(call lines,$(check_tree)) | \
		xargs -P4 -n32 clang-format-19 --dry-run -Werror)

# Address types and register memory. Without -Wsparse-error its exit status says nothing. Where clang has its own
# headers is asked when the step runs: on a fresh machine it is not there before that.
sparse_flags = --arch=arm64 -m64 -mlittle-endian -std=gnu11 -ffreestanding -nostdinc \
	-isystem $(shell clang-19 -print-resource-dir 2>/dev/null)/include -isystem $(NEWLIB_HYP)/include $(hyp_includes) \
	'-D__has_include_next(x)=0' '-D__has_feature(x)=0' '-D__building_module(x)=0' -D__FILE_NAME__=__FILE__ \
	-Wbitwise -Waddress-space -Wcast-from-as -Wcontext -Wdecl -Wshadow -Wnon-pointer-null -Wptr-subtraction-blows \
	-Wuninitialized -Wsparse-error
check-sparse: | $(check_needs)
	$(call step,SPARS,$(words $(check_srcs)) files,$(call lines,$(check_srcs)) | xargs -P4 -n1 sparse $(sparse_flags))

# The slow one: files that were clean are remembered by their content.
check-tidy: | $(check_needs)
	$(call step,TIDY,$(words $(check_srcs)) files,$(PYTHON) scripts/check/tidy.py build/check/tidy $(check_srcs) -- $(check_flags))

check-cppcheck: | $(check_needs)
	$(call step,CPPCK,hyp arch platform,mkdir -p build/check/cppcheck && cppcheck -j2 --quiet --std=c11 --platform=unix64 \
		--enable=warning$(comma)performance$(comma)portability --error-exitcode=1 --cppcheck-build-dir=build/check/cppcheck \
		--suppressions-list=scripts/check/cppcheck.txt $(filter -I%,$(hyp_includes)) -D__aarch64__ -DCONFIG_TEST=0 \
		'-D__attribute__(x)=' $(check_srcs))

# Lock classes and their order, by clang's thread-safety analysis.
check-locks: | $(check_needs)
	$(call step,LOCKS,$(words $(check_srcs)) files,$(call lines,$(check_srcs)) | \
		xargs -P4 -n16 $(CC) $(check_flags) -Wthread-safety -Wthread-safety-beta -Werror -fsyntax-only)

# Code of the image, newlib left out. What serves the primary alone was held below 131,072 bytes; secondary VMs with
# their interrupt controller, their world switch and the debug console take the most of the rest, first stages that guests
# own more; and that no call takes long, however large the machine, the last.
text_limit := 212992
check-size: $(IMAGE)
	$(call step,SIZE,text below $(text_limit) bytes,$(PYTHON) scripts/check/size.py $(OUT)/portcullis.map $(text_limit))
