/* SPDX-License-Identifier: MIT
 *
 * watch.h - settled frames in, what a person at a terminal wants to see now out: plain data.
 *
 * Sums since the start by the same kinds as a report of the same frames, the last minute second by
 * second, what each WAN is for and how it is, and the last things that happened. Bounded. Has no
 * clock: the caller says what time it is, in the time of the frames.
 */
#ifndef REPORT_WATCH_H
#define REPORT_WATCH_H

#include "../dissect/ledger.h"
#include "policy.h"

#define WATCH_MINUTE 60
#define WATCH_RING   128 /* seconds kept: the minute, and what may come late */
#define WATCH_EVENTS 64
#define WATCH_TEXT   200

/* How a WAN is, as far as anybody can tell. */
enum watch_state { WATCH_UNKNOWN, WATCH_UP, WATCH_DOWN, WATCH_ABSENT, WATCH_STOPPED, WATCH_STATES };
extern const char *const watch_states[WATCH_STATES];

struct watch_second {
	uint64_t second;       /* UNIX time */
	uint64_t up, down;     /* IP bytes; of unknown direction: down */
	uint64_t user_bytes;   /* payload bytes that are user data, first-seen or not */
	uint64_t outage_bytes; /* part of it: while the primaries of its connection were silent */
};

struct watch_wan {
	/* identity */
	char name[64];
	enum role role;
	enum watch_state state;

	/* since the start; whole frames by kind, payload bytes by what each byte is */
	struct tally kinds[DIR_COUNT][KIND_COUNT];
	/* for shares, of the time that all WANs share */
	uint64_t billed;   /* IP bytes without local traffic and duplicates */
	uint64_t carrying; /* part of it: frames that carry user data, outside outages (rule A1) */
	uint64_t heard_ns; /* latest frame, 0 = none */
	uint64_t dropped;
	bool drops_known;

	/* now */
	uint64_t open, backup, waiting; /* as in struct pipeline_wan */
	struct watch_second ring[WATCH_RING];

	/* user data on a backup: from its first byte until none came for a while */
	bool busy;
	uint64_t busy_since_ns, busy_last_ns, busy_bytes;
	uint64_t user_ns; /* latest user data of any role */
};

/* How much an event or the headline is to worry. */
enum watch_level { LEVEL_PLAIN, LEVEL_GOOD, LEVEL_WARN, LEVEL_BAD };

struct watch_event {
	uint64_t number; /* from 1; of the same, that of the first */
	uint64_t at_ns;  /* the latest, when there were several */
	uint64_t count;  /* of the same within a minute */
	uint32_t wan;    /* WATCH_NO_WAN = of none */
	enum watch_level level;
	char text[WATCH_TEXT]; /* any bytes */
};
#define WATCH_NO_WAN UINT32_MAX

struct watch {
	const struct policy *policy; /* borrowed: limits, and roles that were told */
	const struct ledger *ledger; /* borrowed: what the circumstances of entries mean */
	uint64_t started_ns, now_ns;
	uint64_t since_ns; /* earliest frame, when it is older than the start */
	uint64_t lag_s;    /* seconds that may still be incomplete */
	char input[200];
	bool ended;                             /* nothing will come any more */
	struct watch_wan wans[LEDGER_WANS_MAX]; /* by the ledger's index */
	size_t n_wans;
	struct watch_event events[WATCH_EVENTS];
	size_t first_event, n_events;
	uint64_t event_numbers;
};

void watch_init(struct watch *watch, const struct policy *policy, const struct ledger *ledger,
                uint64_t now_ns, uint64_t lag_s);

/* A WAN of the ledger: its row, made when it is new; NULL behind LEDGER_WANS_MAX. `said` is the
 * role that the capture tells ("" = none); flags and the configuration go before. */
struct watch_wan *watch_wan(struct watch *watch, uint32_t wan, const char *name, const char *said);

/* A settled frame. */
void watch_count(struct watch *watch, const struct ledger_entry *entry);

/* Something happened, `count` times. */
void watch_event(struct watch *watch, uint64_t at_ns, uint32_t wan, enum watch_level level,
                 uint64_t count, const char *text);

/* As people read WANs: masters first, then backups; by name. `order` gets watch->n_wans indices. */
void watch_order(const struct watch *watch, uint8_t order[LEDGER_WANS_MAX]);

/* It is now so late: what has ended is noted. */
void watch_tick(struct watch *watch, uint64_t now_ns);

/* ---- figures ---- */

/* The kinds as people look at them; each kind is in one. */
enum watch_group { GROUP_USER, GROUP_ACK, GROUP_KEEPALIVE, GROUP_SIGNAL, GROUP_OTHER, GROUP_COUNT };
extern const char *const watch_groups[GROUP_COUNT]; /* "payload", "ack", ... */

struct tally watch_kind(const struct watch_wan *wan, enum kind kind);
struct tally watch_group(const struct watch_wan *wan, enum watch_group group);
struct tally watch_total(const struct watch_wan *wan);

/* IP bytes a second, each way, over the last few whole seconds. */
void watch_rate(const struct watch *watch, const struct watch_wan *wan, uint64_t *up,
                uint64_t *down);
/* What one second held, `ago` seconds before the newest whole one; all 0 when nothing. */
struct watch_second watch_at(const struct watch *watch, const struct watch_wan *wan, unsigned ago);
/* User data of the last `seconds` whole seconds (at most WATCH_MINUTE). */
uint64_t watch_user(const struct watch *watch, const struct watch_wan *wan, unsigned seconds);
/* IP bytes of all masters and ons since the start: what shares are of. */
uint64_t watch_primary(const struct watch *watch);

/* The line that answers the question. */
struct watch_headline {
	enum watch_level level;
	char text[600]; /* names in it are safe to print */
};
void watch_headline(const struct watch *watch, struct watch_headline *headline);

#endif
