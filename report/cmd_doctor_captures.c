/* SPDX-License-Identifier: MIT
 *
 * cmd_doctor_captures.c - see cmd_doctor.h: what a ledger of captures says of the captures.
 */
#include <string.h>

#include "cmd_doctor.h"
#include "file_flaws.h"
#include "page.h"
#include "text.h"

enum {
	SNAPLEN_ENOUGH =
		128, /* link, IP and TCP headers with all options; PPPoE and IPv6 need more */
	FRAMES_ENOUGH = 50, /* to miss a direction in */
};
#define HOUR_NS 3600000000000ULL

static const char *name_of(char out[200], const char *name)
{
	return text_safe(out, 200, name, 40);
}

/* ---- files ---- */

static void look_at_files(struct doctor *doctor, const struct ledger *ledger)
{
	char name[200], message[FILE_FLAW_TEXT], count[TEXT_SHORT];
	bool fine = true;

	for (size_t i = 0; i < ledger->n_files; i++) {
		const struct ledger_file *file = &ledger->files[i];

		page_path(name, sizeof(name), file->name, 48);
		text_count(count, file->snaplen);
		if (file->message)
			DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_flaw, doctor_flaw_cure, name,
			           file_flaw_say(message, file));
		else if (file->snaplen && file->snaplen < SNAPLEN_ENOUGH)
			DOCTOR_SAY(doctor, AILMENT_WARN, doctor_snaplen, doctor_snaplen_cure, name,
			           count);
		else
			continue;
		fine = false;
	}
	if (fine)
		DOCTOR_FINE(doctor, doctor_files_fine,
		            text_count(count, (uint64_t)ledger->n_files));
}

/* ---- a WAN ---- */

static uint64_t cut_headers(const struct ledger_wan *wan)
{
	return wan->events[EVENT_OPTION_CUT].count + wan->events[EVENT_HEADER_CUT].count;
}

static bool look_at_headers(struct doctor *doctor, const struct ledger_wan *wan, const char *name)
{
	uint64_t cut = cut_headers(wan);
	uint64_t super = wan->events[EVENT_SUPER_FRAME].count;
	char count[TEXT_SHORT];

	if (cut)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_cut, doctor_cut_cure, name,
		           text_count(count, cut));
	if (super)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_super, doctor_super_cure, name,
		           text_count(count, super));
	return !cut && !super;
}

static bool is_tunnel(const char *name)
{
	static const char *const tunnels[] = {"tun", "omrvpn", "wg", "mlvpn", "gt-", "dsvpn"};

	for (size_t i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++)
		if (strncmp(name, tunnels[i], strlen(tunnels[i])) == 0)
			return true;
	return false;
}

static bool is_loopback(const struct ledger_wan *wan)
{
	if (strcmp(wan->name, "lo") == 0)
		return true;
	for (unsigned i = 0; i < wan->n_own; i++)
		if (strncmp(wan->own[i].text, "127.", 4) == 0 ||
		    strcmp(wan->own[i].text, "::1") == 0)
			return true;
	return false;
}

static bool look_at_device(struct doctor *doctor, const struct ledger_wan *wan, const char *name)
{
	uint64_t copies = wan->counters.copies_frames;
	uint64_t twice = ledger_sum(wan, -1, -1, KIND_DUPLICATE, -1).frames;
	char count[TEXT_SHORT];

	if (is_loopback(wan))
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_loopback, doctor_device_cure, name);
	else if (is_tunnel(wan->name))
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_tunnel, doctor_device_cure, name);
	else if (copies)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_copies, doctor_stacked_cure, name,
		           text_count(count, copies));
	else if (twice)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_twice, doctor_stacked_cure, name,
		           text_count(count, twice));
	else
		return true;
	return false;
}

static bool look_at_directions(struct doctor *doctor, const struct ledger_wan *wan,
                               const char *name)
{
	uint64_t up = ledger_sum(wan, -1, DIR_UP, -1, -1).frames;
	uint64_t down = ledger_sum(wan, -1, DIR_DOWN, -1, -1).frames;

	if (up + down < FRAMES_ENOUGH || (up && down))
		return true;
	DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_one_way, doctor_one_way_cure, name);
	return false;
}

static bool look_at_losses(struct doctor *doctor, const struct ledger_wan *wan, const char *name)
{
	uint64_t lost = wan->counters.dropped_frames, seen = ledger_sum(wan, -1, -1, -1, -1).frames;
	char count[TEXT_SHORT], share[TEXT_SHORT];

	if (wan->filtered)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_filter, doctor_filter_cure, name);
	if (lost)
		DOCTOR_SAY(doctor, lost > seen / 1000 ? AILMENT_PROBLEM : AILMENT_WARN,
		           doctor_drops, doctor_drops_cure, name, text_count(count, lost),
		           text_percent(share, lost, lost + seen));
	return !wan->filtered && !lost;
}

static bool look_at_clock(struct doctor *doctor, const struct ledger_wan *wan, const char *name)
{
	bool steps = wan->record && wan->record->n_steps;
	char skew[TEXT_SHORT];

	if (wan->skew_ns)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_skew, doctor_skew_cure, name,
		           text_duration(skew, wan->skew_ns));
	if (steps)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_step, doctor_step_cure, name);
	return !wan->skew_ns && !steps;
}

/* Of options that were cut off nothing is known. */
static bool speaks_mptcp(const struct ledger_wan *wan)
{
	return ledger_sum(wan, -1, -1, -1, TRAFFIC_MPTCP).frames || cut_headers(wan);
}

static bool look_at_mptcp(struct doctor *doctor, const struct ledger_wan *wan, const char *name)
{
	if (speaks_mptcp(wan))
		return true;
	DOCTOR_SAY(doctor, AILMENT_WARN, doctor_no_mptcp, doctor_no_mptcp_cure, name);
	return false;
}

static void look_at_wan(struct doctor *doctor, const struct ledger_wan *wan)
{
	static bool (*const looks[])(struct doctor *, const struct ledger_wan *, const char *) = {
		look_at_headers, look_at_device, look_at_directions,
		look_at_losses,  look_at_clock,  look_at_mptcp,
	};
	char name[200];
	bool fine = true;

	name_of(name, wan->name);
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
		fine = looks[i](doctor, wan, name) && fine;
	if (fine)
		DOCTOR_FINE(doctor, doctor_wan_fine, name);
	if (!wan->drops_known && !wan->counters.dropped_frames)
		DOCTOR_FINE(doctor, doctor_drops_unknown, name);
}

/* ---- two captures of the same packets ----
 *
 * In files of their own copies are not known as such (a packet may well pass two WANs in a
 * failover), so subflows are compared: nearly as many frames of most of them here and there.
 */

static uint64_t frames_of(const struct ledger_subflow *subflow)
{
	uint64_t frames = 0;

	for (size_t k = 0; k < KIND_COUNT; k++)
		frames += subflow->kinds[k].frames;
	return frames;
}

static bool is_twin(const struct ledger_subflow *one, const struct ledger_subflow *two)
{
	uint64_t a = frames_of(one), b = frames_of(two);

	return one->wan != two->wan && one->reuse == two->reuse &&
	       strcmp(one->client, two->client) == 0 && strcmp(one->server, two->server) == 0 &&
	       (a > b ? a - b : b - a) <= a / 10;
}

/* Frames of subflows on `wan`, and of those among them that stand on `*other`, too. */
static void count_twins(const struct ledger *ledger, uint32_t wan, uint64_t *all, uint64_t *twice,
                        uint32_t *other)
{
	for (size_t i = 0; i < ledger->n_connections; i++) {
		const struct ledger_connection *c = &ledger->connections[i];

		for (size_t k = 0; k < c->n_subflows; k++) {
			if (c->subflows[k].wan != wan)
				continue;
			*all += frames_of(&c->subflows[k]);
			for (size_t m = 0; m < c->n_subflows; m++)
				if (is_twin(&c->subflows[k], &c->subflows[m])) {
					*twice += frames_of(&c->subflows[k]);
					*other = c->subflows[m].wan;
					break;
				}
		}
	}
}

static void look_at_twins(struct doctor *doctor, const struct ledger *ledger)
{
	for (uint32_t i = 0; i < ledger->n_wans; i++) {
		uint64_t all = 0, twice = 0;
		uint32_t other = i;
		char name[200], below[200];

		count_twins(ledger, i, &all, &twice, &other);
		if (other > i && twice > all / 2)
			DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_same, doctor_stacked_cure,
			           name_of(name, ledger->wans[i].name),
			           name_of(below, ledger->wans[other].name));
	}
}

/* ---- all of them ---- */

static void look_at_all(struct doctor *doctor, const struct ledger *ledger)
{
	uint64_t span = ledger->shared_end_ns - ledger->shared_start_ns;
	bool mptcp = false;
	char duration[TEXT_SHORT], count[TEXT_SHORT];

	for (size_t i = 0; i < ledger->n_wans; i++)
		mptcp = mptcp || speaks_mptcp(&ledger->wans[i]);
	if (ledger->n_wans && !mptcp)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_nothing_mptcp,
		           doctor_nothing_mptcp_cure);
	if (ledger->n_wans < 2)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_one_wan, doctor_one_wan_cure);
	else if (!ledger->shared_known)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_apart, doctor_apart_cure);
	else if (span < HOUR_NS)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_short, doctor_short_cure,
		           text_duration(duration, span));
	else
		DOCTOR_FINE(doctor, doctor_together, text_duration(duration, span),
		            text_count(count, (uint64_t)ledger->n_wans));
}

void doctor_captures(struct doctor *doctor, const struct ledger *ledger)
{
	look_at_files(doctor, ledger);
	for (size_t i = 0; i < ledger->n_wans; i++)
		look_at_wan(doctor, &ledger->wans[i]);
	look_at_twins(doctor, ledger);
	look_at_all(doctor, ledger);
}
