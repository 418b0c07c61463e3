# The test image with the executable specification around it: its very objects, linked again with --wrap. `make test`
# boots it in the sections of cases.cfg that say `hypervisor = spec`.

spec_image := build/$(PLATFORM)-spec
spec_image_srcs := $(spec_srcs) $(wildcard test/spec/image/*.c)
# The up-calls, the way to the first guest, and what the CPU room answers guests itself.
spec_image_wrapped := $(spec_wrapped) arch_enter_primary psci_call smc_call guest_psci \
	gic_filter_dist gic_filter_redist vgic_access trap_sysreg guest_sysreg trap_sync guest_trap

# Of a GIC's registers most are like each other, so a switch names those that are not.
#
# Outside of the link-time optimisation, which is about the same code with and without it. The C library of the image
# prints no long long, so its formatting is asked by way of image/format.c.
spec_image_flags := -O2 $(hyp_warnings) -Wno-switch-enum $(hyp_includes) -Itest/spec -Itest/spec/image -I. -DCONFIG_TEST=1 \
	-Dvsnprintf=spec_vsnprintf -Dsnprintf=spec_snprintf

ifeq ($(ARCH),arm64)
spec_image_objs := $(patsubst %.c,$(spec_image)/obj/%.o,$(spec_image_srcs))

$(spec_image)/obj/test/spec/%.o: test/spec/%.c $(image_config) test/spec/spec.mk test/spec/image.mk | $(need_image)
	$(call cmd,CC,$<,$(CC) $(hyp_target_flags) $(spec_image_flags) -MMD -MP -c -o $@ $<)

$(spec_image)_link := $(build/$(PLATFORM)-test_link) $(spec_image_objs)
$(spec_image)_ldflags := $(addprefix --wrap=,$(spec_image_wrapped))
$(eval $(call link_rules,$(spec_image)))
-include $(wildcard $(spec_image_objs:.o=.d))

SPEC_IMAGE := $(spec_image)/portcullis.bin
test_deps += $(SPEC_IMAGE)

# What is judged is what runs elsewhere: the same link without the specification's objects and options is the test
# image, byte for byte. And each function that is to be wrapped is, or its name in the list is wrong.
spec_without := $(spec_image)-without
$(spec_without)_link := $(filter-out $(spec_image_objs),$($(spec_image)_link))
$(spec_without)_ldflags := $(filter-out --wrap=%,$($(spec_image)_ldflags))
$(eval $(call link_rules,$(spec_without)))

# Of the part that only images have (the host's figures are those of make cover): what the guests make it do.
.PHONY: cover-spec
cover-spec: $(SPEC_IMAGE) $(addprefix build/guest/,cases.bin vms.bin scenario.bin) | $(need_qemu) ## lines of test/spec/image that guests reach in QEMU, a quarter of an hour; which they do not, and why
	@$(PYTHON) scripts/check/cover_spec.py $(PLATFORM) test/spec/image/unreached.txt

.PHONY: check-spec
check_targets += check-spec
check-spec: $(spec_image)/portcullis.elf $(spec_without)/portcullis.bin build/$(PLATFORM)-test/portcullis.bin
	$(call step,SPEC,the judged objects are those of the test image, \
		cmp $(spec_without)/portcullis.bin build/$(PLATFORM)-test/portcullis.bin && \
		llvm-nm-19 --defined-only -j $< >$(spec_image)/names && \
		for name in $(spec_image_wrapped:%=__wrap_%) $(spec_image_wrapped); do \
			grep -qx "$$name" $(spec_image)/names || { echo "$$name is not in $<"; exit 1; }; done)
endif
