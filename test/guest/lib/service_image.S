/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat image of secondaries (test/guest/secondary), as data of a primary. */
	.section .rodata.service_image, "a"
	.balign	4096
	.global	service_image, service_image_end
service_image:
	.incbin	"build/guest/service.bin"
	.balign	16
service_image_end:
