/* SPDX-License-Identifier: MIT
 *
 * recording.c - see recording.h.
 */
#include "recording.h"

#include <stdlib.h>

#include "clock.h"
#include "thin.h"

void recording_release(struct recording *recording)
{
	free(recording->interfaces);
	free(recording->wans);
	recording->interfaces = NULL;
	recording->wans = NULL;
	recording->n_interfaces = recording->cap_interfaces = 0;
	recording->n_wans = recording->cap_wans = 0;
}

uint64_t recording_shifted(uint64_t ns, int64_t shift_ns)
{
	if (shift_ns < 0 && ns < (uint64_t)-shift_ns)
		return 0;
	ns += (uint64_t)shift_ns;
	return ns > SAVEFILE_TIME_MAX ? SAVEFILE_TIME_MAX : ns;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void *grown(void *rows, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap * 2 : 4;

	if (n < *cap)
		return rows;
	rows = realloc(rows, more * size);
	if (rows)
		*cap = more;
	return rows;
}

/* ---- the notes of an interface description ---- */

static void take_warning(struct recording_interface *interface, const char *text, size_t length)
{
	if (interface->n_warnings == RECORDING_WARNINGS)
		return;
	struct frame_warning *warning = &interface->warnings[interface->n_warnings];
	*warning = (struct frame_warning){0};
	if (!quality_get(text, length, "code", warning->code, sizeof(warning->code)))
		return;
	quality_get(text, length, "about", warning->about, sizeof(warning->about));
	interface->n_warnings++;
}

/* Which recording this is: said in each note, the same in all, but for the clock of a stream. */
static void take_identity(struct recording *recording, struct recording_interface *interface,
                          const char *text, size_t length)
{
	bool clock = quality_get_signed(text, length, "offset_ns", &interface->offset_ns);

	if (recording->told)
		return;
	recording->told = true;
	recording->boot[0] = '\0';
	recording->sequence = 0;
	recording->offset_ns = interface->offset_ns;
	quality_get_number(text, length, "seq", &recording->sequence);
	if (clock) /* else there is nothing to compare with other files of the boot */
		quality_get(text, length, "boot", recording->boot, sizeof(recording->boot));
}

/* Of what was kept whole nothing is missing. */
static void take_kept(struct savefile_interface *interface, const char *text, size_t length)
{
	char as[FRAME_WORD];

	interface->thinned = !quality_get(text, length, "as", as, sizeof(as)) ||
	                     strcmp(as, thin_reasons[THIN_WHOLE]) != 0;
}

bool recording_describe(struct recording *recording, const struct savefile *savefile,
                        struct savefile_record *record)
{
	struct recording_interface row = {0};
	enum quality_name name;
	const char *text;
	size_t length;
	bool ours = false;

	while (savefile_comment(savefile, record, &text, &length)) {
		if (!quality_parse(text, length, &name))
			continue;
		if (name == QUALITY_KEPT)
			take_kept(&savefile->interfaces[record->interface], text, length);
		if (name == QUALITY_WARNING)
			take_warning(&row, text, length);
		if (name != QUALITY_INTERFACE)
			continue;
		ours = true;
		quality_get(text, length, "wan", row.wan, sizeof(row.wan));
		quality_get(text, length, "role", row.role, sizeof(row.role));
		quality_get(text, length, "device", row.device, sizeof(row.device));
		take_identity(recording, &row, text, length);
	}
	if (!ours)
		return true;
	roster_clean(row.wan, sizeof(row.wan));
	void *rows = grown(recording->interfaces, &recording->cap_interfaces,
	                   recording->n_interfaces, sizeof(*recording->interfaces));
	if (!rows)
		return false;
	recording->interfaces = rows;
	recording->interfaces[recording->n_interfaces++] = row;
	savefile->interfaces[record->interface].told = (uint32_t)recording->n_interfaces;
	return true;
}

/* A small difference is the clock being slewed: it still stamps what it stamped. */
static bool same_clock(int64_t a, int64_t b)
{
	int64_t apart;

	return !__builtin_sub_overflow(a, b, &apart) && apart <= CLOCK_STEP_NS &&
	       apart >= -CLOCK_STEP_NS;
}

int64_t recording_moved(const struct recording *recording,
                        const struct savefile_interface *interface)
{
	int64_t own = interface->told ? recording->interfaces[interface->told - 1].offset_ns : 0;
	int64_t moved;

	if (!interface->told || same_clock(recording->offset_ns, own) ||
	    __builtin_sub_overflow(recording->offset_ns, own, &moved) || moved > INT64_MAX / 4 ||
	    moved < -(INT64_MAX / 4))
		return 0;
	return moved;
}

/* ---- WANs of the file ---- */

static struct recording_wan *row_of(struct recording *recording,
                                    const struct savefile_interface *interface)
{
	uint32_t row = interface->told ? recording->interfaces[interface->told - 1].row : 0;

	return row ? &recording->wans[row - 1] : NULL;
}

static uint32_t find_row(struct recording *recording, uint32_t wan)
{
	uint32_t i = 0;

	while (i < recording->n_wans && recording->wans[i].wan != wan)
		i++;
	if (i < recording->n_wans)
		return i + 1;
	void *rows = grown(recording->wans, &recording->cap_wans, recording->n_wans,
	                   sizeof(*recording->wans));
	if (!rows)
		return 0;
	recording->wans = rows;
	recording->wans[recording->n_wans++] =
		(struct recording_wan){.wan = wan, .counted = {.opens = true}};
	return (uint32_t)recording->n_wans;
}

/* ---- the kernel's counters ---- */

/* `counted` ends: the file does, or another device or clock comes, when all of this one has. */
static void end_counted(const struct recording *recording, struct recording_wan *row,
                        struct roster *roster, bool of_file)
{
	struct counted *counted = &row->counted;
	bool opens = counted->opens;

	memcpy(counted->boot, recording->boot, sizeof(counted->boot));
	counted->sequence = recording->sequence;
	counted->closes = of_file;
	counted->whole = row->ended;
	counted->final = !of_file || row->stopped;
	counted->dropped = add(row->dropped_kernel, row->dropped_own);
	opens = opens && counted->first.at_ns == 0;
	if (!row->filtered)
		roster_counted(roster, row->wan, counted);
	row->counted = (struct counted){.opens = opens};
}

static void take_counters(const struct recording *recording, struct recording_wan *row,
                          struct roster *roster, const char *text, size_t length)
{
	struct counted_note now = {.dropped = add(row->dropped_kernel, row->dropped_own)};
	uint64_t rx, tx, rx_bytes, tx_bytes;

	if (!quality_get_number(text, length, "at_ns", &now.at_ns) || now.at_ns == 0 ||
	    !quality_get_number(text, length, "rx_frames", &rx) ||
	    !quality_get_number(text, length, "tx_frames", &tx) ||
	    !quality_get_number(text, length, "rx_bytes", &rx_bytes) ||
	    !quality_get_number(text, length, "tx_bytes", &tx_bytes))
		return;
	quality_get_number(text, length, "ifindex", &now.ifindex);
	/* halved, so that sums of them stay sums whatever a file claims */
	now.frames = add(rx, tx) & INT64_MAX;
	now.bytes = add(rx_bytes, tx_bytes) & INT64_MAX;
	if (counted_note(&row->counted, &now))
		return;
	end_counted(recording, row, roster, false);
	counted_note(&row->counted, &now);
}

void recording_frame(struct recording *recording, const struct savefile_interface *interface,
                     uint64_t ts_ns, uint64_t moved_ns, uint32_t wire_len)
{
	struct recording_wan *row = row_of(recording, interface);

	if (!row)
		return;
	if (row->from_ns == 0 || moved_ns < row->from_ns)
		row->from_ns = moved_ns;
	if (moved_ns > row->to_ns)
		row->to_ns = moved_ns;
	counted_frame(&row->counted, ts_ns, wire_len);
}

/* ---- an interface meets its WAN ---- */

bool recording_settle(struct recording *recording, struct roster *roster,
                      const struct savefile_interface *interface, bool counting)
{
	struct recording_interface *told = &recording->interfaces[interface->told - 1];
	size_t before = recording->n_wans;
	struct frame_recording *sums = roster_recording(roster, interface->wan);

	told->row = find_row(recording, interface->wan);
	if (!sums || !told->row)
		return false;
	struct recording_wan *row = &recording->wans[told->row - 1];
	if (!same_clock(row->offset_ns, told->offset_ns))
		end_counted(recording, row, roster, false);
	row->offset_ns = told->offset_ns;
	row->filtered |= interface->filtered || interface->thinned;
	if (told->role[0])
		roster_role(roster, interface->wan, told->role);
	if (told->device[0])
		roster_device(roster, interface->wan, told->device);
	if (!counting)
		return true;
	sums->files += recording->n_wans > before;
	for (unsigned i = 0; i < told->n_warnings; i++)
		roster_warn(roster, interface->wan, &told->warnings[i]);
	return true;
}

/* ---- the notes of a statistics block ---- */

static void take_gap(const struct recording_wan *row, struct roster *roster,
                     const struct savefile_record *record, const char *text, size_t length,
                     int64_t shift_ns)
{
	struct frame_span gap = {.state = STATE_COUNT};
	char state[FRAME_WORD];
	bool closed = quality_get_number(text, length, "to_ns", &gap.to_ns);

	if (!quality_get(text, length, "state", state, sizeof(state)) ||
	    !quality_get_number(text, length, "from_ns", &gap.from_ns))
		return;
	for (uint8_t i = 0; i < STATE_COUNT; i++)
		if (strcmp(state, quality_states[i]) == 0)
			gap.state = i;
	if (!closed) /* it lasts */
		gap.to_ns = record->end_ns > record->at_ns ? record->end_ns : record->at_ns;
	quality_get_number(text, length, "lost", &gap.lost);
	gap.from_ns = recording_shifted(gap.from_ns, shift_ns);
	gap.to_ns = recording_shifted(gap.to_ns, shift_ns);
	if (gap.state < STATE_COUNT && gap.from_ns <= gap.to_ns)
		roster_gap(roster, row->wan, &gap, closed);
}

static void take_step(const struct recording_wan *row, struct roster *roster, const char *text,
                      size_t length, int64_t shift_ns)
{
	uint64_t at_ns = UINT64_MAX;
	int64_t by_ns = 0;

	if (quality_get_number(text, length, "at_ns", &at_ns))
		at_ns = recording_shifted(at_ns, shift_ns);
	quality_get_signed(text, length, "by_ns", &by_ns);
	roster_step_note(roster, row->wan, at_ns, by_ns);
}

static void take_note(struct recording *recording, struct recording_wan *row, struct roster *roster,
                      const struct savefile_record *record, enum quality_name name,
                      const char *text, size_t length, int64_t shift_ns)
{
	struct recording_interface warned = {0};
	char reason[FRAME_WORD];

	switch (name) {
	case QUALITY_COUNTERS:
		take_counters(recording, row, roster, text, length);
		break;
	case QUALITY_GAP:
		take_gap(row, roster, record, text, length, shift_ns);
		break;
	case QUALITY_STEP:
		take_step(row, roster, text, length, shift_ns);
		break;
	case QUALITY_WARNING:
		take_warning(&warned, text, length);
		if (warned.n_warnings)
			roster_warn(roster, row->wan, &warned.warnings[0]);
		break;
	case QUALITY_REPAIRED:
		recording->repaired = true;
		break;
	case QUALITY_END:
		row->ended = true;
		row->stopped = quality_get(text, length, "reason", reason, sizeof(reason)) &&
		               strcmp(reason, "stop") == 0;
		break;
	default:
		break;
	}
}

static void stretch(uint64_t *from_ns, uint64_t *to_ns, uint64_t from, uint64_t to)
{
	if (from && (*from_ns == 0 || from < *from_ns))
		*from_ns = from;
	if (to > *to_ns)
		*to_ns = to;
}

/* `moved_ns` puts its times on the clock of the file, `shift_ns` those of the file where they
 * belong. */
static void take_cover(struct recording *recording, struct recording_wan *row,
                       struct roster *roster, const struct savefile_record *record,
                       int64_t moved_ns, int64_t shift_ns, struct frame_file *file)
{
	uint64_t from = recording_shifted(record->start_ns, moved_ns);
	uint64_t to = recording_shifted(record->end_ns, moved_ns);

	if (record->start_ns == 0 || to < from)
		return;
	if (recording->began_ns == 0 || from < recording->began_ns)
		recording->began_ns = from;
	stretch(&row->from_ns, &row->to_ns, from, to);
	from = recording_shifted(from, shift_ns);
	to = recording_shifted(to, shift_ns);
	stretch(&file->from_ns, &file->to_ns, from, to);
	roster_cover(roster, row->wan, from, to);
}

void recording_statistics(struct recording *recording, struct roster *roster,
                          const struct savefile *savefile, struct savefile_record *record,
                          int64_t shift_ns, struct frame_file *file)
{
	const struct savefile_interface *interface = &savefile->interfaces[record->interface];
	struct recording_wan *row = row_of(recording, interface);
	int64_t moved_ns = recording_moved(recording, interface);
	enum quality_name name;
	const char *text;
	size_t length;

	if (!row)
		return;
	take_cover(recording, row, roster, record, moved_ns, shift_ns, file);
	if (record->drops_known) {
		uint64_t kernel = record->dropped_kernel, own = record->dropped_own;

		roster_lost_more(roster, row->wan,
		                 kernel > row->dropped_kernel ? kernel - row->dropped_kernel : 0,
		                 own > row->dropped_own ? own - row->dropped_own : 0);
		row->dropped_kernel = kernel > row->dropped_kernel ? kernel : row->dropped_kernel;
		row->dropped_own = own > row->dropped_own ? own : row->dropped_own;
	}
	while (savefile_comment(savefile, record, &text, &length))
		if (quality_parse(text, length, &name))
			take_note(recording, row, roster, record, name, text, length,
			          shift_ns + moved_ns);
}

void recording_end(struct recording *recording, struct roster *roster, int64_t shift_ns,
                   struct frame_file *file)
{
	for (size_t i = 0; i < recording->n_wans; i++) {
		struct recording_wan *row = &recording->wans[i];
		struct frame_recording *sums = roster_recording(roster, row->wan);

		end_counted(recording, row, roster, true);
		if (!sums)
			continue;
		sums->repaired += recording->repaired;
		sums->unfinished += !row->ended && !recording->repaired;
		if (row->from_ns == 0)
			continue;
		int64_t shift = shift_ns + roster->extras[row->wan].shift_ns;
		uint64_t from = recording_shifted(row->from_ns, shift),
			 to = recording_shifted(row->to_ns, shift);
		stretch(&file->from_ns, &file->to_ns, from, to);
		roster_cover(roster, row->wan, from, to);
	}
	file->recorded = true;
	file->repaired = recording->repaired;
	file->shift_ns = shift_ns;
}
