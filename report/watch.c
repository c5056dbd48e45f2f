/* SPDX-License-Identifier: MIT
 *
 * watch.c - see watch.h.
 */
#include "watch.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "text.h"

#define NS 1000000000ull
/* Rates are means of so many seconds; user data that pauses shorter than this goes on. */
#define RATE_SECONDS 3
#define PAUSE_NS     (10 * NS)
#define SAME_NS      (60 * NS)

const char *const watch_states[WATCH_STATES] = {
	[WATCH_UNKNOWN] = "-",     [WATCH_UP] = "up",           [WATCH_DOWN] = "down",
	[WATCH_ABSENT] = "absent", [WATCH_STOPPED] = "stopped",
};

const char *const watch_groups[GROUP_COUNT] = {
	[GROUP_USER] = "payload",      [GROUP_ACK] = "ack",     [GROUP_KEEPALIVE] = "keepalive",
	[GROUP_SIGNAL] = "open_close", [GROUP_OTHER] = "other",
};

static const uint8_t groups[KIND_COUNT] = {
	[KIND_PAYLOAD] = GROUP_USER,
	[KIND_RETRANSMISSION] = GROUP_USER,
	[KIND_REINJECTION] = GROUP_USER,
	[KIND_REDUNDANT] = GROUP_USER,
	[KIND_KEEPALIVE] = GROUP_KEEPALIVE,
	[KIND_KEEPALIVE_ACK] = GROUP_KEEPALIVE,
	[KIND_ZERO_WINDOW_PROBE] = GROUP_KEEPALIVE,
	[KIND_ACK] = GROUP_ACK,
	[KIND_HANDSHAKE] = GROUP_SIGNAL,
	[KIND_SIGNAL] = GROUP_SIGNAL,
	[KIND_TEARDOWN] = GROUP_SIGNAL,
	[KIND_RESET] = GROUP_SIGNAL,
	[KIND_OTHER] = GROUP_OTHER,
	[KIND_DUPLICATE] = GROUP_OTHER,
	[KIND_UNREAD] = GROUP_OTHER,
};

void watch_init(struct watch *watch, const struct policy *policy, const struct ledger *ledger,
                uint64_t now_ns, uint64_t lag_s)
{
	memset(watch, 0, sizeof(*watch));
	watch->policy = policy;
	watch->ledger = ledger;
	watch->started_ns = watch->now_ns = watch->since_ns = now_ns;
	watch->lag_s = lag_s;
}

/* ---- roles ---- */

static enum role role_called(const char *word)
{
	for (int i = 0; i < ROLE_COUNT; i++)
		if (strcmp(role_names[i], word) == 0)
			return (enum role)i;
	return ROLE_NONE;
}

/* The last word of the strongest source: flag, configuration, UCI, then the capture. */
static enum role role_of(const struct policy *policy, const char *name, const char *said)
{
	const struct expect_wan *expected = policy_expected_name(policy, name);
	enum role role = role_called(said);
	enum role_source from = FROM_ASSUMED;

	if (expected && expected->role != ROLE_NONE) {
		role = expected->role;
		from = expected->role_told.source;
	}
	for (size_t i = 0; i < policy->n_roles; i++) {
		const struct policy_role *row = &policy->roles[i];
		if (row->subject == SUBJECT_FILE || row->source < from ||
		    fnmatch(row->who, name, 0) != 0)
			continue;
		role = row->role;
		from = row->source;
	}
	return role;
}

static bool is_primary(const struct watch_wan *wan)
{
	return wan->role == ROLE_MASTER || wan->role == ROLE_ON;
}

struct watch_wan *watch_wan(struct watch *watch, uint32_t wan, const char *name, const char *said)
{
	if (wan >= LEDGER_WANS_MAX)
		return NULL;
	struct watch_wan *row = &watch->wans[wan];
	if (wan >= watch->n_wans)
		watch->n_wans = wan + 1;
	snprintf(row->name, sizeof(row->name), "%s", name);
	row->role = role_of(watch->policy, name, said);
	return row;
}

/* ---- counting ---- */

static void add(struct tally *to, const struct tally *from)
{
	to->frames += from->frames;
	to->l2_bytes += from->l2_bytes;
	to->ip_bytes += from->ip_bytes;
	to->payload_bytes += from->payload_bytes;
}

static struct watch_second *second_of(struct watch_wan *wan, uint64_t second)
{
	struct watch_second *place = &wan->ring[second % WATCH_RING];

	if (place->second > second)
		return NULL; /* so late that its place has gone to another second */
	if (place->second < second)
		*place = (struct watch_second){.second = second};
	return place;
}

/* Does any primary carry user data at this time, or did a moment ago? */
static bool primary_carries(const struct watch *watch, uint64_t at_ns, uint64_t within_ns)
{
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[i];
		if (is_primary(wan) && wan->user_ns && wan->user_ns + within_ns >= at_ns)
			return true;
	}
	return false;
}

static void note_user(struct watch *watch, struct watch_wan *wan, const struct ledger_entry *e,
                      uint64_t bytes)
{
	if (e->ts_ns > wan->user_ns)
		wan->user_ns = e->ts_ns;
	if (wan->role != ROLE_BACKUP)
		return;
	if (!wan->busy) {
		wan->busy = true;
		wan->busy_since_ns = e->ts_ns;
		wan->busy_bytes = 0;
		bool beside = primary_carries(watch, e->ts_ns, 2 * NS);
		watch_event(watch, e->ts_ns, e->wan, LEVEL_BAD, 1,
		            beside ? "user data begins on this backup"
		                   : "user data begins on this backup: no primary carries any");
	}
	wan->busy_bytes += bytes;
	if (e->ts_ns > wan->busy_last_ns)
		wan->busy_last_ns = e->ts_ns;
}

/* Carried because the primaries of its connection could not? As rule A1 asks. */
static bool in_outage(const struct watch *watch, const struct ledger_entry *e)
{
	uint64_t primaries = 0;

	if (e->traffic != TRAFFIC_MPTCP || e->circumstance == 0 ||
	    watch->wans[e->wan].role != ROLE_BACKUP)
		return false;
	for (size_t i = 0; i < watch->n_wans; i++)
		if (is_primary(&watch->wans[i]))
			primaries |= 1ull << i;
	return report_phase(watch->ledger, primaries, e->circumstance) == PHASE_OUTAGE;
}

void watch_count(struct watch *watch, const struct ledger_entry *e)
{
	if (e->wan >= watch->n_wans || e->kind >= KIND_COUNT || e->direction >= DIR_COUNT)
		return;
	struct watch_wan *wan = &watch->wans[e->wan];
	struct tally *row = wan->kinds[e->direction];
	uint64_t user = 0;
	bool outage = e->kind < KIND_CARRYING && in_outage(watch, e);

	row[e->kind].frames++;
	row[e->kind].l2_bytes += e->l2_bytes;
	row[e->kind].ip_bytes += e->ip_bytes;
	for (int kind = 0; kind < KIND_CARRYING; kind++) {
		row[kind].payload_bytes += e->payload[kind];
		user += e->payload[kind];
	}
	if (e->ts_ns > wan->heard_ns)
		wan->heard_ns = e->ts_ns;
	if (e->ts_ns < watch->since_ns)
		watch->since_ns = e->ts_ns;
	bool billed = e->traffic != TRAFFIC_LOCAL && e->kind != KIND_DUPLICATE;
	if (billed && e->shared)
		wan->billed += e->ip_bytes;
	if (billed && e->shared && e->kind < KIND_CARRYING && !outage)
		wan->carrying += e->ip_bytes;
	if (!billed)
		user = 0;
	struct watch_second *second = second_of(wan, e->ts_ns / NS);
	if (second) {
		*(e->direction == DIR_UP ? &second->up : &second->down) += e->ip_bytes;
		second->user_bytes += user;
		second->outage_bytes += outage ? user : 0;
	}
	if (user)
		note_user(watch, wan, e, user);
}

/* ---- events ---- */

static struct watch_event *event_at(struct watch *watch, size_t i)
{
	return &watch->events[(watch->first_event + i) % WATCH_EVENTS];
}

/* The same of a moment ago is counted, and moves to the end. */
static bool happened_again(struct watch *watch, uint64_t at_ns, uint32_t wan, uint64_t count,
                           const char *text)
{
	size_t n = watch->n_events;

	for (size_t i = n; i > 0 && i + 6 > n; i--) {
		struct watch_event again = *event_at(watch, i - 1);
		if (again.wan != wan || at_ns > again.at_ns + SAME_NS || strcmp(again.text, text))
			continue;
		for (size_t k = i; k < n; k++)
			*event_at(watch, k - 1) = *event_at(watch, k);
		again.count += count;
		again.at_ns = at_ns;
		*event_at(watch, n - 1) = again;
		return true;
	}
	return false;
}

void watch_event(struct watch *watch, uint64_t at_ns, uint32_t wan, enum watch_level level,
                 uint64_t count, const char *text)
{
	char kept[WATCH_TEXT];

	snprintf(kept, sizeof(kept), "%s", text);
	if (happened_again(watch, at_ns, wan, count, kept))
		return;
	if (watch->n_events == WATCH_EVENTS) {
		watch->first_event = (watch->first_event + 1) % WATCH_EVENTS;
		watch->n_events--;
	}
	struct watch_event *event = event_at(watch, watch->n_events++);
	*event = (struct watch_event){.number = ++watch->event_numbers, .wan = wan, .level = level};
	event->at_ns = at_ns;
	event->count = count;
	memcpy(event->text, kept, sizeof(kept));
	/* what is told late stands where it belongs */
	for (size_t i = watch->n_events - 1; i > 0 && event_at(watch, i - 1)->at_ns > at_ns; i--) {
		struct watch_event later = *event_at(watch, i - 1);
		*event_at(watch, i - 1) = *event_at(watch, i);
		*event_at(watch, i) = later;
	}
}

static void end_of_user_data(struct watch *watch, uint32_t index)
{
	struct watch_wan *wan = &watch->wans[index];
	char bytes[TEXT_SHORT], time[TEXT_SHORT], text[WATCH_TEXT];

	wan->busy = false;
	text_bytes(bytes, wan->busy_bytes);
	text_duration(time, wan->busy_last_ns - wan->busy_since_ns);
	snprintf(text, sizeof(text), "user data ended: %s in %s%s", bytes, time,
	         primary_carries(watch, wan->busy_last_ns, 0) ? "; back on the primary" : "");
	watch_event(watch, wan->busy_last_ns, index, LEVEL_WARN, 1, text);
}

void watch_tick(struct watch *watch, uint64_t now_ns)
{
	watch->now_ns = now_ns;
	for (uint32_t i = 0; i < watch->n_wans; i++)
		if (watch->wans[i].busy && watch->wans[i].busy_last_ns + PAUSE_NS < now_ns)
			end_of_user_data(watch, i);
}

static int rank(enum role role)
{
	static const int ranks[ROLE_COUNT] = {[ROLE_MASTER] = 0,
	                                      [ROLE_ON] = 1,
	                                      [ROLE_BACKUP] = 2,
	                                      [ROLE_NONE] = 3,
	                                      [ROLE_OFF] = 4};

	return ranks[role];
}

void watch_order(const struct watch *watch, uint8_t order[LEDGER_WANS_MAX])
{
	for (size_t n = 0; n < watch->n_wans; n++) {
		const struct watch_wan *wan = &watch->wans[n];
		size_t at = n;

		for (; at > 0; at--) {
			const struct watch_wan *other = &watch->wans[order[at - 1]];
			int differ = rank(other->role) - rank(wan->role);
			if (differ < 0 || (differ == 0 && strcmp(other->name, wan->name) <= 0))
				break;
			order[at] = order[at - 1];
		}
		order[at] = (uint8_t)n;
	}
}

/* ---- figures ---- */

struct tally watch_kind(const struct watch_wan *wan, enum kind kind)
{
	struct tally sum = {0};

	for (int d = 0; d < DIR_COUNT; d++)
		add(&sum, &wan->kinds[d][kind]);
	return sum;
}

struct tally watch_group(const struct watch_wan *wan, enum watch_group group)
{
	struct tally sum = {0};

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (groups[kind] != group)
			continue;
		struct tally one = watch_kind(wan, (enum kind)kind);
		add(&sum, &one);
	}
	return sum;
}

struct tally watch_total(const struct watch_wan *wan)
{
	struct tally sum = {0};

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct tally one = watch_kind(wan, (enum kind)kind);
		add(&sum, &one);
	}
	return sum;
}

struct watch_second watch_at(const struct watch *watch, const struct watch_wan *wan, unsigned ago)
{
	uint64_t newest = watch->now_ns / NS;
	uint64_t second = newest > watch->lag_s + ago ? newest - watch->lag_s - ago : 0;
	const struct watch_second *place = &wan->ring[second % WATCH_RING];

	return place->second == second ? *place : (struct watch_second){.second = second};
}

void watch_rate(const struct watch *watch, const struct watch_wan *wan, uint64_t *up,
                uint64_t *down)
{
	*up = *down = 0;
	for (unsigned ago = 0; ago < RATE_SECONDS; ago++) {
		struct watch_second second = watch_at(watch, wan, ago);
		*up += second.up;
		*down += second.down;
	}
	*up /= RATE_SECONDS;
	*down /= RATE_SECONDS;
}

uint64_t watch_user(const struct watch *watch, const struct watch_wan *wan, unsigned seconds)
{
	uint64_t newest = watch->now_ns / NS, sum = 0;

	/* seconds that are not whole yet count, too: what is known is not held back */
	for (size_t i = 0; i < WATCH_RING; i++)
		if (wan->ring[i].second + seconds > newest)
			sum += wan->ring[i].user_bytes;
	return sum;
}

uint64_t watch_primary(const struct watch *watch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < watch->n_wans; i++)
		if (is_primary(&watch->wans[i]))
			sum += watch->wans[i].billed;
	return sum;
}

/* ---- the headline ---- */

struct names {
	char text[300];
	size_t n;
};

static void add_name(struct names *names, const char *name)
{
	char safe[96];
	size_t used = strlen(names->text);

	text_safe(safe, sizeof(safe), name, 20);
	if (names->n++ < 5)
		snprintf(names->text + used, sizeof(names->text) - used, "%s%s", used ? ", " : "",
		         safe);
}

/* What the last minute says: user data on backups and on primaries. */
struct minute {
	struct names backups, busy, primaries;
	uint64_t beside, alone; /* on backups: while a primary could carry it, while none could */
	uint64_t primary;
	uint64_t latest_ns; /* of user data on a backup */
	size_t heard;
};

static void take_backup(const struct watch *watch, const struct watch_wan *wan,
                        struct minute *minute)
{
	uint64_t newest = watch->now_ns / NS, user = watch_user(watch, wan, WATCH_MINUTE),
		 outage = 0;

	add_name(&minute->backups, wan->name);
	if (user == 0)
		return;
	add_name(&minute->busy, wan->name);
	if (wan->user_ns > minute->latest_ns)
		minute->latest_ns = wan->user_ns;
	for (size_t i = 0; i < WATCH_RING; i++)
		if (wan->ring[i].second + WATCH_MINUTE > newest)
			outage += wan->ring[i].outage_bytes;
	minute->alone += outage;
	minute->beside += user - outage;
}

static void take_minute(const struct watch *watch, struct minute *minute)
{
	memset(minute, 0, sizeof(*minute));
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[i];

		minute->heard += wan->heard_ns != 0;
		if (is_primary(wan)) {
			add_name(&minute->primaries, wan->name);
			minute->primary += watch_user(watch, wan, WATCH_MINUTE);
		}
		if (wan->role == ROLE_BACKUP)
			take_backup(watch, wan, minute);
	}
}

static void say(struct watch_headline *headline, enum watch_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct watch_headline *headline, enum watch_level level, const char *format, ...)
{
	va_list args;

	headline->level = level;
	va_start(args, format);
	vsnprintf(headline->text, sizeof(headline->text), format, args);
	va_end(args);
}

static void say_failover(const struct watch *watch, const struct minute *minute, const char *time,
                         struct watch_headline *headline)
{
	uint64_t quiet = watch->now_ns > minute->latest_ns ? watch->now_ns - minute->latest_ns : 0;
	char bytes[TEXT_SHORT], since[TEXT_SHORT];

	text_bytes(bytes, minute->alone);
	if (quiet < (watch->lag_s + 3) * NS)
		say(headline, LEVEL_BAD,
		    "FAILOVER: %s carries user data, its primary is silent: %s in the last %s",
		    minute->busy.text, bytes, time);
	else
		say(headline, LEVEL_WARN,
		    "after a failover: %s carried %s of user data, none for %s now",
		    minute->busy.text, bytes, text_duration(since, quiet / NS * NS));
}

static void say_busy(const struct watch *watch, const struct minute *minute, const char *time,
                     struct watch_headline *headline)
{
	char bytes[TEXT_SHORT], share[TEXT_SHORT];
	double limit = watch->policy->limits[LIMIT_PAYLOAD_SHARE];
	/* what a switch moves before the primary counts as silent is no leak */
	double allowed = minute->alone ? watch->policy->limits[LIMIT_SWITCH_BYTES] : 0;
	bool much = (double)minute->beside > limit * (double)minute->primary &&
	            (double)minute->beside > allowed;

	if (minute->alone > 0 && !much) {
		say_failover(watch, minute, time, headline);
		return;
	}
	say(headline, much ? LEVEL_BAD : LEVEL_WARN,
	    "%s: %s on %s in the last %s while the primary was there: %s of the primary's (limit "
	    "%g %%)",
	    much ? "BACKUP CARRIES USER DATA" : "backup nearly quiet",
	    text_bytes(bytes, minute->beside), minute->busy.text, time,
	    text_percent(share, minute->beside, minute->primary), limit * 100);
}

void watch_headline(const struct watch *watch, struct watch_headline *headline)
{
	uint64_t age = watch->now_ns > watch->since_ns ? (watch->now_ns - watch->since_ns) / NS : 0;
	char time[TEXT_SHORT];
	struct minute minute;

	take_minute(watch, &minute);
	snprintf(time, sizeof(time), "%u s", age < WATCH_MINUTE ? (unsigned)age : WATCH_MINUTE);
	if (watch->ended)
		say(headline, LEVEL_WARN, "the recorder has stopped: these are its last words");
	else if (watch->n_wans == 0)
		say(headline, LEVEL_PLAIN, "nothing is recorded yet: waiting");
	else if (minute.heard == 0)
		say(headline, LEVEL_PLAIN, "nothing heard yet");
	else if (minute.backups.n == 0)
		say(headline, LEVEL_WARN, "no WAN is named as backup: say --role WAN=backup");
	else if (minute.beside + minute.alone > 0)
		say_busy(watch, &minute, time, headline);
	else
		say(headline, LEVEL_GOOD, "backup quiet: 0 B of user data on %s in the last %s",
		    minute.backups.text, time);
}
