/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reset of a device, in steps that never wait: each call goes on until there is something to wait
 * for, and says so.
 *
 *   IDLE --> PLAN --stop--> QUIET --nothing in flight--> [HELD] --> SETTLE --100 ms--> READY --> RESTORE --> IDLE
 *                             |                     secondary bus                        ^
 *                             +--no function needs more than its handler-----------------+
 *
 * From the stop on, and after it failed, the functions are nobody's. Behind a conventional bridge a device may have hundreds;
 * what takes more than a few instructions a function is done for some of them a call (V9). Locks: the caller serialises
 * resets of one device; hyp/pci/filter.c keeps VMs out by `stopped`.
 */
#include "record.h"

#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"

#define QUIET_US  1000000 /* for what is in flight; edu's transfer takes 100 ms */
#define HELD_US   2000    /* secondary bus reset asserted, at least 1 ms (PCI 4.3.2, Trst) */
#define SETTLE_US 100000  /* after a reset, PCIe 6.6.1 and 6.6.2 */
#define READY_US  1000000 /* until the first answer, PCIe 6.6.1 */

/* So many functions of a device a call: as many as a slot has, which so is reset in as few calls as the hardware allows. */
#define TURN 8u

/* The first function behind a turn that begins at `at`; NULL: it has the last. */
static const struct pci_function *turn_end(const struct pci_function *at)
{
	for (u32 i = 0; at != NULL && i < TURN; i++)
		at = at->next;
	return at;
}

/* The phase has dealt with all functions before `end`; true: with all that there are. */
static bool turn_over(const struct device *device, struct pci_state *s, const struct pci_function *end, bool *again)
{
	*again = end != NULL;
	s->at = *again ? end : device_functions(device);
	return !*again;
}

/* --- may it be reset, and how */

enum reset_method reset_method_read(const struct pci_function *f)
{
	if (virtio_is(f) || reset_device_known(f))
		return RESET_BY_HANDLER;
	if (f->cap_pcie != 0 && cfg_ask(f, f->cap_pcie + PCIE_DEVCAP) & PCIE_DEVCAP_FLR)
		return RESET_BY_FLR;
	if (f->cap_af != 0 && (cfg_ask(f, f->cap_af + AF_CAP) & AF_CAP_FLR) == AF_CAP_FLR)
		return RESET_BY_AF;
	return RESET_BY_BUS;
}

/* From the record: what is asked in each step could be answered differently each time, and no reset be made at all. */
static enum reset_method method_of(const struct pci_function *f)
{
	return (enum reset_method)pci_state_of(f)->reset;
}

/* A secondary bus reset takes everything below the port: nobody else, and no bridge (nobody's). */
static bool alone_below(const struct pci_function *port, const struct device *device)
{
	for (u32 i = pci_state_of(port)->first_below; record_on_bus(i, port->host, port->secondary); i++)
		if (pci_function[i].device != device)
			return false;
	return true;
}

/* --- steps */

static void phase_set(struct pci_state *s, enum pci_reset_phase phase, u64 us)
{
	s->phase = (u8)phase;
	s->deadline_us = io_time_us() + us;
}

/* Asked before the look that it limits: who was away behind that looks again. */
static bool expired(const struct pci_state *s)
{
	return io_time_us() >= s->deadline_us;
}

/* Requests that a function has sent and that are not answered yet. */
static bool in_flight(const struct pci_function *f)
{
	switch (method_of(f)) {
	case RESET_BY_FLR:
		return (cfg_read(f, f->cap_pcie + PCIE_DEVCTL) & DEVSTA_PENDING) != 0;
	case RESET_BY_AF:
		return (cfg_read(f, f->cap_af + AF_CONTROL) & AF_PENDING) != 0;
	case RESET_BY_HANDLER:
	case RESET_BY_BUS:
		break;
	}
	return false;
}

/* Start the reset of each function; false: handlers did all of it. */
static bool trigger(const struct device *device)
{
	bool any = false;

	FOR_EACH_FUNCTION(f, device) {
		enum reset_method method = method_of(f);

		if (method == RESET_BY_FLR)
			cfg_write(f, f->cap_pcie + PCIE_DEVCTL, pci_state_of(f)->devctl | DEVCTL_FLR);
		if (method == RESET_BY_AF)
			cfg_write(f, f->cap_af + AF_CONTROL, AF_CONTROL_FLR);
		any |= method != RESET_BY_HANDLER;
	}
	return any;
}

/* Bridge control of the ports above; the other bits of that dword are written as at boot. */
static void bus_hold(const struct device *device, bool hold)
{
	const struct pci_function *done = NULL;

	FOR_EACH_FUNCTION(f, device) {
		const struct pci_function *port = record_parent(f);

		if (port == NULL || port == done)
			continue;
		cfg_write(port, BRIDGE_CONTROL, hold ? BRIDGE_CONTROL_RESET : 0);
		done = port;
	}
}

/* Nobody's from here on: no mastering, no decoding, no interrupt. All at once: it takes few instructions a function. */
static void stop(const struct device *device)
{
	pci_device_master(device, false);
	FOR_EACH_FUNCTION(f, device)
		cfg_write(f, PCI_COMMAND, COMMAND_NO_INTX);
}

/* Nothing is changed before it is known that each function can be reset. */
static enum status step_plan(const struct device *device, struct pci_state *s, bool *again)
{
	const struct pci_function *end = turn_end(s->at), *asked = NULL;

	for (const struct pci_function *f = s->at; f != end; f = f->next) {
		const struct pci_function *port = record_parent(f);

		if (method_of(f) != RESET_BY_BUS)
			continue;
		if (port == NULL || (port != asked && !alone_below(port, device))) {
			log_info("PCI %02x:%02x.%u cannot be reset safely", f->rid >> 8u,
				 f->rid >> 3u & 31u, f->rid & 7u);
			return E_DENIED;
		}
		asked = port;
		s->with_bus = true;
	}
	if (turn_over(device, s, end, again)) {
		stop(device);
		phase_set(s, RESET_QUIET, QUIET_US);
	}
	return OK;
}

static enum status step_quiet(const struct device *device, struct pci_state *s, bool *again)
{
	const struct pci_function *end = turn_end(s->at);
	const bool late = expired(s);

	for (const struct pci_function *f = s->at; f != end; f = f->next) {
		bool busy = false;
		enum status status = reset_device_quiet(f, &busy);

		if (status != OK)
			return status;
		if (busy && late)
			return E_IO;
		/* A reset may go on past requests that are never answered (PCIe 6.6.2). */
		*again |= busy || (in_flight(f) && !late);
	}
	if (*again)
		return OK;
	if (!turn_over(device, s, end, again)) {
		phase_set(s, RESET_QUIET, QUIET_US); /* those that come have all of the time too */
		return OK;
	}
	if (s->with_bus) {
		bus_hold(device, true);
		phase_set(s, RESET_HELD, HELD_US);
	} else if (trigger(device)) {
		phase_set(s, RESET_SETTLE, SETTLE_US);
	} else {
		phase_set(s, RESET_READY, READY_US);
	}
	return OK;
}

static bool answers(const struct device *device)
{
	FOR_EACH_FUNCTION(f, device)
		if (cfg_read(f, PCI_ID) != pci_state_of(f)->id)
			return false;
	return true;
}

static enum status step_ready(const struct device *device, struct pci_state *s, bool *again)
{
	const bool late = expired(s);

	if (answers(device)) {
		s->phase = RESET_RESTORE;
		return OK;
	}
	*again = true;
	return late ? E_IO : OK;
}

/* What stop() set, and what every reset takes away: who has it still never heard of the reset. */
static bool was_reset(const struct pci_function *f)
{
	return method_of(f) == RESET_BY_HANDLER || (cfg_ask(f, PCI_COMMAND) & COMMAND_NO_INTX) == 0;
}

/* Registers back to the record; false: the function was not reset, or does not hold them. */
static bool restore(const struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);

	s->unreliable = false;
	if (!was_reset(f))
		return false;
	cfg_write(f, PCI_COMMAND, s->command);
	cfg_write(f, PCI_TIMING, s->timing);
	cfg_write(f, PCI_INTERRUPT, 0);
	cfg_write(f, PCI_ROM, 0);
	if (f->cap_pm != 0)
		cfg_write(f, f->cap_pm + PM_STATUS, 0);
	caps_quiet(f);
	for (u32 bar = 0; bar < PCI_BARS; bar++)
		if (f->bar[bar].size != 0 && !bar_write(f, bar))
			return false;
	return (cfg_ask(f, PCI_COMMAND) & 0xffff) == s->command && (cfg_ask(f, PCI_TIMING) & TIMING_VALUES) == s->timing &&
	       caps_hold(f) && !s->unreliable;
}

/* The functions are their owner's again, as at boot. */
static void finish(const struct device *device)
{
	pci_lock();
	FOR_EACH_FUNCTION(f, device) {
		struct pci_state *s = pci_state_of(f);

		s->line = 0;
		s->sizing = 0;
		__atomic_store_n(&s->stopped, false, __ATOMIC_RELAXED);
	}
	pci_unlock();
}

static enum status step_restore(const struct device *device, struct pci_state *s, bool *again)
{
	const struct pci_function *end = turn_end(s->at);

	for (const struct pci_function *f = s->at; f != end; f = f->next)
		if (!restore(f))
			return E_IO;
	if (turn_over(device, s, end, again)) {
		s->phase = RESET_IDLE;
		finish(device);
	}
	return OK;
}

static enum status step(const struct device *device, struct pci_state *s, bool *again)
{
	switch ((enum pci_reset_phase)s->phase) {
	case RESET_IDLE:
		s->with_bus = false;
		s->at = device_functions(device);
		s->phase = RESET_PLAN;
		return OK;
	case RESET_PLAN:
		return step_plan(device, s, again);
	case RESET_QUIET:
		return step_quiet(device, s, again);
	case RESET_HELD:
		*again = !expired(s);
		if (*again)
			return OK;
		bus_hold(device, false);
		phase_set(s, RESET_SETTLE, SETTLE_US);
		return OK;
	case RESET_SETTLE:
		*again = !expired(s);
		if (!*again)
			phase_set(s, RESET_READY, READY_US);
		return OK;
	case RESET_READY:
		return step_ready(device, s, again);
	case RESET_RESTORE:
		return step_restore(device, s, again);
	}
	CHECK(false);
	return E_IO;
}

enum status pci_device_reset(const struct device *device, bool *again)
{
	struct pci_function *first = device_functions(device);
	enum status status;
	struct pci_state *s;

	*again = false;
	if (first == NULL)
		return E_DENIED;
	s = pci_state_of(first);
	do {
		status = step(device, s, again);
	} while (status == OK && !*again && s->phase != RESET_IDLE);
	if (status != OK) {
		*again = false;
		s->phase = RESET_IDLE;
	}
	return status;
}
