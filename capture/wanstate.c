/* SPDX-License-Identifier: MIT
 *
 * wanstate.c - a WAN and its device: absent, down, up; closed, asked for, open, drained.
 *
 * A WAN is opened as soon as its device exists: the kernel holds the socket while the device is
 * down and delivers from the first frame after it came up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "record.h"
#include "record_inside.h"

/* ---- which WAN ---- */

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static bool forget(struct recorder *r, struct wan *wan);

static struct series *series_for(struct recorder *r, const char *wan)
{
	struct series *series = r->series;

	if (!r->streaming)
		while (series->used)
			series++;
	if (!series->used) {
		series->used = true;
		series->next = series->cut_mono = 0; /* of the one that was here before */
		series->stream = (unsigned)(series - r->series);
		snprintf(series->name, sizeof(series->name), "%s", wan);
	}
	return series;
}

static void begin(struct recorder *r, struct wan *wan, const struct settings_interface *pattern,
                  const char *device)
{
	struct writer_state before;

	*wan = (struct wan){
		.used = true,
		.pattern = *pattern,
		.block = NO_BLOCK,
		.linktype = LINK_ETHERNET,
		.offset_ns = r->offset_ns,
		.gap = STATE_ABSENT,
		.gap_mono = r->mono,
	};
	snprintf(wan->name, sizeof(wan->name), "%s", pattern->wan[0] ? pattern->wan : device);
	snprintf(wan->device, sizeof(wan->device), "%s", device);
	wan->series = series_for(r, wan->name);
	writer_look(r->writer, wan->series->stream, &before);
	wan->before_stored = before.stored;
	wan->before_lost = before.lost;
	settings_request(&r->settings, pattern, wan->device, &wan->request);
}

/* Devices that a glob found and that went long ago make room for others: names of modems and
 * tunnels may change each time. */
static struct wan *slot(struct recorder *r)
{
	struct wan *longest = NULL;

	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++) {
		if (!wan->used)
			return wan;
		if (wan->state == DEVICE_ABSENT && wan->capture == WAN_CLOSED &&
		    is_glob(wan->pattern.pattern) &&
		    (!longest || wan->gap_mono < longest->gap_mono))
			longest = wan;
	}
	return longest && forget(r, longest) ? longest : NULL;
}

static struct wan *add(struct recorder *r, const struct settings_interface *pattern,
                       const char *device)
{
	struct wan *wan = slot(r);

	if (wan) {
		begin(r, wan, pattern, device);
		return wan;
	}
	if (r->told_many_mono && r->mono - r->told_many_mono < LOG_EVERY)
		return NULL;
	r->told_many_mono = r->mono;
	status_log("%s: not recorded: %d WANs are as many as one recorder takes", device,
	           SETTINGS_INTERFACES);
	return NULL;
}

struct wan *wan_for_device(struct recorder *r, const char *device)
{
	const struct settings_interface *pattern;

	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && strcmp(wan->device, device) == 0)
			return wan;
	pattern = settings_match(&r->settings, device);
	return pattern ? add(r, pattern, device) : NULL;
}

void wan_expect(struct recorder *r)
{
	for (size_t i = 0; i < r->settings.n_interfaces; i++) {
		const struct settings_interface *pattern = &r->settings.interfaces[i];

		if (!is_glob(pattern->pattern) && !r->stopping)
			wan_for_device(r, pattern->pattern);
	}
}

/* ---- gaps ---- */

/* What keeps frames from being recorded now. One that is opened anew was not away. */
static enum quality_state hindrance(const struct wan *wan)
{
	if (wan->state == DEVICE_ABSENT)
		return STATE_ABSENT;
	if (wan->capture != WAN_OPEN || !wan->live)
		return wan->trouble[0] || wan->gap == STATE_STOPPED ? STATE_STOPPED
		                                                    : STATE_ABSENT; /* not yet */
	return wan->state == DEVICE_DOWN ? STATE_DOWN : STATE_COUNT;
}

static void settle_gap(struct recorder *r, struct wan *wan)
{
	enum quality_state now = hindrance(wan);
	struct quality_line line;

	if (now == wan->gap)
		return;
	/* Where nothing was recorded before, there is no gap in it. */
	if (wan->gap != STATE_COUNT && r->mono > wan->gap_mono && wan->series->open) {
		quality_begin(&line, QUALITY_GAP);
		quality_word(&line, "state", quality_states[wan->gap]);
		quality_number(&line, "from_ns", (uint64_t)((int64_t)wan->gap_mono + r->offset_ns));
		quality_number(&line, "to_ns", r->real);
		wan_note(wan, &line);
	}
	wan->gap = now;
	wan->gap_mono = r->mono;
	wan->due = true;
}

/* ---- opening and closing ---- */

static void ask(struct recorder *r, struct wan *wan)
{
	settings_request(&r->settings, &wan->pattern, wan->device, &wan->request);
	wan->ticket = ++r->tickets;
	wan->capture = WAN_ASKED;
	if (keeper_ask_open(r->keeper, wan->ticket, &wan->request) != 0)
		r->stopping = true; /* the keeper is gone: so is our purpose */
}

static bool enough(const struct recorder *r)
{
	return r->settings.count && r->put >= r->settings.count;
}

/* Frames that the kernel handed over and that nobody will read any more. Behind libpcap the kernel
 * also counts such as its filter refuses later. */
static uint64_t left_behind(const struct recorder *r, const struct wan *wan)
{
	uint64_t taken = wan->put - wan->open_put + wan->counts.dropped;

	if (wan->backend != LIVE_RING || enough(r) || wan->counts.received < taken)
		return 0;
	return wan->counts.received - taken;
}

void wan_close(struct recorder *r, struct wan *wan)
{
	if (!wan->live)
		return;
	wan->earlier_dropped = wan_dropped(wan); /* which counts anew */
	wan->earlier_dropped += left_behind(r, wan);
	wan->counts = (struct live_counts){0};
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, live_fd(wan->live), NULL);
	live_close(wan->live);
	wan->live = NULL;
	wan->blocked = false;
	keeper_ask_close(r->keeper, wan->ticket);
}

/* Its slot is free then. False: its file could not end for lack of memory; it stays, closed. */
static bool forget(struct recorder *r, struct wan *wan)
{
	wan_close(r, wan);
	wan->capture = WAN_CLOSED;
	if (wan->has_next)
		live_dispose(&wan->next);
	wan->has_next = false;
	wan->next_ticket = 0;
	if (!r->streaming && !series_end(r, wan->series, "reload"))
		return false;
	if (!r->streaming)
		wan->series->used = false;
	r->forgotten_dropped += wan->earlier_dropped;
	wan->used = false;
	return true;
}

static void attach(struct recorder *r, struct wan *wan, const struct live_prepared *prepared,
                   uint32_t ticket)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = wan};

	wan->ticket = ticket;
	wan->live = live_attach(prepared);
	if (!wan->live || epoll_ctl(r->epoll, EPOLL_CTL_ADD, live_fd(wan->live), &event) != 0) {
		snprintf(wan->trouble, sizeof(wan->trouble), "%s", strerror(errno));
		wan_close(r, wan);
		wan->capture = WAN_CLOSED;
		wan->retry_mono = r->mono + RETRY_NS;
		return;
	}
	wan->capture = WAN_OPEN;
	wan->linktype = prepared->linktype;
	wan->backend = prepared->backend;
	wan->ifindex = prepared->ifindex;
	wan->trouble[0] = '\0';
	wan->refused = false;
	wan->block = NO_BLOCK;
	wan->opened++;
	wan->open_put = wan->put;
	wan->seen = true;
	if (wan->state == DEVICE_ABSENT)
		wan->state = DEVICE_DOWN; /* netlink's word comes later */
	settle_gap(r, wan);
	status_news_wan(r, wan, "recording WAN %s%s%s (%s, %u KiB)", wan->name,
	                wan->pattern.role[0] ? " as " : "", wan->pattern.role,
	                live_backend_names[wan->backend], prepared->ring_bytes / 1024);
}

static void drain(struct recorder *r, struct wan *wan)
{
	if (wan->capture != WAN_OPEN)
		return;
	wan->capture = WAN_DRAINING;
	wan->drain_mono = r->mono + DRAIN_NS(wan);
	settle_gap(r, wan);
}

/* ---- what happens to it ---- */

void wan_device(struct recorder *r, const struct device *device)
{
	struct wan *wan = wan_for_device(r, device->name);

	if (!wan || r->stopping)
		return;
	/* A device of the same name with another number is another device. */
	bool other = device->state == DEVICE_ABSENT || device->ifindex != wan->ifindex;

	if (other && wan->live)
		drain(r, wan);
	if (wan->state != device->state && !other)
		status_news_wan(r, wan, "%s", device->state == DEVICE_UP ? "up" : "down");
	if (device->state == DEVICE_ABSENT && wan->state != DEVICE_ABSENT)
		status_news_wan(r, wan, "the device is gone; waiting for it");
	wan->state = device->state;
	if (device->state != DEVICE_ABSENT) {
		wan->seen = true;
		wan->retry_mono = r->mono;
		if (wan->live && !other)
			wan->block = NO_BLOCK; /* its addresses may be others now */
	}
	settle_gap(r, wan);
	wan_tend(r, wan);
}

static struct wan *by_ticket(struct recorder *r, uint32_t ticket)
{
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && (wan->ticket == ticket || wan->next_ticket == ticket))
			return wan;
	return NULL;
}

static void opened(struct recorder *r, struct keeper_answer *answer)
{
	struct wan *wan = by_ticket(r, answer->ticket);

	if (!wan || r->stopping || (wan->live && wan->has_next)) {
		live_dispose(&answer->prepared);
		keeper_ask_close(r->keeper, answer->ticket);
		return;
	}
	if (wan->live) { /* the one before has not been read to its end */
		wan->next = answer->prepared;
		wan->has_next = true;
		return;
	}
	attach(r, wan, &answer->prepared, answer->ticket);
}

static void refused(struct recorder *r, const struct keeper_answer *answer)
{
	struct wan *wan = by_ticket(r, answer->ticket);

	if (!wan)
		return;
	wan->next_ticket = 0;
	wan->retry_mono = r->mono + RETRY_NS;
	if (wan->live)
		return;
	wan->capture = WAN_CLOSED;
	if (answer->error != -ENODEV) /* else it went in the meantime */
		snprintf(wan->trouble, sizeof(wan->trouble), "%.150s", answer->message);
	settle_gap(r, wan);
	if (answer->error == -ENODEV)
		return;
	if (!wan->refused)
		status_log("%s: cannot open: %s", wan->device, answer->message);
	wan->refused = true;
	if (r->ready)
		return; /* one that comes later never touches the others */
	if (answer->error == -EPERM)
		r->failure = RECORD_DENIED;
	if (answer->error == -EINVAL)
		r->failure = RECORD_USAGE;
}

void wan_answer(struct recorder *r, struct keeper_answer *answer)
{
	if (answer->word == KEEPER_OPENED)
		opened(r, answer);
	else if (answer->word == KEEPER_REFUSED)
		refused(r, answer);
}

void wan_trouble(struct recorder *r, struct wan *wan)
{
	int error = wan->live ? live_trouble(wan->live) : 0;

	if (error == 0)
		return;
	if (error == -ENETDOWN) {
		const struct device *device = devices_by_name(r->devices, wan->device);

		wan->state = device ? device->state : wan->state;
		settle_gap(r, wan);
		return;
	}
	if (error != -ENODEV)
		status_news_wan(r, wan, "%s; opening it again", strerror(-error));
	drain(r, wan);
}

/* ---- frames ---- */

/* A clock step lies between the file and this frame: its stamp is nearer to the new clock. */
static bool beyond_step(const struct recorder *r, const struct wan *wan, uint64_t ts_ns)
{
	int64_t before = (int64_t)(ts_ns - r->mono) - wan->offset_ns;
	int64_t after = (int64_t)(ts_ns - r->mono) - r->offset_ns;

	return llabs(after) < llabs(before);
}

static bool stepped(const struct recorder *r, const struct wan *wan)
{
	return wan->series->open && llabs(r->offset_ns - wan->offset_ns) > CLOCK_STEP_NS;
}

static void note_step(struct recorder *r, struct wan *wan, int64_t by_ns)
{
	struct quality_line line;

	quality_begin(&line, QUALITY_STEP);
	quality_number(&line, "at_ns", r->real);
	quality_signed(&line, "by_ns", by_ns);
	wan_note(wan, &line);
}

/* The clock was set: the file of the old clock ends, one of the new begins. False: no memory now.
 * A stream is one file: it goes on. */
static bool cross_step(struct recorder *r, struct wan *wan)
{
	int64_t by_ns = r->offset_ns - wan->offset_ns;

	if (r->streaming) {
		wan->offset_ns = r->offset_ns;
		wan->block = NO_BLOCK;
		note_step(r, wan, by_ns);
		return true;
	}
	if (!series_end(r, wan->series, "rotate"))
		return false;
	note_step(r, wan, by_ns);
	return series_open(r, wan->series);
}

/* One frame into its file. False: no memory now, it stays where it is. */
static bool take(struct recorder *r, struct wan *wan, const struct live_frame *frame)
{
	bool stepping = stepped(r, wan) && beyond_step(r, wan, frame->ts_ns);
	bool cutting = !r->stopping && wan->series->cut_mono &&
	               (int64_t)(frame->ts_ns - wan->series->cut_mono) > wan->offset_ns;

	wan->blocked = (stepping && !cross_step(r, wan)) ||
	               (cutting && !stepping && !series_cross(r, wan->series)) ||
	               !series_frame(r, wan, frame);
	if (!wan->blocked)
		live_take(wan->live);
	return !wan->blocked;
}

bool wan_read(struct recorder *r, struct wan *wan, unsigned most)
{
	const struct live_frame *frame = NULL;

	wan->blocked = false;
	while (most-- > 0 && wan->live && !enough(r) && (frame = live_head(wan->live)))
		if (!take(r, wan, frame))
			return false;
	return frame != NULL;
}

/* Frames of several WANs leave in the order of their times: the earliest of all that are there. */
static struct wan *earliest(struct recorder *r, uint64_t *ts_ns)
{
	struct wan *first = NULL;

	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++) {
		const struct live_frame *frame = wan->live ? live_head(wan->live) : NULL;

		if (!frame || (first && frame->ts_ns >= *ts_ns))
			continue;
		first = wan;
		*ts_ns = frame->ts_ns;
	}
	return first;
}

uint64_t wan_merge(struct recorder *r, unsigned most)
{
	uint64_t ts_ns = 0;
	struct wan *wan = NULL;

	while (most-- > 0 && !enough(r) && (wan = earliest(r, &ts_ns))) {
		uint64_t wait = DRAIN_NS(wan);

		/* What another ring still holds back may be earlier than this one. */
		if (ts_ns + wait > r->real && ts_ns < r->real + wait)
			return r->mono + (ts_ns + wait - r->real);
		if (!take(r, wan, live_head(wan->live)))
			return UINT64_MAX;
	}
	return wan && !enough(r) ? r->mono : UINT64_MAX;
}

/* ---- what becomes due ---- */

static void finish_drain(struct recorder *r, struct wan *wan)
{
	if (wan->capture != WAN_DRAINING || r->mono < wan->drain_mono || live_head(wan->live))
		return;
	wan_close(r, wan);
	wan->capture = WAN_CLOSED;
	wan->due = true;
	if (wan->has_next) {
		wan->has_next = false;
		attach(r, wan, &wan->next, wan->next_ticket);
	} else if (wan->next_ticket) { /* the keeper is at it */
		wan->ticket = wan->next_ticket;
		wan->capture = WAN_ASKED;
	}
	wan->next_ticket = 0;
}

/* The device is there again before the capture of the one before was read to its end. */
static void ask_next(struct recorder *r, struct wan *wan)
{
	if (wan->capture != WAN_DRAINING || wan->next_ticket || wan->state == DEVICE_ABSENT ||
	    r->mono < wan->retry_mono)
		return;
	wan->next_ticket = ++r->tickets;
	settings_request(&r->settings, &wan->pattern, wan->device, &wan->request);
	keeper_ask_open(r->keeper, wan->next_ticket, &wan->request);
}

void wan_tend(struct recorder *r, struct wan *wan)
{
	finish_drain(r, wan);
	if (!r->stopping) {
		ask_next(r, wan);
		if (wan->capture == WAN_CLOSED && wan->state != DEVICE_ABSENT &&
		    r->mono >= wan->retry_mono)
			ask(r, wan);
	}
	if (stepped(r, wan) && r->mono - r->step_mono > DRAIN_NS(wan) &&
	    !(wan->live && live_head(wan->live)))
		cross_step(r, wan);
	if (wan->due)
		series_statistics(r, wan, NULL);
}

uint64_t wan_deadline(const struct recorder *r, const struct wan *wan)
{
	uint64_t at = UINT64_MAX;

	if (wan->capture == WAN_DRAINING)
		at = wan->drain_mono;
	if (wan->capture == WAN_CLOSED && wan->state != DEVICE_ABSENT && wan->retry_mono < at &&
	    !r->stopping)
		at = wan->retry_mono;
	if (stepped(r, wan) && r->step_mono + DRAIN_NS(wan) < at)
		at = r->step_mono + DRAIN_NS(wan) + 1;
	return at;
}

void wan_stop(struct recorder *r, struct wan *wan)
{
	if (wan->has_next)
		live_dispose(&wan->next);
	wan->has_next = false;
	wan->next_ticket = 0;
	if (wan->capture == WAN_ASKED)
		wan->capture = WAN_CLOSED;
	if (wan->capture != WAN_OPEN)
		return;
	keeper_ask_quiet(r->keeper, wan->ticket);
	wan->capture = WAN_DRAINING;
	wan->drain_mono = r->mono + DRAIN_NS(wan);
}

/* ---- new settings ---- */

static bool same(const struct wan *wan, const struct settings_interface *pattern,
                 const struct live_request *request)
{
	return strcmp(wan->pattern.role, pattern->role) == 0 &&
	       strcmp(wan->pattern.wan, pattern->wan) == 0 &&
	       strcmp(wan->request.filter, request->filter) == 0 &&
	       wan->request.keep == request->keep &&
	       wan->request.ring_bytes == request->ring_bytes &&
	       wan->request.backend == request->backend;
}

/* Its next file begins now: it says what passed by before the device is open again. */
static void reopen(struct recorder *r, struct wan *wan, const struct settings_interface *pattern)
{
	enum device_state state = wan->state;
	bool seen = wan->seen;
	char device[IFNAMSIZ];

	memcpy(device, wan->device, sizeof(device));
	if (!forget(r, wan))
		return;
	begin(r, wan, pattern, device);
	wan->state = state;
	wan->seen = seen;
	if (state == DEVICE_ABSENT)
		return;
	wan->gap = STATE_STOPPED;
	wan->due = true;
}

void wan_resettle(struct recorder *r)
{
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++) {
		const struct settings_interface *pattern =
			wan->used ? settings_match(&r->settings, wan->device) : NULL;
		struct live_request request;

		if (!wan->used)
			continue;
		if (!pattern) {
			status_news(r, "%s: not recorded any more", wan->device);
			forget(r, wan);
			continue;
		}
		settings_request(&r->settings, pattern, wan->device, &request);
		if (same(wan, pattern, &request))
			continue;
		status_news(r, "%s: its settings changed; it is opened anew", wan->device);
		reopen(r, wan, pattern);
	}
}
