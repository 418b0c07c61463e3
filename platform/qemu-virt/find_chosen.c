/* SPDX-License-Identifier: BSD-2-Clause */
/* /chosen: the words of our boot line, and the boot modules as QEMU's guest-loader writes them. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

#include "hyp/config.h"
#include "hyp/log.h"

#define WORD_MAX  64
#define BLANKS    " \t\n"
#define POOL_MAX  (1ul << PA_BITS)
#define DECIMAL   10
#define KIB_SHIFT 10
#define MIB_SHIFT 20
#define GIB_SHIFT 30

/* "<n>", "<n>K", "<n>M" or "<n>G", above 0. */
static bool option_pool(struct machine *m, const char *value)
{
	char *end;
	u64 number = strtoul(value, &end, DECIMAL);
	u32 shift = *end == 'K' ? KIB_SHIFT : *end == 'M' ? MIB_SHIFT :
				      *end == 'G'         ? GIB_SHIFT :
							    0;

	if (shift)
		end++;
	if (*value < '0' || *value > '9' || *end || number == 0 || number > POOL_MAX >> shift)
		return refuse("boot line: pool=%s is not a size such as 64M", value);
	m->option.pool_bytes = number << shift;
	return true;
}

static bool option_log_level(struct machine *m, const char *value)
{
	static const char *const level[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	for (u32 i = 0; i < ARRAY_SIZE(level); i++) {
		if (strcmp(value, level[i]) == 0) {
			m->option.log_level = i;
			return true;
		}
	}
	return refuse("boot line: loglevel=%s is not error, warn, info or debug", value);
}

/* What tests ask a test build to do wrong. */
static bool option_plant(struct machine *m, const char *value)
{
	static const char *const bug[] = {
		[PLANT_PANIC] = "panic",
		[PLANT_WRITE_TEXT] = "write-text",
		[PLANT_WRITE_RODATA] = "write-rodata",
		[PLANT_RUN_DATA] = "run-data",
		[PLANT_STACK] = "stack",
		[PLANT_SMASH] = "smash",
		[PLANT_BRANCH] = "branch",
	};

	if (strcmp(value, "dma-hole") == 0)
		return m->option.plant_dma_hole = true;
	for (u32 i = PLANT_PANIC; i < ARRAY_SIZE(bug); i++) {
		if (strcmp(value, bug[i]) == 0) {
			m->option.plant = (enum plant)i;
			return true;
		}
	}
	return refuse("boot line: plant=%s is nothing that can be planted", value);
}

static bool option(struct machine *m, const char *word)
{
	if (strcmp(word, "testdev") == 0)
		return m->option.testdev = true;
	if (strcmp(word, "measure") == 0)
		return m->option.measure = true;
	if (strncmp(word, "pool=", 5) == 0)
		return option_pool(m, word + 5);
	if (strncmp(word, "loglevel=", 9) == 0)
		return option_log_level(m, word + 9);
	if (CONFIG_TEST && strncmp(word, "plant=", 6) == 0)
		return option_plant(m, word + 6);
	return refuse("boot line: the word '%s' is unknown", word);
}

bool find_chosen(struct discovery *d, const struct dt_node *n)
{
	const char *line = dt_string(d->dt, n, DT_BOOTARGS);
	char word[WORD_MAX];

	if (!line)
		return !dt_prop(d->dt, n, DT_BOOTARGS) || refuse("boot line: it is not one string");
	for (line += strspn(line, BLANKS); *line; line += strspn(line, BLANKS)) {
		size_t len = strcspn(line, BLANKS);

		if (len >= sizeof(word))
			return refuse("boot line: the word '%.*s...' is unknown", WORD_MAX, line);
		memcpy(word, line, len);
		word[len] = 0;
		if (!option(d->m, word))
			return false;
		line += len;
	}
	return true;
}

static bool module_kind(struct discovery *d, const struct dt_node *n, enum module_kind *kind)
{
	const char *name = n->name;

	if (dt_says(d->dt, n, DT_COMPATIBLE, "multiboot,kernel"))
		*kind = MODULE_KERNEL;
	else if (dt_says(d->dt, n, DT_COMPATIBLE, "multiboot,ramdisk"))
		*kind = MODULE_RAMDISK;
	else
		return refuse("%s: a boot module that is neither kernel nor ramdisk", name);
	for (u32 i = 0; i < d->m->module_count; i++)
		if (d->m->module[i].kind == *kind)
			return refuse("%s: a second %s", name, *kind == MODULE_KERNEL ? "kernel" : "ramdisk");
	return true;
}

bool find_module(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name, *line = dt_string(d->dt, n, DT_BOOTARGS);
	struct machine *m = d->m;
	struct machine_module *module = &m->module[m->module_count];
	u32 count;

	/* At most one of each kind. */
	_Static_assert(MACHINE_MAX_MODULES > MODULE_RAMDISK, "a place for each kind of module");
	if (!module_kind(d, n, &module->kind) || !find_reg(d, n, &module->mem, 1, &count))
		return false;
	if (dt_prop(d->dt, n, DT_BOOTARGS) && (!line || strlen(line) >= MACHINE_CMDLINE))
		return refuse("%s: its bootargs are not one string of less than %u bytes", name, MACHINE_CMDLINE);
	if (line)
		memcpy(module->cmdline, line, strlen(line) + 1);
	m->module_count++;
	return true;
}

bool find_modules_check(const struct discovery *d)
{
	for (u32 i = 0; i < d->m->module_count; i++)
		if (d->m->module[i].kind == MODULE_KERNEL)
			return true;
	return refuse("no kernel for the first VM (QEMU: -device guest-loader,kernel=...)");
}
