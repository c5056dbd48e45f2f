/* SPDX-License-Identifier: MIT
 *
 * roster.c - see roster.h.
 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "names.h"
#include "quality.h"

/* The next file of a series begins where the one before ended; a longer hole is one. */
#define CONTINUOUS_NS 1000000000ull
/* Bounded, so that sums of them stay sums whatever a file claims. */
#define LOST_MAX (UINT32_MAX * (uint64_t)1024)

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
	for (size_t i = 0; i < roster->n; i++) {
		struct frame_recording *recording = roster->extras[i].recording;

		free((char *)roster->wans[i].name);
		if (recording) {
			free(recording->covers);
			free(recording->gaps);
		}
		free(recording);
		free(roster->extras[i].counted.rows);
	}
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
	uint64_t told = extra->of_earlier + extra->of_session + extra->by_kernel;

	/* a gap's note and the statistics tell of the same frames, when both could be written */
	if (extra->recording)
		told += extra->recording->lost_on_disk > extra->recording->lost_in_gaps
		                ? extra->recording->lost_on_disk
		                : extra->recording->lost_in_gaps;
	roster->wans[wan].dropped = told > extra->between ? told : extra->between;
	roster->wans[wan].drops_known = true;
}

void roster_lost(struct roster *roster, uint32_t wan, uint64_t session, uint64_t dropped)
{
	struct roster_extra *extra = &roster->extras[wan];

	if (dropped > LOST_MAX)
		dropped = LOST_MAX;
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

/* ---- what our recorder says ---- */

struct frame_recording *roster_recording(struct roster *roster, uint32_t wan)
{
	struct frame_recording **recording = &roster->extras[wan].recording;

	if (!*recording) {
		*recording = calloc(1, sizeof(**recording));
		roster->out_of_memory |= !*recording;
		roster->wans[wan].recording = *recording;
	}
	return *recording;
}

static uint64_t lost_sum(uint64_t sum, uint64_t more)
{
	sum += more > LOST_MAX ? LOST_MAX : more;
	return sum > LOST_MAX ? LOST_MAX : sum;
}

void roster_lost_more(struct roster *roster, uint32_t wan, uint64_t by_kernel, uint64_t on_disk)
{
	struct frame_recording *recording = roster_recording(roster, wan);
	struct roster_extra *extra = &roster->extras[wan];

	extra->by_kernel = lost_sum(extra->by_kernel, by_kernel);
	if (recording)
		recording->lost_on_disk = lost_sum(recording->lost_on_disk, on_disk);
	settle_losses(roster, wan);
}

void roster_counted(struct roster *roster, uint32_t wan, const struct counted *counted)
{
	if (!counted_keep(&roster->extras[wan].counted, counted))
		roster->out_of_memory = true;
}

void roster_fold(struct roster *roster)
{
	for (size_t i = 0; i < roster->n; i++)
		if (roster->extras[i].recording)
			counted_fold(&roster->extras[i].counted, roster->extras[i].recording);
}

/* Of spans in the order of their beginnings: the place behind all that begin at `from_ns` or
 * before. */
static size_t span_place(const struct frame_span *spans, size_t n, uint64_t from_ns)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans[middle].from_ns <= from_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Returns what was lost in it. */
static uint64_t span_remove(struct frame_span *spans, size_t *n, size_t at)
{
	uint64_t lost = spans[at].lost;

	memmove(&spans[at], &spans[at + 1], (*n - at - 1) * sizeof(*spans));
	--*n;
	return lost;
}

/* What reaches into the other, or goes on where it ends, becomes a part of it. What is told twice
 * tells its losses twice. */
static bool span_joins(struct frame_span *into, const struct frame_span *span, uint64_t slack_ns)
{
	if (into->state != span->state || span->from_ns > into->to_ns + slack_ns ||
	    into->from_ns > span->to_ns + slack_ns)
		return false;
	bool again = span->from_ns < into->to_ns && into->from_ns < span->to_ns;
	if (again)
		into->lost = into->lost > span->lost ? into->lost : span->lost;
	else
		into->lost = lost_sum(into->lost, span->lost);
	if (span->from_ns < into->from_ns)
		into->from_ns = span->from_ns;
	if (span->to_ns > into->to_ns)
		into->to_ns = span->to_ns;
	return true;
}

/* The stretches of one state never touch, so only the nearest before can reach `span`, and those
 * that begin within it. *lost grows by the losses of those it takes up. */
static struct frame_span span_gather(struct frame_span *spans, size_t *n, struct frame_span span,
                                     uint64_t slack_ns, uint64_t *lost)
{
	size_t at = span_place(spans, *n, span.from_ns);

	while (at < *n && spans[at].from_ns <= span.to_ns + slack_ns) {
		if (span_joins(&span, &spans[at], slack_ns))
			*lost += span_remove(spans, n, at);
		else
			at++;
	}
	for (at = span_place(spans, *n, span.from_ns); at-- > 0;) {
		if (spans[at].state != span.state)
			continue;
		if (span_joins(&span, &spans[at], slack_ns))
			*lost += span_remove(spans, n, at);
		break;
	}
	return span;
}

/* Put it into its place; of more than FRAME_SPANS_MAX the latest falls out, into *out. False: no
 * memory. */
static bool span_insert(struct frame_span **spans, size_t *n, size_t *cap,
                        const struct frame_span *span, struct frame_span *out)
{
	size_t at = span_place(*spans, *n, span->from_ns);

	out->state = STATE_COUNT;
	if (*n == FRAME_SPANS_MAX) {
		*out = at == *n ? *span : (*spans)[*n - 1];
		if (at == *n)
			return true;
		--*n;
	}
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		struct frame_span *rows = realloc(*spans, more * sizeof(*rows));

		if (!rows)
			return false;
		*spans = rows;
		*cap = more;
	}
	memmove(&(*spans)[at + 1], &(*spans)[at], (*n - at) * sizeof(**spans));
	(*spans)[at] = *span;
	++*n;
	return true;
}

void roster_cover(struct roster *roster, uint32_t wan, uint64_t from_ns, uint64_t to_ns)
{
	struct frame_recording *r = roster_recording(roster, wan);
	struct frame_span span = {.from_ns = from_ns, .to_ns = to_ns}, out;
	uint64_t lost = 0;

	if (!r)
		return;
	span = span_gather(r->covers, &r->n_covers, span, CONTINUOUS_NS, &lost);
	if (!span_insert(&r->covers, &r->n_covers, &r->cap_covers, &span, &out))
		roster->out_of_memory = true;
}

void roster_gap(struct roster *roster, uint32_t wan, const struct frame_span *gap, bool closed)
{
	struct frame_recording *r = roster_recording(roster, wan);
	struct frame_span span, out;
	uint64_t lost = 0;

	if (!r)
		return;
	span = span_gather(r->gaps, &r->n_gaps, *gap, 0, &lost);
	if (!span_insert(&r->gaps, &r->n_gaps, &r->cap_gaps, &span, &out))
		roster->out_of_memory = true;
	if (out.state < STATE_COUNT && closed) {
		r->more_gaps[out.state]++;
		r->more_gaps_ns[out.state] += out.to_ns - out.from_ns;
	}
	r->lost_in_gaps = lost_sum(r->lost_in_gaps, span.lost > lost ? span.lost - lost : 0);
	settle_losses(roster, wan);
}

void roster_clean(char *word, size_t size)
{
	word[size - 1] = '\0';
	names_clean(word);
}

static int word_order(const char *a, const char *b)
{
	return strncmp(a, b, FRAME_WORD);
}

/* A sorted list of at most FRAME_ROLES words, each once. */
static void add_word(char (*words)[FRAME_WORD], unsigned *n, const char *text)
{
	char word[FRAME_WORD] = "";
	unsigned at = 0;

	memcpy(word, text, strnlen(text, FRAME_WORD - 1));
	roster_clean(word, sizeof(word));
	while (at < *n && word_order(words[at], word) < 0)
		at++;
	if (at == FRAME_ROLES || (at < *n && word_order(words[at], word) == 0))
		return;
	if (*n < FRAME_ROLES)
		(*n)++;
	memmove(words[at + 1], words[at], (*n - at - 1) * sizeof(words[0]));
	memcpy(words[at], word, sizeof(word));
}

void roster_role(struct roster *roster, uint32_t wan, const char *role)
{
	struct frame_recording *r = roster_recording(roster, wan);

	if (r)
		add_word(r->roles, &r->n_roles, role);
}

void roster_device(struct roster *roster, uint32_t wan, const char *device)
{
	struct frame_recording *r = roster_recording(roster, wan);

	if (r)
		add_word(r->devices, &r->n_devices, device);
}

static int warning_order(const struct frame_warning *a, const struct frame_warning *b)
{
	int order = word_order(a->code, b->code);

	return order ? order : word_order(a->about, b->about);
}

void roster_warn(struct roster *roster, uint32_t wan, const struct frame_warning *warning)
{
	struct frame_recording *r = roster_recording(roster, wan);
	struct frame_warning row = *warning;
	unsigned at = 0;

	if (!r)
		return;
	row.count = 1;
	roster_clean(row.code, sizeof(row.code));
	roster_clean(row.about, sizeof(row.about));
	while (at < r->n_warnings && warning_order(&r->warnings[at], &row) < 0)
		at++;
	if (at < r->n_warnings && warning_order(&r->warnings[at], &row) == 0) {
		r->warnings[at].count++;
		return;
	}
	if (at == FRAME_WARNINGS)
		return;
	if (r->n_warnings < FRAME_WARNINGS)
		r->n_warnings++;
	memmove(&r->warnings[at + 1], &r->warnings[at], (r->n_warnings - at - 1) * sizeof(row));
	r->warnings[at] = row;
}

void roster_step(struct roster *roster, uint32_t wan, uint64_t at_ns, int64_t by_ns)
{
	struct frame_recording *r = roster_recording(roster, wan);

	if (r && r->n_steps < FRAME_STEPS)
		r->steps[r->n_steps++] = (struct frame_step){at_ns, by_ns};
}

void roster_step_note(struct roster *roster, uint32_t wan, uint64_t at_ns, int64_t by_ns)
{
	struct frame_recording *r = roster_recording(roster, wan);
	struct frame_step *nearest = NULL;
	int64_t apart;

	if (!r)
		return;
	r->step_notes++;
	for (unsigned i = 0; i < r->n_steps; i++) {
		struct frame_step *step = &r->steps[i];

		if (at_ns > step->at_ns || __builtin_sub_overflow(step->by_ns, by_ns, &apart) ||
		    apart > CLOCK_STEP_NS || apart < -CLOCK_STEP_NS)
			continue;
		if (!nearest || step->at_ns < nearest->at_ns)
			nearest = step;
	}
	if (nearest)
		nearest->at_ns = at_ns;
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
