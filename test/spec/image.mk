# The test image with the executable specification around it: its very objects, linked again with --wrap. `make test`
# boots it in the sections of cases.cfg that say `hypervisor = spec`.

spec_image := build/$(PLATFORM)-spec
# The up-calls, the way to the first guest, and what the CPU room answers guests itself.
spec_image_wrapped := $(spec_wrapped) arch_enter_primary psci_call smc_call guest_psci
spec_image_objs := $(patsubst %.c,$(spec_image)/obj/%.o,$(spec_srcs) $(wildcard test/spec/image/*.c))

# Outside of the link-time optimisation, which is about the same code with and without it. The C library of the image
# prints no long long, so its formatting is asked by way of image/format.c.
spec_image_flags := -O2 $(hyp_warnings) $(hyp_includes) -Itest/spec -Itest/spec/image -I. -DCONFIG_TEST=1 -Dvsnprintf=spec_vsnprintf \
	-Dsnprintf=spec_snprintf

ifeq ($(ARCH),arm64)
$(spec_image)/obj/test/spec/%.o: test/spec/%.c $(image_config) test/spec/spec.mk test/spec/image.mk | $(need_image)
	$(call cmd,CC,$<,$(CC) $(hyp_target_flags) $(spec_image_flags) -MMD -MP -c -o $@ $<)

$(spec_image)_link := $(build/$(PLATFORM)-test_link) $(spec_image_objs)
$(spec_image)_ldflags := $(addprefix --wrap=,$(spec_image_wrapped))
$(eval $(call link_rules,$(spec_image)))
-include $(wildcard $(spec_image_objs:.o=.d))

SPEC_IMAGE := $(spec_image)/portcullis.bin
test_deps += $(SPEC_IMAGE)
endif
