// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Reads of the disk into the pages of a chunk that stay with Linux, as others
 * of it change hands: one block of the disk's DMA table is split and merged
 * under the disk's own accesses.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>

#include "donate.h"

#define DISK		"/dev/nvme0n1"
#define PAGES_MAX	64
/* A page here and a page there: none is the next of another for the disk. */
#define STRIDE		7

struct file *donate_disk_open(void)
{
	struct file *disk = bdev_file_open_by_path(DISK, BLK_OPEN_READ, NULL,
						   NULL);

	if (IS_ERR(disk))
		donate_wrong(DISK ": %pe", disk);
	return disk;
}

static void read_ended(struct bio *bio)
{
	complete(bio->bi_private);
}

void donate_read_begin(struct donate_read *r, struct file *disk,
		       struct donate_chunk *c)
{
	struct block_device *bdev = file_bdev(disk);
	unsigned int i;

	init_completion(&r->done);
	r->bio = bio_alloc(bdev, PAGES_MAX, REQ_OP_READ, GFP_KERNEL);
	r->bio->bi_private = &r->done;
	r->bio->bi_end_io = read_ended;
	for (i = 0; i < 1u << c->order && r->bio->bi_vcnt < PAGES_MAX;
	     i += STRIDE)
		if (!donate_chunk_is_given(c, i))
			__bio_add_page(r->bio, c->page + i, PAGE_SIZE, 0);
	submit_bio(r->bio);
}

/* Also makes the pages as those beside them again. */
int donate_read_end(struct donate_read *r)
{
	blk_status_t status;
	unsigned int i;
	int ret = 0;

	wait_for_completion_io(&r->done);
	status = r->bio->bi_status;
	if (status)
		ret = donate_wrong("the disk did not read beside donated pages: %d",
				   blk_status_to_errno(status));
	for (i = 0; i < r->bio->bi_vcnt && !ret; i++)
		ret = donate_page_was_written(r->bio->bi_io_vec[i].bv_page);
	bio_put(r->bio);
	return ret;
}
