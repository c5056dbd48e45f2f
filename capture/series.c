/* SPDX-License-Identifier: MIT
 *
 * series.c - the files of a WAN: what stands at their head, between the frames, and at their end.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pcapng.h"
#include "record_inside.h"
#include "snap.h"

#define APPLICATION "mptcp-captured " MPTCP_AUDIT_VERSION

/* A netlink answer takes some 20 microseconds; one that took longer was interrupted. */
#define COUNT_NS    200000
#define COUNT_TRIES 5

/* A frame must fit into a block of the writer's. */
#define FRAME_MOST (WRITER_BLOCK - 256u)

/* The WANs of a series one by one, from NULL to NULL: a series of files has one, the stream all. */
static struct wan *next_wan(struct recorder *r, const struct series *series, struct wan *wan)
{
	for (wan = wan ? wan + 1 : r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && wan->series == series)
			return wan;
	return NULL;
}

uint64_t series_lost(const struct recorder *r, const struct wan *wan)
{
	struct writer_state state;

	writer_look(r->writer, wan->series->stream, &state);
	return state.lost - wan->before_lost;
}

static void put(struct recorder *r, struct series *series, size_t bytes, unsigned frames)
{
	writer_put(r->writer, series->stream, bytes, frames);
	series->bytes += bytes;
	r->unflushed = true;
}

/* ---- the head ---- */

/* The last words of a file may have been lost with the disk: then the next file says them. */
static void settle_told(struct recorder *r, struct wan *wan)
{
	struct writer_state state;

	writer_look(r->writer, wan->series->stream, &state);
	if (!state.suspended || state.stored - wan->before_stored >= wan->telling.put)
		wan->told = wan->telling;
}

/* The files that are being written must leave room for complete ones, or the ring could only stop:
 * all of them together, at their largest, take half of it. */
static uint64_t file_most(const struct recorder *r)
{
	uint64_t most = r->settings.rotate_bytes, share = UINT64_MAX;

	if (r->settings.max_bytes && r->open_series)
		share = r->settings.max_bytes / (4 * r->open_series);
	return share < most ? share : most;
}

bool series_open(struct recorder *r, struct series *series)
{
	uint8_t *room;

	if (series->open)
		return true;
	if (!series->next)
		series->next = writer_sequence(r->writer, series->name);
	if (!writer_begin(r->writer, series->stream, series->name, series->next, r->real))
		return false;
	room = writer_room(r->writer, series->stream, PCAPNG_BLOCK_MAX);
	if (!room)
		return false;
	series->bytes = 0;
	put(r, series, pcapng_section(room, r->machine, r->os, APPLICATION), 0);
	series->open = true;
	series->sequence = series->next;
	series->next = 0;
	series->began_mono = series->cut_mono ? series->cut_mono : r->mono;
	series->n_blocks = 0;
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));) {
		wan->block = NO_BLOCK;
		wan->offset_ns = r->offset_ns;
		wan->file_put = wan->put;
		settle_told(r, wan);
		wan->file_dropped = wan->told.dropped;
		wan->file_lost = wan->told.lost;
		if (!series_describe(r, wan))
			wan->due = true;
		else if (series->cut_mono)
			series_statistics(r, wan,
			                  NULL); /* the counters the one before ended with */
		wan->cut.length = 0;
	}
	series->cut_mono = 0;
	r->open_series++;
	r->file_most = file_most(r);
	return true;
}

static const char *kept(uint32_t keep, char *text, size_t size)
{
	if (keep == KEEP_HEADERS)
		return "headers";
	if (keep == 0)
		return "all";
	snprintf(text, size, "%u", keep);
	return text;
}

static void note_offload(struct quality_line *line, const struct device_hardware *hardware)
{
	static const struct {
		const char *name;
		size_t at;
	} features[] = {
		{"gro", offsetof(struct device_hardware, gro)},
		{"gso", offsetof(struct device_hardware, gso)},
		{"tso", offsetof(struct device_hardware, tso)},
		{"lro", offsetof(struct device_hardware, lro)},
		{"hw_tc", offsetof(struct device_hardware, hw_tc)},
	};
	char text[64] = "";

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		if (!*((const bool *)((const char *)hardware + features[i].at)))
			continue;
		if (text[0])
			strcat(text, ",");
		strcat(text, features[i].name);
	}
	quality_word(line, "offload", text[0] ? text : "none");
}

static const char *device_name(const struct recorder *r, uint32_t ifindex)
{
	const struct device *device = ifindex ? devices_by_index(r->devices, ifindex) : NULL;

	return device ? device->name : "";
}

static void note_interface(struct recorder *r, const struct wan *wan, const struct device *device,
                           const struct device_hardware *hardware, struct quality_line *line)
{
	char text[16];

	quality_begin(line, QUALITY_INTERFACE);
	quality_word(line, "wan", wan->name);
	if (wan->pattern.role[0])
		quality_word(line, "role", wan->pattern.role);
	quality_word(line, "device", wan->device);
	quality_word(line, "boot", r->boot);
	quality_number(line, "seq", wan->series->sequence);
	quality_signed(line, "offset_ns", wan->offset_ns);
	quality_word(line, "keep", kept(wan->request.keep, text, sizeof(text)));
	quality_word(line, "backend", live_backend_names[wan->backend]);
	quality_number(line, "ifindex", device ? device->ifindex : 0);
	if (!device)
		return;
	quality_number(line, "mtu", device->mtu);
	if (device->kind[0])
		quality_word(line, "kind", device->kind);
	if (device->parent)
		quality_word(line, "parent", device_name(r, device->parent));
	if (device->master)
		quality_word(line, "bridge", device_name(r, device->master));
	note_offload(line, hardware);
}

static bool recorded(const struct recorder *r, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < SETTINGS_INTERFACES; i++)
		if (r->wans[i].used && r->wans[i].live && r->wans[i].ifindex == ifindex)
			return true;
	return false;
}

/* The kernel lists the devices that carry PPPoE sessions, but not whose: any PPP device that is
 * recorded too is suspected. */
static bool carries_pppoe(const struct recorder *r, const struct device *device)
{
	char text[4096], *line, *next;
	ssize_t n = r->pppoe < 0 ? -1 : pread(r->pppoe, text, sizeof(text) - 1, 0);
	bool ppp = false;

	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		ppp |= r->wans[i].used && r->wans[i].live && r->wans[i].linktype == LINK_RAW;
	if (n <= 0 || !ppp)
		return false;
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		const char *last = strrchr(line, ' ');

		if (last && strcmp(last + 1, device->name) == 0)
			return true;
	}
	return false;
}

/* Two of the recorded devices on top of each other: the same packets twice. */
static bool stacked(const struct recorder *r, const struct device *device)
{
	if (recorded(r, device->parent))
		return true;
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++) {
		const struct device *other =
			r->wans[i].used && r->wans[i].live
				? devices_by_index(r->devices, r->wans[i].ifindex)
				: NULL;

		if (other && other->parent == device->ifindex)
			return true;
	}
	return carries_pppoe(r, device);
}

static bool warns(const struct recorder *r, const char *code, const struct device *device,
                  const struct device_hardware *hardware)
{
	if (strcmp(code, "super_frames") == 0)
		return hardware->gro || hardware->gso || hardware->tso || hardware->lro;
	if (strcmp(code, "hw_offload") == 0)
		return hardware->hw_tc;
	if (strcmp(code, "stacked") == 0)
		return stacked(r, device);
	return strcmp(code, "bridge_port") == 0 && recorded(r, device->master);
}

/* The warnings of a device, as notes; each is also told once. */
static unsigned note_warnings(const struct recorder *r, struct wan *wan,
                              const struct device *device, const struct device_hardware *hardware,
                              struct quality_line *lines, unsigned most)
{
	unsigned n = 0;

	for (size_t i = 0; i < quality_n_warnings && n < most; i++) {
		if (!warns(r, quality_warnings[i].code, device, hardware))
			continue;
		quality_begin(&lines[n], QUALITY_WARNING);
		quality_word(&lines[n], "code", quality_warnings[i].code);
		quality_word(&lines[n++], "about", wan->device);
		if (!(wan->warned & 1u << i))
			status_log("%s: %s", wan->device, quality_warnings[i].meaning);
		wan->warned |= 1u << i;
	}
	return n;
}

static size_t write_interface(struct recorder *r, struct wan *wan, uint8_t *room)
{
	struct quality_line lines[PCAPNG_NOTES];
	struct device_hardware hardware = {0};
	const struct device *device = devices_by_name(r->devices, wan->device);
	char description[SETTINGS_NAME + 32];
	struct pcapng_interface block = {
		.name = wan->device,
		.description = description,
		.filter = wan->request.filter[0] ? wan->request.filter : NULL,
		.os = r->os,
		.snaplen = wan->request.keep == KEEP_HEADERS ? SNAP_OTHER : wan->request.keep,
		.linktype = wan->linktype,
		.n_notes = 1,
	};

	snprintf(description, sizeof(description), "WAN %s%s%s", wan->name,
	         wan->pattern.role[0] ? ", role " : "", wan->pattern.role);
	if (device) {
		devices_hardware(r->devices, device->name, &hardware);
		block.hardware = hardware.driver[0] ? hardware.driver : NULL;
		block.own = device->own;
		block.prefix = device->prefix;
		block.n_own = device->n_own;
		block.mac = device->mac_length == 6 ? device->mac : NULL;
		block.speed_bits = hardware.speed_bits;
		block.n_notes +=
			note_warnings(r, wan, device, &hardware, lines + 1, PCAPNG_NOTES - 1);
	}
	note_interface(r, wan, device, &hardware, &lines[0]);
	for (unsigned i = 0; i < block.n_notes; i++)
		block.notes[i] = lines[i].text;
	return pcapng_interface(room, &block);
}

bool series_describe(struct recorder *r, struct wan *wan)
{
	uint8_t *room;

	if (wan->block != NO_BLOCK)
		return true;
	if (!series_open(r, wan->series))
		return false;
	if (wan->block != NO_BLOCK)
		return true; /* opening described it */
	room = writer_room(r->writer, wan->series->stream, PCAPNG_BLOCK_MAX);
	if (!room)
		return false;
	put(r, wan->series, write_interface(r, wan, room), 0);
	wan->block = wan->series->n_blocks++;
	wan->due = true; /* a first look at the kernel's counters */
	return true;
}

/* ---- between the frames, and at the end ---- */

/* The kernel's counts and the moment they are of: asked again when something came between. */
static bool count(struct recorder *r, const struct wan *wan, struct device_counters *counters,
                  uint64_t *at_ns)
{
	for (unsigned tries = 0; tries < COUNT_TRIES; tries++) {
		uint64_t before = clock_mono(r->clock), took;

		if (!wan->ifindex || !devices_counters(r->devices, wan->ifindex, counters))
			return false;
		took = clock_mono(r->clock) - before;
		*at_ns = (uint64_t)((int64_t)(before + took / 2) + r->offset_ns);
		if (took < COUNT_NS)
			break;
	}
	return true;
}

static bool note_counters(struct recorder *r, const struct wan *wan, struct quality_line *line)
{
	struct device_counters counters = {0};
	uint64_t at_ns;

	if (!count(r, wan, &counters, &at_ns))
		return false;
	quality_begin(line, QUALITY_COUNTERS);
	quality_number(line, "at_ns", at_ns);
	quality_number(line, "ifindex", wan->ifindex);
	quality_number(line, "rx_frames", counters.rx_frames);
	quality_number(line, "rx_bytes", counters.rx_bytes);
	quality_number(line, "rx_dropped", counters.rx_dropped);
	quality_number(line, "tx_frames", counters.tx_frames);
	quality_number(line, "tx_bytes", counters.tx_bytes);
	quality_number(line, "tx_dropped", counters.tx_dropped);
	return true;
}

static void note_gap(const struct wan *wan, struct quality_line *line)
{
	quality_begin(line, QUALITY_GAP);
	quality_word(line, "state", quality_states[wan->gap]);
	quality_number(line, "from_ns", (uint64_t)((int64_t)wan->gap_mono + wan->offset_ns));
}

bool series_statistics(struct recorder *r, struct wan *wan, const char *end_reason)
{
	struct quality_line counters, gap, end;
	struct series *series = wan->series;
	struct pcapng_statistics block = {0};
	uint64_t stored;
	uint8_t *room;

	if (!series_describe(r, wan))
		return false;
	room = writer_room(r->writer, series->stream, PCAPNG_BLOCK_MAX);
	if (!room)
		return false;
	if (series->cut_mono && wan->cut.length)
		block.notes[block.n_notes++] = wan->cut.text;
	else if (note_counters(r, wan, &counters))
		block.notes[block.n_notes++] = counters.text;
	for (unsigned i = 0; i < wan->n_notes && block.n_notes < PCAPNG_NOTES - 2; i++)
		block.notes[block.n_notes++] = wan->notes[i].text;
	if (wan->gap != STATE_COUNT) {
		note_gap(wan, &gap);
		block.notes[block.n_notes++] = gap.text;
	}
	if (end_reason) {
		quality_begin(&end, QUALITY_END);
		quality_word(&end, "reason", end_reason);
		block.notes[block.n_notes++] = end.text;
	}
	block.interface = wan->block;
	block.at_ns = (uint64_t)((int64_t)(series->cut_mono ? series->cut_mono : r->mono) +
	                         wan->offset_ns);
	block.start_ns = (uint64_t)((int64_t)series->began_mono + wan->offset_ns);
	block.end_ns = block.at_ns;
	settle_told(r, wan);
	wan->telling = (struct wan_told){wan->put, wan_dropped(wan),
	                                 r->streaming ? 0 : series_lost(r, wan)};
	block.dropped_kernel = wan->telling.dropped - wan->file_dropped;
	block.dropped_own = wan->telling.lost - wan->file_lost;
	stored = wan->put - wan->file_put;
	/* What was lost of earlier files is told here and was not put into this one. */
	block.delivered = stored > block.dropped_own ? stored - block.dropped_own : 0;
	block.received = block.delivered + block.dropped_kernel + block.dropped_own;
	put(r, series, pcapng_statistics(room, &block), 0);
	wan->n_notes = 0;
	wan->due = false;
	return true;
}

bool series_end(struct recorder *r, struct series *series, const char *reason)
{
	if (!series->open)
		return true;
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));)
		if (!series_statistics(r, wan, reason))
			return false;
	writer_end(r->writer, series->stream);
	series->open = false;
	r->open_series--;
	/* What comes now needs a file that begins, which may have to wait for memory. */
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));)
		wan->block = NO_BLOCK;
	return true;
}

/* Drops since the last file ended, when memory for the next one was short. */
static bool untold(struct recorder *r, const struct series *series)
{
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));)
		if (wan_dropped(wan) != wan->telling.dropped)
			return true;
	return false;
}

bool series_finish(struct recorder *r, struct series *series)
{
	if (!series->open && !untold(r, series))
		return true;
	return series_open(r, series) && series_end(r, series, "stop");
}

/* ---- from file to file ---- */

void series_cut(struct recorder *r, struct series *series)
{
	if (!series->open || series->cut_mono)
		return;
	series->cut_mono = clock_mono(r->clock);
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));)
		if (!note_counters(r, wan, &wan->cut))
			wan->cut.length = 0;
}

bool series_cross(struct recorder *r, struct series *series)
{
	return series_end(r, series, "rotate") && series_open(r, series);
}

/* Nothing of before the cut can come any more. */
static bool cut_is_over(struct recorder *r, const struct series *series)
{
	uint64_t wait = 0;

	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));)
		if (wan->live && DRAIN_NS(wan) > wait)
			wait = DRAIN_NS(wan);
	return r->mono >= series->cut_mono + wait;
}

/* ---- frames ---- */

bool series_frame(struct recorder *r, struct wan *wan, const struct live_frame *frame)
{
	struct series *series = wan->series;
	uint32_t caplen = frame->caplen < FRAME_MOST ? frame->caplen : FRAME_MOST;
	uint8_t *room;

	if (wan->block == NO_BLOCK && !series_describe(r, wan))
		return false;
	room = writer_room(r->writer, series->stream, pcapng_packet_size(caplen));
	if (!room)
		return false;
	put(r, series,
	    pcapng_packet(room, wan->block, frame->ts_ns, frame->data, caplen, frame->wire_len,
	                  frame->mark, frame->segment_size),
	    1);
	wan->put++;
	r->put++;
	if (series->bytes < r->file_most || r->streaming)
		return true;
	series_cut(r, series);
	if (series->bytes >= 2 * r->file_most)
		series_cross(r, series); /* too much of before the cut: the limit counts more */
	return true;
}

/* ---- time and disk ---- */

static void note_suspended(struct recorder *r, struct series *series, uint64_t lost)
{
	for (struct wan *wan = NULL; (wan = next_wan(r, series, wan));) {
		struct quality_line line;

		quality_begin(&line, QUALITY_GAP);
		quality_word(&line, "state", quality_states[STATE_SUSPENDED]);
		quality_number(&line, "from_ns",
		               (uint64_t)((int64_t)series->suspended_mono + r->offset_ns));
		quality_number(&line, "to_ns", r->real);
		quality_number(&line, "lost", lost);
		wan_note(wan, &line);
	}
}

static void watch_disk(struct recorder *r, struct series *series)
{
	struct writer_state state;

	writer_look(r->writer, series->stream, &state);
	if (state.suspended && !series->suspended) {
		series->suspended = true;
		series->suspended_mono = r->mono;
		status_log("%s: cannot write (%s): frames are counted and lost until there is room",
		           series->name, strerror(-state.error));
	} else if (!state.suspended && series->suspended) {
		series->suspended = false;
		status_log("%s: writes again; %llu frames were lost", series->name,
		           (unsigned long long)(state.lost - series->noted_lost));
		note_suspended(r, series, state.lost - series->noted_lost);
		series->noted_lost = state.lost;
	}
	if (state.wants_begin && !r->streaming && !r->stopping && series->open &&
	    series_end(r, series, "suspended"))
		series_open(r, series);
}

void series_tend(struct recorder *r, struct series *series)
{
	watch_disk(r, series);
	if (r->streaming || !series->open)
		return;
	if (r->mono - series->began_mono >= r->settings.rotate_ns ||
	    series->n_blocks >= FILE_BLOCKS)
		series_cut(r, series);
	if (series->cut_mono && !r->stopping && cut_is_over(r, series))
		series_cross(r, series);
}
