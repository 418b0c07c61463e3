# Proofs for all inputs: CBMC on the product's own files. README.md says what each shows; scripts/prove.py runs them.
#
#   make prove             all of them          make prove P='idmap tlbi'     some
#   make prove J=1         one CBMC at a time   make prove V=1                and how long each took

room_targets += prove

# As the unit tests see the tree, without clang's lock analysis, which CBMC does not read; as a GCC that has the types it knows.
proof_flags := -std=gnu11 -D_GNU_SOURCE -DCONFIG_TEST=0 -U__clang__ -U__GNUC__ -D__GNUC__=12 \
	$(addprefix -I$(CURDIR)/,include hyp test/fake/include arch/arm64 arch/arm64/include test/proof .)

prove: | $(need_host) $(need_cbmc) ## prove claims about the product for all inputs, and see each seeded fault break them [P=names J=jobs]
	@$(PYTHON) scripts/prove.py --cbmc=$(CBMC) --cc=clang-19 --flags=$(call quote,$(proof_flags)) --out=build/prove \
		$(call option,match,$(P)) $(call option,jobs,$(J)) $(if $(filter 1,$(V)),--verbose)

# Each harness has its bound, a seeded fault for each claim, and each fault still applies: a moment, no compiler.
.PHONY: check-proofs
check_targets += check-proofs
check-proofs:
	$(call step,PROOF,$(words $(wildcard test/proof/*.c)) harnesses and their seeded faults,$(PYTHON) scripts/prove.py --check)
