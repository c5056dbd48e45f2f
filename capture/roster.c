/* SPDX-License-Identifier: MIT
 *
 * roster.c - see roster.h.
 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. Strangers may choose colliding names, but no more than ROSTER_FOUND_MAX of them. */
static size_t hash(const char *name)
{
	uint64_t value = 14695981039346656037u;

	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * 1099511628211u;
	return (size_t)(value ^ value >> 32);
}

/* The slot of a name, or the free one where it would go. */
static uint32_t *slot_of(const struct roster *roster, const char *name)
{
	size_t mask = roster->cap * 4 - 1;
	size_t at = hash(name) & mask;

	while (roster->slots[at] && strcmp(roster->wans[roster->slots[at] - 1].name, name) != 0)
		at = (at + 1) & mask;
	return &roster->slots[at];
}

bool roster_init(struct roster *roster)
{
	*roster = (struct roster){.cap = 16};
	roster->wans = calloc(roster->cap, sizeof(*roster->wans));
	roster->extras = calloc(roster->cap, sizeof(*roster->extras));
	roster->slots = calloc(roster->cap * 4, sizeof(*roster->slots));
	return roster->wans && roster->extras && roster->slots;
}

void roster_release(struct roster *roster)
{
	for (size_t i = 0; i < roster->n; i++)
		free((char *)roster->wans[i].name);
	free(roster->wans);
	free(roster->extras);
	free(roster->slots);
	*roster = (struct roster){0};
}

static bool grow(struct roster *roster)
{
	size_t cap = roster->cap * 2;

	if (roster->n < roster->cap)
		return true;
	struct frame_wan *wans = realloc(roster->wans, cap * sizeof(*wans));
	if (wans)
		roster->wans = wans;
	struct roster_extra *extras = realloc(roster->extras, cap * sizeof(*extras));
	if (extras)
		roster->extras = extras;
	uint32_t *slots = calloc(cap * 4, sizeof(*slots));
	if (!wans || !extras || !slots) {
		free(slots);
		return false;
	}
	free(roster->slots);
	roster->slots = slots;
	roster->cap = cap;
	for (size_t i = 0; i < roster->n; i++)
		*slot_of(roster, roster->wans[i].name) = (uint32_t)i + 1;
	return true;
}

static int64_t shift_of(const struct roster *roster, const char *name)
{
	for (size_t i = 0; i < roster->n_shifts; i++)
		if (strcmp(roster->shifts[i].wan, name) == 0)
			return roster->shifts[i].ns;
	return 0;
}

static uint32_t add(struct roster *roster, const char *name)
{
	char *copy = strdup(name);

	if (!copy || !grow(roster)) {
		free(copy);
		roster->out_of_memory = true;
		return 0;
	}
	roster->wans[roster->n] = (struct frame_wan){.name = copy, .filtered = roster->filtered};
	roster->extras[roster->n] = (struct roster_extra){.shift_ns = shift_of(roster, name)};
	*slot_of(roster, name) = (uint32_t)roster->n + 1;
	return (uint32_t)roster->n++;
}

static bool find(const struct roster *roster, const char *name, uint32_t *wan)
{
	uint32_t slot = *slot_of(roster, name);

	*wan = slot - 1;
	return slot != 0;
}

uint32_t roster_wan(struct roster *roster, const char *name, bool found)
{
	uint32_t wan;

	if (find(roster, name, &wan))
		return wan;
	if (found && roster->found >= ROSTER_FOUND_MAX) {
		name = ROSTER_OVERFLOW;
		if (find(roster, name, &wan))
			return wan;
	}
	roster->found += found;
	return add(roster, name);
}

static void settle_losses(struct roster *roster, uint32_t wan)
{
	const struct roster_extra *extra = &roster->extras[wan];
	uint64_t told = extra->of_earlier + extra->of_session;

	roster->wans[wan].dropped = told > extra->between ? told : extra->between;
	roster->wans[wan].drops_known = true;
}

void roster_lost(struct roster *roster, uint32_t wan, uint64_t session, uint64_t dropped)
{
	struct roster_extra *extra = &roster->extras[wan];

	/* Bounded, so that sums of them stay sums whatever a file claims. */
	if (dropped > UINT32_MAX * (uint64_t)1024)
		dropped = UINT32_MAX * (uint64_t)1024;
	if (extra->session != session) {
		extra->of_earlier += extra->of_session;
		extra->of_session = 0;
		extra->session = session;
	}
	if (dropped > extra->of_session)
		extra->of_session = dropped;
	settle_losses(roster, wan);
}

void roster_lost_between(struct roster *roster, uint32_t wan, uint32_t dropped)
{
	roster->extras[wan].between += dropped;
	settle_losses(roster, wan);
}

void roster_own(struct roster *roster, uint32_t wan, const struct ipaddr *own, unsigned n_own)
{
	struct frame_wan *row = &roster->wans[wan];

	for (unsigned i = 0; i < n_own && row->n_own < FRAME_WAN_ADDRS; i++) {
		unsigned k = 0;
		while (k < row->n_own && memcmp(&row->own[k], &own[i], sizeof(own[i])) != 0)
			k++;
		if (k == row->n_own)
			row->own[row->n_own++] = own[i];
	}
}
