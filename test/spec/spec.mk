# The executable specification: spec.h says what a program that links it has to give. SPEC=0 leaves it out, and with it
# nothing but these options of the linker: no other object differs.

SPEC ?= 1

spec_srcs := $(wildcard test/spec/*.c)
# The up-calls of include/hyp/upcall.h (`make check` compares); the down-call that other calls happen inside of, and those
# that say what a call reads of its guest, and which interrupt the primary gets.
spec_wrapped := hyp_hypercall hyp_vcpu_hypercall hyp_mem_access hyp_vcpu_mem_access hyp_irq hyp_exit_work hyp_vcpu_check \
	hyp_irq_storm hyp_vcpu_wake arch_vcpu_run guest_read arch_raise_event_irq
spec_wrap := $(if $(filter 1,$(SPEC)),$(foreach name,$(spec_wrapped),-Wl,--wrap=$(name)))
