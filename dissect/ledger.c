/* SPDX-License-Identifier: MIT
 *
 * ledger.c - the tables of a ledger and the counting of frames into them.
 */
#include "ledger_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const kind_names[KIND_COUNT] = {
	[KIND_PAYLOAD] = "payload",
	[KIND_RETRANSMISSION] = "retransmission",
	[KIND_REINJECTION] = "reinjection",
	[KIND_REDUNDANT] = "redundant",
	[KIND_KEEPALIVE] = "keepalive",
	[KIND_KEEPALIVE_ACK] = "keepalive_ack",
	[KIND_ZERO_WINDOW_PROBE] = "zero_window_probe",
	[KIND_ACK] = "ack",
	[KIND_HANDSHAKE] = "handshake",
	[KIND_SIGNAL] = "signal",
	[KIND_TEARDOWN] = "teardown",
	[KIND_RESET] = "reset",
	[KIND_OTHER] = "other",
	[KIND_DUPLICATE] = "duplicate",
	[KIND_UNREAD] = "unread",
};

const char *const direction_names[DIR_COUNT] = {"up", "down", "unknown"};
const char *const confidence_names[CONF_COUNT] = {"key", "token", "dsn", "plain", "orphan"};
const char *const traffic_names[TRAFFIC_COUNT] = {"mptcp", "fallback", "plain", "other", "local"};

const char *const event_names[EVENT_COUNT] = {
	[EVENT_CAPABLE_SYN] = "capable_syn",
	[EVENT_CAPABLE_ANSWERED] = "capable_answered",
	[EVENT_CAPABLE_PLAIN] = "capable_plain",
	[EVENT_CAPABLE_VERSION] = "capable_version",
	[EVENT_CAPABLE_STRIPPED_LATER] = "capable_stripped_later",
	[EVENT_PLAIN_SYN] = "plain_syn",
	[EVENT_JOIN_SYN] = "join_syn",
	[EVENT_JOIN_ANSWERED] = "join_answered",
	[EVENT_JOIN_ESTABLISHED] = "join_established",
	[EVENT_JOIN_PLAIN] = "join_plain",
	[EVENT_JOIN_REFUSED] = "join_refused",
	[EVENT_JOIN_UP_BACKUP] = "join_up_backup",
	[EVENT_JOIN_UP_NORMAL] = "join_up_normal",
	[EVENT_JOIN_DOWN_BACKUP] = "join_down_backup",
	[EVENT_JOIN_DOWN_NORMAL] = "join_down_normal",
	[EVENT_PRIO_UP_BACKUP] = "prio_up_backup",
	[EVENT_PRIO_UP_NORMAL] = "prio_up_normal",
	[EVENT_PRIO_DOWN_BACKUP] = "prio_down_backup",
	[EVENT_PRIO_DOWN_NORMAL] = "prio_down_normal",
	[EVENT_MP_FAIL] = "mp_fail",
	[EVENT_FASTCLOSE] = "fastclose",
	[EVENT_TCPRST] = "tcprst",
	[EVENT_INFINITE_MAPPING] = "infinite_mapping",
	[EVENT_HMAC_GOOD] = "hmac_good",
	[EVENT_HMAC_BAD] = "hmac_bad",
	[EVENT_CHECKSUM_GOOD] = "checksum_good",
	[EVENT_CHECKSUM_BAD] = "checksum_bad",
	[EVENT_OPTION_CUT] = "option_cut",
	[EVENT_OPTION_MALFORMED] = "option_malformed",
	[EVENT_OPTION_UNKNOWN] = "option_unknown",
	[EVENT_HEADER_CUT] = "header_cut",
	[EVENT_SUPER_FRAME] = "super_frame",
	[EVENT_BACKWARDS] = "backwards",
	[EVENT_IDLE_USED] = "idle_used",
	[EVENT_IDLE_ANSWERED] = "idle_answered",
	[EVENT_IDLE_RESET] = "idle_reset",
	[EVENT_SKEW] = "skew",
};

/* The last one is 365 days: the 292 years of a signed 64-bit nanosecond count fit in 293 of them.
 */
const uint32_t ledger_widths_s[LEDGER_WIDTHS] = {1, 10, 60, 300, 3600, 86400, 31536000};

/* ---- life ---- */

void ledger_init(struct ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
}

static void wan_release(struct ledger_wan *wan)
{
	free(wan->name);
	free(wan->buckets);
	free(wan->cells);
	free(wan->places);
	ledger_record_free(wan->record);
	ledger_peers_free(wan->peers);
}

void ledger_release(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_wans; i++)
		wan_release(&ledger->wans[i]);
	for (size_t i = 0; i < ledger->n_apps; i++)
		free(ledger->apps[i]);
	for (size_t i = 0; i < ledger->n_files; i++) {
		free(ledger->files[i].name);
		free(ledger->files[i].message);
	}
	free(ledger->interruptions);
	for (size_t i = 0; i < ledger->n_connections; i++)
		free(ledger->connections[i].subflows);
	free(ledger->apps);
	free(ledger->circumstances);
	free(ledger->files);
	free(ledger->files_by_name);
	free(ledger->connections);
	ledger_init(ledger);
}

bool ledger_grow(void **array, size_t *capacity, size_t count, size_t element_size)
{
	size_t wanted;
	void *moved;

	if (count < *capacity)
		return true;
	wanted = *capacity ? *capacity * 2 : 8;
	moved = realloc(*array, wanted * element_size);
	if (!moved)
		return false;
	*array = moved;
	*capacity = wanted;
	return true;
}

/* ---- names ---- */

/* Length of the valid UTF-8 sequence at s, 0 when there is none (RFC 3629, table of section 4). */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char from, to, second_from, second_to;
		size_t length;
	} rows[] = {
		{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (s[0] < rows[i].from || s[0] > rows[i].to)
			continue;
		if (rows[i].length > 1 && (s[1] < rows[i].second_from || s[1] > rows[i].second_to))
			return 0;
		for (size_t k = 2; k < rows[i].length; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].length;
	}
	return 0;
}

char *ledger_text(const char *bytes)
{
	const unsigned char *in = (const unsigned char *)bytes;
	char *text = malloc(strlen(bytes) * 3 + 1);
	char *out = text;

	if (!text)
		return NULL;
	while (*in) {
		size_t length = utf8_sequence(in);

		memcpy(out, length ? (const char *)in : "\xef\xbf\xbd", length ? length : 3);
		out += length ? length : 3;
		in += length ? length : 1;
	}
	*out = '\0';
	return text;
}

/* ---- tables ---- */

static uint32_t wan_by_name(const struct ledger *ledger, const char *name)
{
	for (uint32_t i = 0; i < ledger->n_wans; i++)
		if (!strcmp(ledger->wans[i].name, name))
			return i;
	return LEDGER_WANS_MAX;
}

uint32_t ledger_wan(struct ledger *ledger, const char *name)
{
	char *text = ledger_text(name);
	uint32_t found;

	if (!text)
		return LEDGER_WANS_MAX;
	found = wan_by_name(ledger, text);
	if (found < LEDGER_WANS_MAX || ledger->n_wans == LEDGER_WANS_MAX) {
		free(text);
		return found;
	}
	memset(&ledger->wans[ledger->n_wans], 0, sizeof(ledger->wans[0]));
	ledger->wans[ledger->n_wans].name = text;
	return (uint32_t)ledger->n_wans++;
}

/* Entry 0 of apps and circumstances stands for "none"; it is made with the first other one. */
static bool apps_ready(struct ledger *ledger)
{
	if (ledger->apps)
		return true;
	ledger->apps = calloc(LEDGER_APPS_MAX, sizeof(*ledger->apps));
	if (!ledger->apps)
		return false;
	ledger->apps[0] = ledger_text("");
	ledger->n_apps = ledger->apps[0] != NULL;
	return ledger->n_apps;
}

uint16_t ledger_app(struct ledger *ledger, const char *label)
{
	char *text;

	if (!*label || !apps_ready(ledger))
		return 0;
	for (size_t i = 1; i < ledger->n_apps; i++)
		if (!strcmp(ledger->apps[i], label))
			return (uint16_t)i;
	if (!ledger->n_apps || ledger->n_apps == LEDGER_APPS_MAX)
		return 0;
	text = ledger_text(label);
	if (!text)
		return 0;
	if (strcmp(text, label)) { /* was not UTF-8: it may be here in its clean form */
		uint16_t found = ledger_app(ledger, text);

		free(text);
		return found;
	}
	ledger->apps[ledger->n_apps] = text;
	return (uint16_t)ledger->n_apps++;
}

uint16_t ledger_circumstance(struct ledger *ledger, const struct ledger_circumstance *masks)
{
	if (!(masks->healthy | masks->degraded | masks->silent | masks->returned))
		return 0;
	if (!ledger->circumstances) {
		ledger->circumstances =
			calloc(LEDGER_CIRCUMSTANCES_MAX, sizeof(*ledger->circumstances));
		if (!ledger->circumstances)
			return 0;
		ledger->n_circumstances = 1;
	}
	for (size_t i = 1; i < ledger->n_circumstances; i++)
		if (!memcmp(&ledger->circumstances[i], masks, sizeof(*masks)))
			return (uint16_t)i;
	if (ledger->n_circumstances == LEDGER_CIRCUMSTANCES_MAX)
		return 0;
	ledger->circumstances[ledger->n_circumstances] = *masks;
	return (uint16_t)ledger->n_circumstances++;
}

/* Place of a name in files_by_name: where it is, or where it belongs. */
static size_t file_place(const struct ledger *ledger, const char *name)
{
	size_t low = 0, high = ledger->n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ledger->files[ledger->files_by_name[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool files_ready(struct ledger *ledger)
{
	size_t capacity = ledger->cap_files;

	if (ledger->n_files < ledger->cap_files)
		return true;
	if (!ledger_grow((void **)&ledger->files_by_name, &capacity, ledger->n_files,
	                 sizeof(*ledger->files_by_name)))
		return false;
	return ledger_grow((void **)&ledger->files, &ledger->cap_files, ledger->n_files,
	                   sizeof(*ledger->files));
}

uint32_t ledger_find_file(const struct ledger *ledger, const char *name)
{
	char *text = ledger_text(name);
	size_t place = text ? file_place(ledger, text) : ledger->n_files;
	bool found = place < ledger->n_files &&
	             !strcmp(ledger->files[ledger->files_by_name[place]].name, text);

	free(text);
	return found ? ledger->files_by_name[place] : LEDGER_FILES_MAX;
}

uint32_t ledger_file(struct ledger *ledger, const char *name, uint32_t wan)
{
	char *text = ledger_text(name);
	size_t place, n = ledger->n_files;

	if (!text)
		return LEDGER_FILES_MAX;
	place = file_place(ledger, text);
	if (place < n && !strcmp(ledger->files[ledger->files_by_name[place]].name, text)) {
		free(text);
		return ledger->files_by_name[place];
	}
	if (n == LEDGER_FILES_MAX || !files_ready(ledger)) {
		free(text);
		return LEDGER_FILES_MAX;
	}
	memmove(&ledger->files_by_name[place + 1], &ledger->files_by_name[place],
	        (n - place) * sizeof(*ledger->files_by_name));
	ledger->files_by_name[place] = (uint32_t)n;
	ledger->files[n] = (struct ledger_file){.name = text, .wan = wan};
	return (uint32_t)ledger->n_files++;
}

/* ---- evidence ---- */

static int frame_order(const struct ledger *ledger, const struct evidence_frame *a,
                       const struct evidence_frame *b)
{
	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	if (a->file != b->file)
		return strcmp(ledger->files[a->file].name, ledger->files[b->file].name);
	return a->number < b->number ? -1 : a->number > b->number;
}

void ledger_show(const struct ledger *ledger, struct evidence *first,
                 const struct evidence_frame *frame)
{
	uint32_t place = first->count;

	if (frame->file >= ledger->n_files)
		return;
	while (place > 0) {
		int order = frame_order(ledger, frame, &first->frames[place - 1]);

		if (order == 0)
			return;
		if (order > 0)
			break;
		place--;
	}
	if (place == EVIDENCE_FRAMES)
		return;
	if (first->count < EVIDENCE_FRAMES)
		first->count++;
	memmove(&first->frames[place + 1], &first->frames[place],
	        (first->count - place - 1) * sizeof(*frame));
	first->frames[place] = *frame;
}

/* ---- buckets ---- */

void ledger_forget_places(struct ledger_wan *wan)
{
	wan->last_bucket = 0;
	wan->bucket_start_ns = wan->bucket_span_ns = 0;
	memset(wan->cell_cache, 0, sizeof(wan->cell_cache));
}

static void bucket_add(const struct ledger *ledger, struct ledger_bucket *into,
                       const struct ledger_bucket *from)
{
	if (from->first_ns < into->first_ns)
		into->first_ns = from->first_ns;
	if (from->last_ns > into->last_ns)
		into->last_ns = from->last_ns;
	for (int d = 0; d < DIR_COUNT; d++)
		for (int k = 0; k < KIND_COUNT; k++)
			tally_add(&into->kinds[d][k], &from->kinds[d][k]);
	ledger_bucket_shares(ledger, into, from, NULL);
}

static void wan_coarsen(const struct ledger *ledger, struct ledger_wan *wan, uint32_t width_s)
{
	size_t out = 0;

	for (size_t i = 0; i < wan->n_buckets; i++) {
		uint64_t start_s = wan->buckets[i].start_s / width_s * width_s;

		if (out > 0 && wan->buckets[out - 1].start_s == start_s) {
			bucket_add(ledger, &wan->buckets[out - 1], &wan->buckets[i]);
			continue;
		}
		wan->buckets[out] = wan->buckets[i];
		wan->buckets[out++].start_s = start_s;
	}
	wan->n_buckets = out;
	wan->last_bucket = 0;
	wan->bucket_span_ns = 0;
}

void ledger_coarsen(struct ledger *ledger, uint32_t width)
{
	assert(width < LEDGER_WIDTHS);
	if (width <= ledger->width)
		return;
	ledger->width = width;
	for (size_t i = 0; i < ledger->n_wans; i++)
		wan_coarsen(ledger, &ledger->wans[i], ledger_widths_s[width]);
}

/* Place of the bucket that starts at start_s: where it is, or where it belongs. */
static size_t bucket_place(const struct ledger_wan *wan, uint64_t start_s)
{
	size_t low = 0, high = wan->n_buckets;

	if (high && wan->buckets[high - 1].start_s < start_s)
		return high; /* time mostly goes on */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wan->buckets[middle].start_s < start_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool bucket_insert(struct ledger_wan *wan, size_t place, uint64_t start_s, uint64_t ts_ns)
{
	if (!ledger_grow((void **)&wan->buckets, &wan->cap_buckets, wan->n_buckets,
	                 sizeof(*wan->buckets)))
		return false;
	memmove(&wan->buckets[place + 1], &wan->buckets[place],
	        (wan->n_buckets - place) * sizeof(*wan->buckets));
	memset(&wan->buckets[place], 0, sizeof(*wan->buckets));
	wan->buckets[place].start_s = start_s;
	wan->buckets[place].first_ns = wan->buckets[place].last_ns = ts_ns;
	if (wan->n_buckets == 0 || ts_ns < wan->first_ns)
		wan->first_ns = ts_ns;
	if (wan->n_buckets == 0 || ts_ns > wan->last_ns)
		wan->last_ns = ts_ns;
	wan->n_buckets++;
	return true;
}

struct ledger_bucket *ledger_bucket_at(struct ledger *ledger, struct ledger_wan *wan,
                                       uint64_t ts_ns)
{
	uint64_t width_s, start_s;
	size_t place;
	bool found;

	for (;;) {
		width_s = ledger_widths_s[ledger->width];
		start_s = ts_ns / NS_PER_S / width_s * width_s;
		place = bucket_place(wan, start_s);
		found = place < wan->n_buckets && wan->buckets[place].start_s == start_s;
		if (found || wan->n_buckets < LEDGER_BUCKETS_MAX)
			break;
		ledger_coarsen(ledger, ledger->width + 1);
	}
	if (!found && !bucket_insert(wan, place, start_s, ts_ns))
		return NULL;
	wan->last_bucket = place;
	wan->bucket_start_ns = start_s * NS_PER_S;
	wan->bucket_span_ns = width_s * NS_PER_S;
	if (wan->bucket_span_ns > LEDGER_SUM_MAX - wan->bucket_start_ns)
		wan->bucket_span_ns = LEDGER_SUM_MAX - wan->bucket_start_ns;
	return &wan->buckets[place];
}

/* ---- cells ---- */

uint64_t ledger_cell_key(const struct ledger_cell *cell)
{
	return (uint64_t)cell->shared << 48 | (uint64_t)cell->direction << 44 |
	       (uint64_t)cell->kind << 40 | (uint64_t)cell->traffic << 36 |
	       (uint64_t)cell->app << 16 | cell->circumstance;
}

static size_t cell_place(const struct ledger_wan *wan, uint64_t key)
{
	size_t low = 0, high = wan->n_cells;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wan->places[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool cells_ready(struct ledger_wan *wan)
{
	size_t capacity = wan->cap_cells;

	if (wan->n_cells < wan->cap_cells)
		return true;
	return ledger_grow((void **)&wan->places, &capacity, wan->n_cells, sizeof(*wan->places)) &&
	       ledger_grow((void **)&wan->cells, &wan->cap_cells, wan->n_cells,
	                   sizeof(*wan->cells));
}

struct ledger_cell *ledger_cell_at(struct ledger_wan *wan, const struct ledger_cell *like)
{
	struct ledger_cell key = *like;
	size_t place = cell_place(wan, ledger_cell_key(&key));

	if (place < wan->n_cells && wan->places[place].key == ledger_cell_key(&key))
		return &wan->cells[wan->places[place].cell];
	if (wan->n_cells >= LEDGER_CELLS_MAX && (key.app || key.circumstance)) {
		key.app = key.circumstance = 0;
		return ledger_cell_at(wan, &key);
	}
	if (!cells_ready(wan))
		return NULL;
	memmove(&wan->places[place + 1], &wan->places[place],
	        (wan->n_cells - place) * sizeof(*wan->places));
	wan->places[place].key = ledger_cell_key(&key);
	wan->places[place].cell = (uint32_t)wan->n_cells;
	memset(&key.sum, 0, sizeof(key.sum));
	memset(&key.first, 0, sizeof(key.first));
	wan->cells[wan->n_cells] = key;
	return &wan->cells[wan->n_cells++];
}

/* ---- counting: the hot path, once per frame ---- */

static struct ledger_cell *cell_of(struct ledger_wan *wan, const struct ledger_entry *entry,
                                   unsigned kind)
{
	uint16_t circumstance = kind < KIND_CARRYING ? entry->circumstance : 0;
	struct ledger_cell *cell =
		ledger_cell_at(wan, &(struct ledger_cell){.shared = entry->shared,
	                                                  .direction = entry->direction,
	                                                  .kind = (uint8_t)kind,
	                                                  .traffic = entry->traffic,
	                                                  .app = entry->app,
	                                                  .circumstance = circumstance});

	if (cell)
		wan->cell_cache[entry->shared][entry->direction][kind] =
			(uint32_t)(cell - wan->cells) + 1;
	return cell;
}

static inline void tally_count(struct tally *tally, const struct ledger_entry *entry,
                               uint64_t payload)
{
	tally->frames++;
	tally->l2_bytes += entry->l2_bytes;
	tally->ip_bytes += entry->ip_bytes;
	tally->payload_bytes += payload;
}

static void count_cell(struct ledger *ledger, struct ledger_cell *cell, struct tally *tally,
                       const struct ledger_entry *entry, uint64_t ts_ns)
{
	uint64_t payload = cell->kind < KIND_CARRYING ? entry->payload[cell->kind] : 0;
	struct evidence_frame frame = {
		.ts_ns = ts_ns, .number = entry->number, .file = entry->file};

	if (cell->kind == entry->kind) {
		tally_count(&cell->sum, entry, payload);
		tally_count(tally, entry, payload);
	} else { /* payload bytes of another kind than the frame's own go there without the frame */
		cell->sum.payload_bytes += payload;
		tally->payload_bytes += payload;
	}
	ledger_show(ledger, &cell->first, &frame);
	if (ts_ns > cell->last_ns)
		cell->last_ns = ts_ns;
}

static void stretch(uint64_t *first_ns, uint64_t *last_ns, uint64_t ts_ns)
{
	if (ts_ns > *last_ns)
		*last_ns = ts_ns;
	if (ts_ns < *first_ns)
		*first_ns = ts_ns;
}

/* Does how its WANs were matter for a frame of this kind? */
static inline bool has_share(const struct ledger_entry *entry)
{
	return entry->circumstance && entry->kind < KIND_CARRYING &&
	       entry->traffic == TRAFFIC_MPTCP;
}

/* Any frame. */
static __attribute__((noinline)) void count_slowly(struct ledger *ledger,
                                                   const struct ledger_entry *entry)
{
	uint64_t ts_ns = entry->ts_ns < LEDGER_SUM_MAX ? entry->ts_ns : LEDGER_SUM_MAX;
	struct ledger_bucket *bucket;
	struct ledger_cell *cell;
	struct ledger_wan *wan;

	assert(entry->direction < DIR_COUNT && entry->kind < KIND_COUNT &&
	       entry->traffic < TRAFFIC_COUNT);
	if (entry->wan >= ledger->n_wans) {
		ledger->frames_over_wans++;
		return;
	}
	wan = &ledger->wans[entry->wan];
	cell = cell_of(wan, entry, entry->kind);
	bucket = ledger_bucket_at(ledger, wan, ts_ns);
	if (!bucket || !cell) { /* out of memory: neither side counts it, so they still agree */
		ledger->frames_over_wans++;
		return;
	}
	stretch(&bucket->first_ns, &bucket->last_ns, ts_ns);
	stretch(&wan->first_ns, &wan->last_ns, ts_ns);
	count_cell(ledger, cell, &bucket->kinds[entry->direction][cell->kind], entry, ts_ns);
	if (has_share(entry))
		ledger_bucket_share(ledger, bucket, entry->circumstance, entry->ip_bytes);
	for (unsigned kind = 0; kind < KIND_CARRYING; kind++) {
		cell = kind != entry->kind && entry->payload[kind] ? cell_of(wan, entry, kind)
		                                                   : NULL;
		if (cell)
			count_cell(ledger, cell, &bucket->kinds[entry->direction][kind], entry,
			           ts_ns);
	}
}

/*
 * Nearly all frames: the bucket and the cell are those of the frame before of this kind, time went
 * on, the evidence is complete and the payload is of one kind. No calls, so few registers to save:
 * half the time of count_slowly().
 */
void ledger_count(struct ledger *ledger, const struct ledger_entry *entry)
{
	const uint32_t *payload = entry->payload;
	uint32_t carrying =
		0u - (entry->kind < KIND_CARRYING); /* a mask: kinds are hard to predict */
	uint32_t own = payload[entry->kind % KIND_CARRYING] & carrying;
	uint64_t all = (uint64_t)payload[0] + payload[1] + payload[2] + payload[3];
	struct ledger_bucket *bucket;
	struct ledger_cell *cell;
	struct ledger_wan *wan;
	uint64_t *share = NULL;
	uint32_t cached;

	if (entry->wan >= ledger->n_wans || all != own)
		goto slowly;
	wan = &ledger->wans[entry->wan];
	if (entry->ts_ns - wan->bucket_start_ns >= wan->bucket_span_ns ||
	    entry->ts_ns < wan->last_ns)
		goto slowly;
	cached = wan->cell_cache[entry->shared][entry->direction][entry->kind];
	if (!cached)
		goto slowly;
	cell = &wan->cells[cached - 1];
	if (cell->traffic != entry->traffic || cell->app != entry->app ||
	    cell->circumstance != (entry->circumstance & carrying) ||
	    cell->first.count < EVIDENCE_FRAMES ||
	    entry->ts_ns <= cell->first.frames[EVIDENCE_FRAMES - 1].ts_ns)
		goto slowly;
	bucket = &wan->buckets[wan->last_bucket];
	if (has_share(entry)) {
		share = ledger_bucket_share_of(bucket, entry->circumstance);
		if (!share)
			goto slowly;
		*share += entry->ip_bytes;
	}
	bucket->last_ns = wan->last_ns = cell->last_ns = entry->ts_ns;
	tally_count(&cell->sum, entry, own);
	tally_count(&bucket->kinds[entry->direction][entry->kind], entry, own);
	return;
slowly:
	count_slowly(ledger, entry);
}

bool ledger_run_open(struct ledger *ledger, const struct ledger_entry *entry,
                     struct ledger_run *run)
{
	if (entry->wan >= ledger->n_wans || entry->ts_ns >= LEDGER_SUM_MAX - NS_PER_S)
		return false;
	const struct ledger_cell *cell = cell_of(&ledger->wans[entry->wan], entry, entry->kind);
	if (!cell || cell->first.count < EVIDENCE_FRAMES ||
	    entry->ts_ns <= cell->first.frames[EVIDENCE_FRAMES - 1].ts_ns)
		return false;
	*run = (struct ledger_run){
		.key = *entry,
		.first_ns = entry->ts_ns,
		.last_ns = entry->ts_ns,
		.until_ns = (entry->ts_ns / NS_PER_S + 1) * NS_PER_S,
	};
	return true;
}

void ledger_run_close(struct ledger *ledger, struct ledger_run *run)
{
	struct ledger_wan *wan = &ledger->wans[run->key.wan];
	struct ledger_cell *cell = cell_of(wan, &run->key, run->key.kind);
	struct ledger_bucket *bucket = ledger_bucket_at(ledger, wan, run->first_ns);

	run->until_ns = 0;
	if (run->sum.frames == 0)
		return;
	if (!cell || !bucket) {
		ledger->frames_over_wans += run->sum.frames;
		return;
	}
	stretch(&bucket->first_ns, &bucket->last_ns, run->first_ns);
	stretch(&bucket->first_ns, &bucket->last_ns, run->last_ns);
	stretch(&wan->first_ns, &wan->last_ns, run->last_ns);
	tally_add(&cell->sum, &run->sum);
	if (run->last_ns > cell->last_ns)
		cell->last_ns = run->last_ns;
	tally_add(&bucket->kinds[run->key.direction][run->key.kind], &run->sum);
	if (has_share(&run->key))
		ledger_bucket_share(ledger, bucket, run->key.circumstance, run->sum.ip_bytes);
}

void ledger_note(struct ledger *ledger, uint32_t wan, enum event event, uint64_t ts_ns,
                 uint32_t file, uint64_t number)
{
	struct ledger_event *row;

	assert((unsigned)event < EVENT_COUNT);
	if (wan >= ledger->n_wans)
		return;
	row = &ledger->wans[wan].events[event];
	row->count++;
	if (ts_ns > LEDGER_SUM_MAX)
		ts_ns = LEDGER_SUM_MAX;
	ledger_show(ledger, &row->first,
	            &(struct evidence_frame){.ts_ns = ts_ns, .number = number, .file = file});
}

/* ---- reading ---- */

struct tally ledger_sum(const struct ledger_wan *wan, int shared, int direction, int kind,
                        int traffic)
{
	struct tally sum = {0};

	for (size_t i = 0; i < wan->n_cells; i++) {
		const struct ledger_cell *cell = &wan->cells[i];

		if ((shared < 0 || cell->shared == (shared != 0)) &&
		    (direction < 0 || cell->direction == direction) &&
		    (kind < 0 || cell->kind == kind) && (traffic < 0 || cell->traffic == traffic))
			tally_add(&sum, &cell->sum);
	}
	return sum;
}

static struct tally bucket_sum(const struct ledger_wan *wan, int direction, int kind)
{
	struct tally sum = {0};

	for (size_t i = 0; i < wan->n_buckets; i++)
		tally_add(&sum, &wan->buckets[i].kinds[direction][kind]);
	return sum;
}

static bool peers_fit(const struct ledger_wan *wan)
{
	struct tally peers = ledger_peers_sum(wan), cells = ledger_sum(wan, -1, -1, -1, -1);

	return peers.frames <= cells.frames && peers.l2_bytes <= cells.l2_bytes &&
	       peers.ip_bytes <= cells.ip_bytes && peers.payload_bytes <= cells.payload_bytes;
}

const char *ledger_check(const struct ledger *ledger, char *text, size_t size)
{
	for (size_t w = 0; w < ledger->n_wans; w++) {
		const struct ledger_wan *wan = &ledger->wans[w];

		if (!peers_fit(wan)) {
			snprintf(text, size, "WAN %s: its peers hold more than its cells", wan->name);
			return text;
		}

		for (int d = 0; d < DIR_COUNT; d++) {
			for (int k = 0; k < KIND_COUNT; k++) {
				struct tally cells = ledger_sum(wan, -1, d, k, -1);
				struct tally buckets = bucket_sum(wan, d, k);

				if (!memcmp(&cells, &buckets, sizeof(cells)))
					continue;
				snprintf(text, size,
				         "WAN %s, %s %s: cells hold %llu frames and %llu bytes, "
				         "buckets %llu and %llu",
				         wan->name, kind_names[k], direction_names[d],
				         (unsigned long long)cells.frames,
				         (unsigned long long)cells.l2_bytes,
				         (unsigned long long)buckets.frames,
				         (unsigned long long)buckets.l2_bytes);
				return text;
			}
		}
	}
	return NULL;
}
