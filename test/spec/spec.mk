# The executable specification: spec.h says what a program that links it has to give. SPEC=0 leaves it out of `make unit`
# and `make bench`, and with it nothing but these options of the linker: no other object differs. Fuzz targets choose by its
# state and take no flag; nor do images, of which image.mk links one with it, and the test image is the one without.

SPEC ?= 1
# What is linked with spec_wrap depends on this file: it has the flag, and is written only when the flag is another.
spec_flag := build/host/spec-flag

spec_srcs := $(wildcard test/spec/*.c)
# The up-calls of include/hyp/upcall.h (`make check` compares); the down-call that other calls happen inside of, and those
# that say what a call reads of its guest, and which interrupt the primary gets.
spec_wrapped := hyp_hypercall hyp_vcpu_hypercall hyp_mem_access hyp_vcpu_mem_access hyp_irq hyp_exit_work hyp_vcpu_check \
	hyp_irq_storm hyp_vcpu_wake arch_vcpu_run guest_read arch_raise_event_irq
spec_wrap_on := $(foreach name,$(spec_wrapped),-Wl,--wrap=$(name))
# Without it the wrappers, which nobody calls then, are linked all the same where a program has the model.
spec_wrap := $(if $(filter 1,$(SPEC)),$(spec_wrap_on),$(foreach name,$(spec_wrapped),-Wl,--defsym=__real_$(name)=$(name)))
