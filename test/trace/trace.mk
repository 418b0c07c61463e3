# Images that tell an oracle outside of them who owns what: the objects of the three images, linked again around a journal
# (journal.c), so that what runs is compiled no differently. `make test TRACE=1` boots them.

TRACE ?=

# What the journal stands around. A call within the file that defines a function does not pass by it.
trace_wrapped := page_init page_set page_set_run page_set_span page_pin page_unpin page_pin_block page_unpin_block page_pin_blocks page_unpin_blocks page_pin_convert \
	device_mmio_pin device_mmio_unpin view_remove view_add vm_primary_add_mmio smmuv3_stream_write \
	smmuv3_ctx_write attach_forget iommu_id_alloc iommu_id_free iommu_start endpoint_set_vsid endpoint_clear_vsid ring_put

# $(call trace_rules,FOLDER,FOLDER THAT IT IS LINKED LIKE,FLAGS OF THE OBJECTS THERE)
define trace_rules
$1_link := $$($2_link) $1/obj/test/trace/journal.o
$1_ldflags := $$($2_ldflags) $(addprefix --wrap=,$(trace_wrapped))

$1/obj/test/trace/journal.o: test/trace/journal.c $$(image_config) test/trace/trace.mk | $$(need_image)
	$$(call cmd,CC,$$<,$$(CC) $$(hyp_target_flags) -Oz -flto $$(hyp_warnings) $$(hyp_includes) -I. $3 -MMD -MP -c -o $$@ $$<)

$$(eval $$(call link_rules,$1))
-include $1/obj/test/trace/journal.d
endef

ifeq ($(ARCH),arm64)
trace_folders := $(foreach kind,trace test-trace spec-trace,build/$(PLATFORM)-$(kind))
$(eval $(call trace_rules,build/$(PLATFORM)-trace,build/$(PLATFORM),))
$(eval $(call trace_rules,build/$(PLATFORM)-test-trace,build/$(PLATFORM)-test,-DCONFIG_TEST=1))
$(eval $(call trace_rules,build/$(PLATFORM)-spec-trace,$(spec_image),-DCONFIG_TEST=1))
TRACE_IMAGES := $(addsuffix /portcullis.bin,$(trace_folders))
ifneq ($(TRACE),)
mutate: $(TRACE_IMAGES) $(guest_bins) | $(need_qemu)
endif
endif
