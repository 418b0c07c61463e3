# The part of make bench that runs on the host: build/bench/host/endpoints. The core and the driver count the basic
# blocks that they enter; the models and the bench below them are as fast as they can be and count nothing.

host_bench := build/bench/host
bench_obj = $(patsubst %.c,$(host_bench)/obj/%.o,$1)
bench_flags := $(filter-out -O1,$(host_flags)) -O2
$(call bench_obj,$(host_hyp_srcs) $(host_arch_srcs)): bench_add := -fsanitize-coverage=trace-pc
bench_add :=

$(host_bench)/obj/%.o: %.c test/bench/bench.mk | $(need_host) $(need_libfdt)
	$(call cmd,BENCH,$<,$(HOST_CC) $(bench_flags) $(bench_add) $(host_includes) -c -o $@ $<)

$(host_bench)/obj/libfdt/%.o: | $(need_host) $(need_libfdt)
	$(call cmd,BENCH,libfdt/$*.c,$(HOST_CC) -std=gnu11 -O2 -w -I$(LIBFDT_SRC) -c -o $@ $(LIBFDT_SRC)/$*.c)

$(host_bench)/libhyp.a: $(call bench_obj,$(host_lib_srcs)) $(addprefix $(host_bench)/obj/libfdt/,$(libfdt_objs))
	$(call cmd,AR,$@,rm -f $@ && $(HOST_AR) rcs $@ $^)

$(host_bench)/endpoints: $(call bench_obj,test/bench/endpoints.c $(bench_srcs)) $(host_bench)/libhyp.a $(spec_flag)
	$(call cmd,LINK,$@,$(HOST_CC) -fuse-ld=lld -Wl$(comma)--gc-sections $(spec_wrap) -o $@ $(filter %.o,$^) $(host_bench)/libhyp.a -lcmocka)

-include $(shell find $(host_bench)/obj -name '*.d' 2>/dev/null)

bench-measure: $(host_bench)/endpoints
