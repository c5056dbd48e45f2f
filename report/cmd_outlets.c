/* SPDX-License-Identifier: MIT
 *
 * cmd_outlets.c - see cmd_outlets.h.
 */
#include "cmd_outlets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cmd_sites.h"
#include "command.h"

/* All sites together may hold as many subflows as four captures alone, and each site some. */
enum { SUBFLOWS_ALL = 262144, SUBFLOWS_ALONE = 65536, SUBFLOWS_LEAST = 2048 };
#define NOT_MET UINT32_MAX

struct outlet {
	struct ledger *ledger; /* borrowed */
	struct pipeline *pipeline;
	bool own;               /* the pipeline is ours */
	struct frame_wan *wans; /* owned; the WANs that rows name first, then as they are met */
	size_t n_wans, cap_wans;
	uint32_t untold; /* index of that WAN, or NOT_MET */
};

struct outlets {
	struct sites *sites; /* owned */
	struct outlet *rows; /* owned; n of them */
	size_t n;
	bool several;
	struct pipeline_options options;
	bool begun;                /* the window that is judged */
	struct frame_wan at_begin; /* what interfaces had lost then */
	uint32_t *of_source;       /* owned; index in the only outlet of each WAN of the source */
	size_t n_of_source;
	struct frame_recording *recording; /* owned; of the interface, as its WANs may use it */
	struct frame_file *files;          /* owned */
	bool out_of_memory;
};

/* ---- the WANs of an outlet ---- */

static uint32_t add_wan(struct outlets *o, struct outlet *row, const char *name)
{
	if (row->n_wans == row->cap_wans) {
		size_t cap = row->cap_wans ? row->cap_wans * 2 : 4;
		struct frame_wan *grown = realloc(row->wans, cap * sizeof(*grown));

		if (!grown) {
			o->out_of_memory = true;
			return 0;
		}
		row->wans = grown;
		row->cap_wans = cap;
	}
	row->wans[row->n_wans] = (struct frame_wan){.name = name, .bounds = true};
	return (uint32_t)row->n_wans++;
}

static uint32_t untold_wan(struct outlets *o, struct outlet *row)
{
	if (row->untold == NOT_MET)
		row->untold = add_wan(o, row, OUTLETS_UNTOLD);
	return row->untold;
}

/* What fits no row stays with its interface. */
static uint32_t interface_wan(struct outlets *o, uint32_t wan, const char *name)
{
	if (wan >= o->n_of_source) {
		size_t n = (size_t)wan + 1;
		uint32_t *grown = realloc(o->of_source, n * sizeof(*grown));

		if (!grown) {
			o->out_of_memory = true;
			return 0;
		}
		memset(grown + o->n_of_source, 0xff, (n - o->n_of_source) * sizeof(*grown));
		o->of_source = grown;
		o->n_of_source = n;
	}
	if (o->of_source[wan] == NOT_MET)
		o->of_source[wan] = add_wan(o, &o->rows[0], name);
	return o->of_source[wan];
}

static bool name_wans(struct outlets *o, struct outlet *row, size_t site)
{
	row->untold = NOT_MET;
	for (size_t i = 0; site < sites_count(o->sites) && i < sites_wans(o->sites, site); i++)
		add_wan(o, row, sites_wan(o->sites, site, i));
	return !o->out_of_memory;
}

/* ---- what the interfaces lost ---- */

/* It may be of any WAN behind them. */
static struct frame_wan losses(const struct source *source)
{
	size_t n;
	const struct frame_wan *wans = source_wans(source, &n);
	struct frame_wan sum = {.drops_known = n > 0};

	for (size_t i = 0; i < n; i++) {
		sum.dropped += wans[i].dropped;
		sum.drops_known &= wans[i].drops_known;
		sum.filtered |= wans[i].filtered;
	}
	if (n == 1)
		sum.recording = wans[0].recording;
	return sum;
}

/*
 * The recorder of the server was there or was not: that holds for all WANs behind its interface. It
 * knew no role and no device of theirs, the kernel counted them together, and when the server's
 * own interface was away nobody knows of them.
 */
static const struct frame_recording *recording_of(struct outlets *o,
                                                  const struct frame_recording *from)
{
	struct frame_recording *r;
	struct frame_span *gaps;

	if (!from || o->recording)
		return o->recording;
	r = malloc(sizeof(*r));
	gaps = malloc((from->n_gaps + 1) * sizeof(*gaps));
	if (!r || !gaps) {
		free(r);
		free(gaps);
		o->out_of_memory = true;
		return NULL;
	}
	*r = *from;
	r->n_roles = r->n_devices = 0;
	r->kernel_frames = r->kernel_bytes = r->counted_frames = r->counted_bytes = 0;
	r->counted_dropped = r->counted_spans = 0;
	r->gaps = gaps;
	for (size_t i = 0; i < from->n_gaps; i++) {
		gaps[i] = from->gaps[i];
		if (gaps[i].state == STATE_ABSENT || gaps[i].state == STATE_DOWN)
			gaps[i].state = STATE_STOPPED;
	}
	r->more_gaps[STATE_STOPPED] += r->more_gaps[STATE_ABSENT] + r->more_gaps[STATE_DOWN];
	r->more_gaps_ns[STATE_STOPPED] +=
		r->more_gaps_ns[STATE_ABSENT] + r->more_gaps_ns[STATE_DOWN];
	r->more_gaps[STATE_ABSENT] = r->more_gaps[STATE_DOWN] = 0;
	r->more_gaps_ns[STATE_ABSENT] = r->more_gaps_ns[STATE_DOWN] = 0;
	o->recording = r;
	return r;
}

static void tell_losses(struct outlet *row, const struct frame_wan *sum,
                        const struct frame_recording *recording)
{
	for (size_t i = 0; i < row->n_wans; i++) {
		row->wans[i].dropped = sum->dropped;
		row->wans[i].drops_known = sum->drops_known;
		row->wans[i].filtered = sum->filtered;
		row->wans[i].recording = recording;
	}
}

/* ---- opening ---- */

static struct sites *sort_by(const struct intake *intake, int *code)
{
	const struct sites_options none = {0};
	char message[300];
	struct sites *sites;
	size_t n = intake->sites ? intake->sites->n_rows : intake->n_splits;
	struct sites_row *rows = calloc(n + 1, sizeof(*rows));

	*code = 0;
	if (!rows) {
		*code = command_complain(EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = intake->sites ? (struct sites_row){intake->sites->rows[i].site,
		                                             intake->sites->rows[i].wan,
		                                             intake->sites->rows[i].sign}
		                        : (struct sites_row){"", intake->splits[i].wan,
		                                             intake->splits[i].sign};
	struct sites_options options = none;
	if (getrandom(&options.seed, sizeof(options.seed), GRND_NONBLOCK) < 0)
		options.seed = (uintptr_t)rows; /* early boot: where things lie is the next best */
	sites = sites_new(rows, n, &options, message, sizeof(message));
	free(rows);
	if (!sites)
		*code = command_complain(intake->sites ? EXIT_CONFIG : EXIT_USAGE, "%s%s: %s",
		                         intake->sites ? "--sites " : "--wan",
		                         intake->sites ? intake->sites->path : "", message);
	return sites;
}

static size_t subflows_each(size_t n)
{
	size_t each = SUBFLOWS_ALL / n;

	return each > SUBFLOWS_ALONE   ? SUBFLOWS_ALONE
	       : each < SUBFLOWS_LEAST ? SUBFLOWS_LEAST
	                               : each;
}

static bool open_rows(struct outlets *o, struct intake *intake, struct pipeline *pipeline,
                      struct ledger *ledger)
{
	o->n = o->several ? sites_count(o->sites) + 1 : 1;
	o->rows = calloc(o->n, sizeof(*o->rows));
	if (!o->rows)
		return false;
	for (size_t i = 0; i < o->n; i++) {
		o->rows[i].ledger = o->several ? intake->sites->ledgers[i] : ledger;
		if (!name_wans(o, &o->rows[i], i))
			return false;
	}
	if (!o->several)
		o->rows[0].pipeline = pipeline;
	if (o->several && !o->options.max_subflows)
		o->options.max_subflows = subflows_each(o->n);
	return true;
}

struct outlets *outlets_open(struct intake *intake, struct pipeline *pipeline,
                             struct ledger *ledger, const struct pipeline_options *options,
                             int *code)
{
	struct outlets *o;
	struct sites *sites;

	*code = 0;
	if (!intake->sites && intake->n_splits == 0)
		return NULL;
	sites = sort_by(intake, code);
	if (!sites)
		return NULL;
	o = calloc(1, sizeof(*o));
	if (!o) {
		sites_free(sites);
		*code = command_complain(EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	o->sites = sites;
	o->several = intake->sites;
	o->options = *options;
	if (o->several && !site_list_open(intake->sites, sites_count(sites) + 1))
		o->out_of_memory = true;
	if (o->out_of_memory || !open_rows(o, intake, pipeline, ledger)) {
		outlets_close(o);
		*code = command_complain(EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	return o;
}

void outlets_close(struct outlets *o)
{
	if (!o)
		return;
	for (size_t i = 0; o->rows && i < o->n; i++) {
		if (o->rows[i].own)
			pipeline_free(o->rows[i].pipeline);
		free(o->rows[i].wans);
	}
	free(o->rows);
	sites_free(o->sites);
	if (o->recording)
		free(o->recording->gaps);
	free(o->recording);
	free(o->of_source);
	free(o->files);
	free(o);
}

/* ---- frames ---- */

/* The dissection of a site, made when it is needed. */
static bool ready(struct outlets *o, struct outlet *row)
{
	if (row->pipeline)
		return true;
	row->pipeline = pipeline_new(row->ledger, &o->options);
	row->own = row->pipeline;
	if (row->pipeline && o->begun) {
		tell_losses(row, &o->at_begin, NULL);
		if (!pipeline_begin(row->pipeline, row->wans, row->n_wans))
			o->out_of_memory = true;
	}
	o->out_of_memory |= !row->pipeline;
	return row->pipeline;
}

void outlets_feed(struct outlets *o, const struct source *source, const struct frame *frame)
{
	struct sites_place place;
	struct frame turned = *frame;
	size_t n;
	const struct frame_wan *wans = source_wans(source, &n);

	o->out_of_memory |= !sites_place(o->sites, frame, &place);
	bool nobody = place.site == sites_count(o->sites);
	struct outlet *row = &o->rows[o->several ? place.site : 0];
	if (nobody && !o->several) {
		turned.wan = interface_wan(o, frame->wan, wans[frame->wan].name);
	} else {
		turned.mark = place.mark;
		turned.wan = nobody || place.wan == sites_wans(o->sites, place.site)
		                     ? untold_wan(o, row)
		                     : place.wan;
	}
	if (ready(o, row) && turned.wan < row->n_wans)
		pipeline_feed(row->pipeline, &row->wans[turned.wan],
		              &source_files(source, &n)[frame->file], &turned);
}

bool outlets_begin(struct outlets *o, const struct source *source)
{
	o->begun = true;
	o->at_begin = source ? losses(source) : (struct frame_wan){0};
	sites_begin(o->sites);
	for (size_t i = 0; i < o->n; i++) {
		struct outlet *row = &o->rows[i];

		tell_losses(row, &o->at_begin, NULL);
		if (row->pipeline && !pipeline_begin(row->pipeline, row->wans, row->n_wans))
			o->out_of_memory = true;
	}
	return !o->out_of_memory;
}

/* ---- the end ---- */

const struct frame_wan *outlets_wans(struct outlets *o, const struct source *source, size_t *n)
{
	struct frame_wan sum = losses(source);

	tell_losses(&o->rows[0], &sum, recording_of(o, sum.recording));
	*n = o->rows[0].n_wans;
	return o->rows[0].wans;
}

const struct frame_file *outlets_files(struct outlets *o, const struct source *source, size_t *n)
{
	const struct frame_file *files = source_files(source, n);

	free(o->files);
	o->files = calloc(*n + 1, sizeof(*files));
	if (!o->files) {
		o->out_of_memory = true;
		*n = 0;
		return NULL;
	}
	for (size_t i = 0; i < *n; i++) {
		uint32_t wan = files[i].wan;

		o->files[i] = files[i];
		o->files[i].wan = wan < o->n_of_source && o->of_source[wan] != NOT_MET
		                          ? o->of_source[wan]
		                          : 0;
	}
	return o->files;
}

/* Subflows of nobody may be of any site that only address IDs tell. */
static uint64_t elsewhere(const struct outlets *o, size_t site)
{
	const struct sites_tally *nobody = sites_tally(o->sites, sites_count(o->sites));

	if (site >= sites_count(o->sites) || !sites_by_id(o->sites, site))
		return 0;
	return nobody->untold[UNTOLD_OPENING] + nobody->untold[UNTOLD_JOINED] +
	       nobody->untold[UNTOLD_MIDWAY];
}

static void tally_one(const struct outlets *o, size_t site, struct ledger *ledger)
{
	const struct sites_tally *tally = sites_tally(o->sites, site);
	uint64_t other = elsewhere(o, site), any = tally->contradicted + other;

	for (unsigned i = UNTOLD_NOT + 1; i < UNTOLD_COUNT; i++)
		any += tally->untold[i];
	if (any == 0)
		return;
	uint32_t wan = ledger_wan(ledger, OUTLETS_UNTOLD);
	if (wan >= LEDGER_WANS_MAX)
		return;
	struct ledger_counters *n = &ledger->wans[wan].counters;
	n->untold_opening_frames += tally->untold[UNTOLD_OPENING];
	n->untold_joined_frames += tally->untold[UNTOLD_JOINED];
	n->untold_midway_frames += tally->untold[UNTOLD_MIDWAY];
	n->untold_plain_frames += tally->untold[UNTOLD_PLAIN];
	n->untold_other_frames += tally->untold[UNTOLD_OTHER];
	n->untold_elsewhere_frames += other;
	n->contradicted_joins += tally->contradicted;
}

void outlets_tally(struct outlets *o)
{
	if (sites_any_id(o->sites))
		tally_one(o, 0, o->rows[0].ledger);
}

bool outlets_finish(struct outlets *o, const struct source *source)
{
	struct frame_wan sum = losses(source);
	const struct frame_recording *recording = recording_of(o, sum.recording);
	size_t n_files;
	const struct frame_file *files = outlets_files(o, source, &n_files);

	for (size_t i = 0; i < o->n && !o->out_of_memory; i++) {
		struct outlet *row = &o->rows[i];

		if (row->n_wans == 0 || !ready(o, row))
			continue;
		tell_losses(row, &sum, recording);
		pipeline_finish(row->pipeline, row->wans, row->n_wans, files, n_files);
		tally_one(o, i, row->ledger);
		pipeline_free(row->pipeline);
		row->pipeline = NULL;
		row->own = false;
	}
	return !o->out_of_memory;
}
