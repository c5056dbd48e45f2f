/* SPDX-License-Identifier: MIT
 *
 * rules_traffic.c - the rules about what a backup's bytes were: A4, A15, A17 to A22, A24, A28 (see
 * verdict.h).
 *
 * All but A4 look at the whole capture of a WAN, as its peers and rhythms have no other time; what
 * is a rate needs an hour of it (the limit budget_window_seconds), unless the limit is exceeded in
 * less.
 */
#include <stdio.h>
#include <string.h>

#include "causes.h"
#include "costs.h"
#include "text.h"
#include "verdict.h"

#define NS    UINT64_C(1000000000)
#define DAY_H 24.0

/* One backup, and what all rules about it ask. */
struct look {
	const struct report *report;
	const struct report_wan *wan;
	struct finding *finding;
	char name[100];
	double hours; /* of its capture */
	bool enough;  /* to speak of an hour or a day */
};

static double limit_of(const struct look *look, enum limit limit)
{
	return look->wan->limits[limit];
}

static bool filtered(const struct look *look)
{
	return look->report->options.filter || look->wan->ledger->filtered;
}

static void look_at(struct look *look, const struct report *report, struct finding *finding)
{
	uint64_t first, last;

	*look = (struct look){
		.report = report, .finding = finding, .wan = &report->wans[finding->wan]};
	text_safe(look->name, sizeof(look->name), look->wan->name, 32);
	if (report_extent(look->wan, &first, &last))
		look->hours = (double)(last - first) / 1e9 / 3600;
	look->enough = look->hours * 3600 >= look->wan->limits[LIMIT_BUDGET_WINDOW];
}

static bool each_backup(struct report *report, const struct rule *rule,
                        void (*judge)(struct look *look))
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;
		struct look look;

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		look_at(&look, report, finding);
		judge(&look);
	}
	return true;
}

/* The same words for all rules, so that the report tells them once. */
static void say_too_short(struct look *look)
{
	char length[TEXT_SHORT];

	snprintf(look->finding->text, sizeof(look->finding->text),
	         "%s was seen for %s: too short to tell what an hour or a day brings.", look->name,
	         text_duration(length, (uint64_t)(look->hours * 3600e9)));
}

static void say_no_peers(struct look *look)
{
	snprintf(look->finding->text, sizeof(look->finding->text),
	         "The ledger does not say with whom %s spoke; dissect its captures again.",
	         look->name);
}

/* Pass, unless frames were hidden. */
static enum status clean(const struct look *look)
{
	return filtered(look) ? STATUS_NOT_ASSESSED : STATUS_PASS;
}

static void show_peer(struct look *look, const struct ledger_peer *row, const char *note)
{
	struct ledger_event event = {.count = 1, .first = row->first};

	verdict_show_event(look->finding, &event, note);
}

/* IP bytes of a WAN's billed cells of one app. */
static uint64_t app_bytes(const struct look *look, const char *app)
{
	const struct ledger_wan *wan = look->wan->ledger;
	uint64_t sum = 0;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].traffic != TRAFFIC_LOCAL &&
		    wan->cells[i].kind != KIND_DUPLICATE &&
		    strcmp(causes_app(look->report, wan->cells[i].app), app) == 0)
			sum += wan->cells[i].sum.ip_bytes;
	return sum;
}

static uint64_t rounded(double value)
{
	return value < 1e18 ? (uint64_t)(value + 0.5) : UINT64_C(1000000000000000000);
}

/* ---- A4 ---- */

static bool reinjected(const struct report *report, const struct ledger_cell *cell)
{
	enum phase phase = report_phase(report->ledger, report->primaries, cell->circumstance);

	return cell->kind == KIND_REINJECTION && cell->traffic == TRAFFIC_MPTCP &&
	       cell->sum.payload_bytes > 0 && phase != PHASE_OUTAGE && phase != PHASE_AFTER;
}

static void reinjection_judge(struct look *look)
{
	const struct ledger_wan *wan = look->wan->ledger;
	struct finding *f = look->finding;
	uint64_t bytes = 0, apart = 0, all = 0;
	char some[TEXT_SHORT], of[TEXT_SHORT], percent[TEXT_SHORT], more[TEXT_SHORT];

	for (size_t i = 0; i < look->report->n_wans; i++)
		all += look->report->wans[i].shared.unique;
	for (size_t i = 0; i < wan->n_cells; i++) {
		const struct ledger_cell *cell = &wan->cells[i];

		if (!cell->shared || cell->kind != KIND_REINJECTION)
			continue;
		*(reinjected(look->report, cell) ? &bytes : &apart) += cell->sum.payload_bytes;
	}
	if (!look->report->window || all == 0) {
		snprintf(f->text, sizeof(f->text), "%s",
		         look->report->window ? "No user data of MPTCP was seen."
		                              : "The captures share no time.");
		return;
	}
	verdict_observe(f, "ratio", bytes, all);
	verdict_limit(look->report, f, LIMIT_REINJECTION_SHARE);
	verdict_part(f, "in_outages", apart, 0);
	text_percent(percent, bytes, all);
	snprintf(f->brief, sizeof(f->brief), "%s (%s of %s)", percent, text_bytes(some, bytes),
	         text_bytes(of, all));
	snprintf(f->text, sizeof(f->text),
	         "%s carried %s again that another WAN had carried before (%s of %s of user data; "
	         "limit %g %%)%s%s.",
	         look->name, some, percent, of, 100 * f->limit,
	         apart ? "; in outages and after them " : "", apart ? text_bytes(more, apart) : "");
	if (f->value > f->limit && (double)bytes > limit_of(look, LIMIT_SWITCH_BYTES)) {
		f->status = STATUS_WARN;
		verdict_show_cells(look->report, f, reinjected, "sent again on the backup");
	} else {
		f->status = clean(look);
	}
}

bool rule_reinjection(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, reinjection_judge);
}

/* ---- A15 ---- */

#define GROWTH_PARTS 6

static uint64_t bucket_keepalives(const struct ledger_bucket *bucket)
{
	uint64_t frames = 0;

	for (int d = 0; d < DIR_COUNT; d++)
		frames += bucket->kinds[d][KIND_KEEPALIVE].frames;
	return frames;
}

/* Does each sixth of the capture have more keepalives than the one before, and the last twice those
 * of the first? Idle subflows then pile up. */
static bool keepalives_grow(const struct look *look, uint64_t parts[GROWTH_PARTS])
{
	const struct ledger_wan *wan = look->wan->ledger;
	uint64_t span = wan->last_ns - wan->first_ns + 1;

	memset(parts, 0, GROWTH_PARTS * sizeof(*parts));
	for (size_t i = 0; i < wan->n_buckets; i++) {
		uint64_t middle = wan->buckets[i].first_ns / 2 + wan->buckets[i].last_ns / 2;
		size_t part =
			(size_t)((double)(middle - wan->first_ns) * GROWTH_PARTS / (double)span);

		parts[part < GROWTH_PARTS ? part : GROWTH_PARTS - 1] +=
			bucket_keepalives(&wan->buckets[i]);
	}
	for (size_t i = 1; i < GROWTH_PARTS; i++)
		if (parts[i] <= parts[i - 1])
			return false;
	return parts[0] > 0 && parts[GROWTH_PARTS - 1] >= 2 * parts[0];
}

static void rhythm_say(const struct look *look, char *out, size_t size)
{
	uint64_t of_it, all, subflows;
	uint32_t seconds;
	char count[TEXT_SHORT];

	out[0] = '\0';
	if (!causes_rhythm(look->wan->ledger, CADENCE_KEEPALIVE, 0, &seconds, &of_it, &all) ||
	    !seconds || of_it * 2 <= all)
		return;
	subflows = causes_idle_subflows(look->wan, seconds);
	snprintf(out, size, ", mostly every %u s", seconds);
	if (subflows > 1)
		snprintf(out, size, ", mostly every %u s on %s subflows at a time", seconds,
		         text_count(count, subflows));
}

static void keepalive_judge(struct look *look)
{
	struct finding *f = look->finding;
	uint64_t bytes = 0, frames = 0, parts[GROWTH_PARTS];
	char rhythm[120], some[TEXT_SHORT], hour[TEXT_SHORT], count[TEXT_SHORT], most[TEXT_SHORT];

	for (int d = 0; d < DIR_COUNT; d++) {
		bytes += look->wan->whole.kinds[d][KIND_KEEPALIVE].ip_bytes +
		         look->wan->whole.kinds[d][KIND_KEEPALIVE_ACK].ip_bytes;
		frames += look->wan->whole.kinds[d][KIND_KEEPALIVE].frames;
	}
	if (frames == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		snprintf(f->text, sizeof(f->text), "No keepalive was seen on %s.", look->name);
		return;
	}
	rhythm_say(look, rhythm, sizeof(rhythm));
	if (!look->enough && (double)bytes <= limit_of(look, LIMIT_KEEPALIVE_BYTES)) {
		say_too_short(look);
		verdict_part(f, "keepalives", frames, 0);
		verdict_part(f, "ip_bytes", bytes, 0);
		return;
	}
	double an_hour = (double)bytes / (look->hours > 1 ? look->hours : 1);
	verdict_observe(f, "bytes", rounded(an_hour), 1);
	verdict_limit(look->report, f, LIMIT_KEEPALIVE_BYTES);
	snprintf(f->brief, sizeof(f->brief), "%s an hour%s", text_bytes(hour, rounded(an_hour)),
	         rhythm);
	if (keepalives_grow(look, parts)) {
		f->status = STATUS_WARN;
		snprintf(f->text, sizeof(f->text),
		         "Idle subflows pile up on %s: each sixth of the capture has more "
		         "keepalives than the one before, from %llu to %llu (%s an hour%s).",
		         look->name, (unsigned long long)parts[0],
		         (unsigned long long)parts[GROWTH_PARTS - 1], hour, rhythm);
		return;
	}
	f->status = an_hour > f->limit ? STATUS_WARN : clean(look);
	snprintf(f->text, sizeof(f->text),
	         "%s keepalives%s took %s with their answers on %s: %s an hour (limit %s).",
	         text_count(count, frames), rhythm, text_bytes(some, bytes), look->name, hour,
	         text_bytes(most, rounded(f->limit)));
}

bool rule_keepalive(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, keepalive_judge);
}

/* ---- A20, and what A17 asks of it ---- */

/* Connections opened to the server's API, to how many addresses, and whether it goes back and forth
 * between them. */
struct api {
	uint64_t opened, ip_bytes;
	unsigned addresses;
	bool alternates;
	const struct ledger_peer *most;
};
#define ALTERNATES_LEAST 10 /* connections to each address */

static struct api api_of(const struct look *look)
{
	const struct ledger_peers *peers = look->wan->ledger->peers;
	const struct ledger_peer *other = NULL;
	struct api api = {.opened = 0};

	for (size_t i = 0; peers && i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];

		if (strcmp(causes_app(look->report, row->key.app), "omr-api") != 0 ||
		    row->key.traffic == TRAFFIC_LOCAL)
			continue;
		api.opened += row->opened;
		api.ip_bytes += causes_peer_sum(row).ip_bytes;
		api.addresses += row->opened > 0;
		if (row->opened >= ALTERNATES_LEAST && other &&
		    memcmp(row->key.addr, other->key.addr, sizeof(row->key.addr)) != 0 &&
		    row->first_ns < other->last_ns && other->first_ns < row->last_ns)
			api.alternates = true;
		if (row->opened >= ALTERNATES_LEAST)
			other = row;
		if (!api.most || row->opened > api.most->opened)
			api.most = row;
	}
	return api;
}

static bool api_storm(const struct look *look, const struct api *api)
{
	double hours = look->hours > 1 ? look->hours : 1;

	return (double)api->opened / hours > limit_of(look, LIMIT_RECONNECTS);
}

static void reconnect_judge(struct look *look)
{
	struct finding *f = look->finding;
	struct api api = api_of(look);
	char count[TEXT_SHORT], where[40] = "";
	bool storm = api_storm(look, &api);

	if (!look->wan->ledger->peers) {
		say_no_peers(look);
		return;
	}
	if (!look->enough && !storm && !api.alternates) {
		say_too_short(look);
		return;
	}
	verdict_observe(f, "count", api.opened, rounded(look->hours > 1 ? look->hours : 1));
	verdict_limit(look->report, f, LIMIT_RECONNECTS);
	verdict_part(f, "connections", api.opened, 0);
	if (api.addresses > 1)
		snprintf(where, sizeof(where), ", to %u addresses", api.addresses);
	snprintf(f->brief, sizeof(f->brief), "%s connections%s", text_count(count, api.opened),
	         where);
	snprintf(f->text, sizeof(f->text),
	         "%s connections to the server's port 65500 were opened over %s%s (limit %g an "
	         "hour)%s.",
	         count, look->name, where, f->limit,
	         api.alternates ? "; they go back and forth between its addresses" : "");
	f->status = storm || api.alternates ? STATUS_FAIL : clean(look);
	if (f->status == STATUS_FAIL && api.most)
		show_peer(look, api.most, "a connection to the server's API");
}

bool rule_reconnect(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, reconnect_judge);
}

/* ---- A17 ---- */

/* Goes of the tracker: pauses between its pings, and the first go at each address. */
static uint64_t tracker_cycles(const struct look *look, const struct ledger_peer **most)
{
	const struct ledger_peers *peers = look->wan->ledger->peers;
	uint64_t cycles = 0;

	*most = NULL;
	for (unsigned i = 1; peers && i < CADENCE_CLASSES; i++)
		cycles += peers->cadence[CADENCE_TRACKER][i];
	for (size_t i = 0; peers && i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];

		if (row->key.traffic == TRAFFIC_LOCAL ||
		    strcmp(causes_app(look->report, row->key.app), "icmp-tracker") != 0)
			continue;
		cycles++;
		if (!*most || causes_peer_sum(row).ip_bytes > causes_peer_sum(*most).ip_bytes)
			*most = row;
	}
	return cycles;
}

static void tracker_say(struct look *look, uint64_t bytes, uint64_t explained, double an_hour,
                        uint64_t httping)
{
	struct finding *f = look->finding;
	uint64_t of_it, all;
	uint32_t seconds = 0;
	char some[TEXT_SHORT], hour[TEXT_SHORT], least[TEXT_SHORT], tls[TEXT_SHORT],
		rhythm[40] = "";

	if (causes_rhythm(look->wan->ledger, CADENCE_TRACKER, 1, &seconds, &of_it, &all) && seconds)
		snprintf(rhythm, sizeof(rhythm), ", a go each %u s", seconds);
	snprintf(f->brief, sizeof(f->brief), "%s an hour%s", text_bytes(hour, rounded(an_hour)),
	         rhythm);
	snprintf(f->text, sizeof(f->text),
	         "The tracker used %s on %s, %s an hour%s; pings of that rhythm explain %s%s%s%s.",
	         text_bytes(some, bytes), look->name, hour, rhythm, text_bytes(least, explained),
	         httping ? "; " : "", httping ? text_bytes(tls, httping) : "",
	         httping ? " of it are TLS connections to port 65500" : "");
}

static void tracker_judge(struct look *look)
{
	struct finding *f = look->finding;
	struct api api = api_of(look);
	uint64_t pings = app_bytes(look, "icmp-tracker");
	uint64_t httping = api_storm(look, &api) ? api.ip_bytes : 0, bytes = pings + httping;
	const struct ledger_peer *most;
	uint64_t explained = tracker_cycles(look, &most) * (uint64_t)costs[COST_TRACKER].bytes.high;
	double an_hour = (double)bytes / (look->hours > 1 ? look->hours : 1);

	if (!look->wan->ledger->peers) {
		say_no_peers(look);
		return;
	}
	if (bytes == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		snprintf(f->text, sizeof(f->text), "No tracker was seen on %s.", look->name);
		return;
	}
	if (!look->enough && an_hour <= limit_of(look, LIMIT_TRACKER_BYTES)) {
		say_too_short(look);
		verdict_part(f, "ip_bytes", bytes, 0);
		return;
	}
	verdict_observe(f, "bytes", rounded(an_hour), 1);
	verdict_limit(look->report, f, LIMIT_TRACKER_BYTES);
	verdict_part(f, "ping_bytes", pings, 0);
	verdict_part(f, "httping_bytes", httping, 0);
	verdict_part(f, "explained_bytes", explained, 0);
	tracker_say(look, bytes, explained, an_hour, httping);
	f->status = an_hour > f->limit ? STATUS_FAIL
	            : (double)bytes > limit_of(look, LIMIT_TRACKER_FACTOR) * (double)explained
	                    ? STATUS_WARN
	                    : clean(look);
	if (f->status != STATUS_PASS && most)
		show_peer(look, most, "a tracker ping");
}

bool rule_tracker(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, tracker_judge);
}

/* ---- A18 ---- */

static void proxy_check_judge(struct look *look)
{
	const struct proxy_check *check = &look->wan->check;
	struct finding *f = look->finding;
	char count[TEXT_SHORT], some[TEXT_SHORT], each[TEXT_SHORT], server[80];

	if (!check->period_ns) {
		f->status = STATUS_NOT_APPLICABLE;
		snprintf(f->text, sizeof(f->text),
		         "No short connections of one size and an even rhythm were seen.");
		return;
	}
	f->status = clean(look);
	verdict_observe(f, "bytes", check->ip_bytes, 1);
	verdict_part(f, "connections", check->connections, 0);
	verdict_part(f, "period_ms", check->period_ns / 1000000, 0);
	snprintf(f->brief, sizeof(f->brief), "%s in %s checks, every %.0f s",
	         text_bytes(some, check->ip_bytes), text_count(count, check->connections),
	         (double)check->period_ns / 1e9);
	snprintf(f->text, sizeof(f->text),
	         "The proxy's health check (%s short connections to %s, every %.0f s) cost %s on "
	         "%s, "
	         "%s each; A16 counts them, too.",
	         count, text_safe(server, sizeof(server), check->server, 54),
	         (double)check->period_ns / 1e9, some, look->name,
	         text_bytes(each, check->connections ? check->ip_bytes / check->connections : 0));
}

bool rule_proxy_check(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, proxy_check_judge);
}

/* ---- A19 ---- */

/* Bytes of a service on the WAN, and when. */
struct bulk {
	uint64_t bytes, first_ns, last_ns;
};

static struct bulk bulk_of(const struct look *look, const char *app)
{
	const struct ledger_wan *wan = look->wan->ledger;
	struct bulk bulk = {0, 0, 0};

	for (size_t i = 0; i < wan->n_cells; i++) {
		const struct ledger_cell *cell = &wan->cells[i];
		uint64_t first = cell->first.count ? cell->first.frames[0].ts_ns : 0;

		if (cell->kind == KIND_DUPLICATE || cell->traffic == TRAFFIC_LOCAL ||
		    strcmp(causes_app(look->report, cell->app), app) != 0)
			continue;
		bulk.bytes += cell->sum.ip_bytes;
		if (first && (!bulk.first_ns || first < bulk.first_ns))
			bulk.first_ns = first;
		if (cell->last_ns > bulk.last_ns)
			bulk.last_ns = cell->last_ns;
	}
	return bulk;
}

/* A megabyte in a month of status checks is none. */
static double bulk_an_hour(const struct bulk *bulk)
{
	double hours = bulk->last_ns > bulk->first_ns
	                       ? (double)(bulk->last_ns - bulk->first_ns) / 3600e9
	                       : 0;

	return (double)bulk->bytes / (hours > 1 ? hours : 1);
}

static void show_service(struct look *look, const char *app)
{
	const struct ledger_wan *wan = look->wan->ledger;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].traffic != TRAFFIC_LOCAL &&
		    strcmp(causes_app(look->report, wan->cells[i].app), app) == 0) {
			struct ledger_event event = {.count = 1, .first = wan->cells[i].first};

			verdict_show_event(look->finding, &event, "bulk transfer at the server");
		}
}

static void bulk_judge(struct look *look)
{
	static const struct {
		const char *app, *words;
	} services[] = {{"iperf3", "a speed test (iperf3)"},
	                {"omr-api", "the server's port 65500 (OMR's speed test button, backups)"}};
	struct finding *f = look->finding;
	uint64_t all = 0;
	char some[TEXT_SHORT], when[TEXT_SHORT], until[TEXT_SHORT];

	f->status = clean(look);
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		struct bulk bulk = bulk_of(look, services[i].app);

		all += bulk.bytes;
		if (f->status == STATUS_WARN ||
		    bulk_an_hour(&bulk) <= limit_of(look, LIMIT_BULK_BYTES))
			continue;
		f->status = STATUS_WARN;
		verdict_observe(f, "bytes", bulk.bytes, 1);
		snprintf(f->text, sizeof(f->text), "%s carried %s of %s, %s to %s.", look->name,
		         text_bytes(some, bulk.bytes), services[i].words,
		         bulk.first_ns ? text_moment(when, bulk.first_ns) : "-",
		         bulk.last_ns ? text_moment(until, bulk.last_ns) : "-");
		show_service(look, services[i].app);
	}
	verdict_limit(look->report, f, LIMIT_BULK_BYTES);
	if (f->status == STATUS_WARN)
		return;
	verdict_observe(f, "bytes", all, 1);
	snprintf(f->brief, sizeof(f->brief), "%s", all ? text_bytes(some, all) : "none");
	snprintf(f->text, sizeof(f->text),
	         "No speed test and no bulk transfer with ports 65400 and "
	         "65500 was seen on %s (%s of them).",
	         look->name, text_bytes(some, all));
}

bool rule_bulk(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, bulk_judge);
}

/* ---- A21 ---- */

#define STRANGERS_NAMED 3

struct strangers {
	uint64_t bytes;
	size_t hosts;
	const struct ledger_peer *top[STRANGERS_NAMED];
	size_t n_top;
};

static void keep_top(struct strangers *all, const struct ledger_peer *row, uint64_t bytes)
{
	size_t at = all->n_top;

	while (at > 0 && causes_peer_sum(all->top[at - 1]).ip_bytes < bytes)
		at--;
	if (at == STRANGERS_NAMED)
		return;
	if (all->n_top < STRANGERS_NAMED)
		all->n_top++;
	for (size_t i = all->n_top - 1; i > at; i--)
		all->top[i] = all->top[i - 1];
	all->top[at] = row;
}

static void strangers_of(const struct look *look, struct strangers *all)
{
	const struct ledger_peers *peers = look->wan->ledger->peers;

	memset(all, 0, sizeof(*all));
	for (size_t i = 0; peers && i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];
		uint64_t bytes = causes_peer_sum(row).ip_bytes;

		if (!causes_is_stranger(look->report, look->wan, &row->key))
			continue;
		all->bytes += bytes;
		all->hosts++;
		keep_top(all, row, bytes);
	}
}

/* ": 203.0.113.77 https 1.20 MB, ..." */
static void strangers_say(const struct look *look, const struct strangers *all, char *out,
                          size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < all->n_top && used + 140 < size; i++) {
		const struct ledger_peer *row = all->top[i];
		const char *app = causes_app(look->report, row->key.app);
		char host[PEER_TEXT], label[60], some[TEXT_SHORT];

		used += (size_t)snprintf(
			out + used, size - used, "%s%s (%s) %s", i ? ", " : ": ",
			causes_peer_text(host, look->wan->ledger->peers, &row->key),
			text_safe(label, sizeof(label), app[0] ? app : "unknown", 20),
			text_bytes(some, causes_peer_sum(row).ip_bytes));
	}
}

static void strangers_judge(struct look *look)
{
	struct finding *f = look->finding;
	struct strangers all;
	double day;
	char some[TEXT_SHORT], a_day[TEXT_SHORT], hosts[500];

	if (!look->wan->ledger->peers) {
		say_no_peers(look);
		return;
	}
	if (look->report->n_vps == 0) {
		snprintf(f->text, sizeof(f->text),
		         "No server of MPTCP was seen and none is configured, so nobody can say "
		         "which hosts %s should not speak with.",
		         look->name);
		return;
	}
	strangers_of(look, &all);
	day = (double)all.bytes * (look->enough ? DAY_H / look->hours : 1);
	verdict_observe(f, look->enough ? "bytes_per_day" : "bytes", rounded(day), 1);
	verdict_part(f, "ip_bytes", all.bytes, 0);
	verdict_part(f, "hosts", all.hosts, 0);
	f->status = day > limit_of(look, LIMIT_STRANGERS_HIGH)    ? STATUS_FAIL
	            : day > limit_of(look, LIMIT_STRANGERS_BYTES) ? STATUS_WARN
	                                                          : clean(look);
	verdict_limit(look->report, f,
	              f->status == STATUS_FAIL ? LIMIT_STRANGERS_HIGH : LIMIT_STRANGERS_BYTES);
	strangers_say(look, &all, hosts, sizeof(hosts));
	text_bytes(some, all.bytes);
	text_bytes(a_day, rounded(day));
	snprintf(f->brief, sizeof(f->brief), "%s", all.bytes ? some : "none");
	snprintf(f->text, sizeof(f->text), "%s exchanged %s with hosts other than the VPS%s%s%s%s.",
	         look->name, some, look->enough && all.bytes ? ", " : "",
	         look->enough && all.bytes ? a_day : "", look->enough && all.bytes ? " a day" : "",
	         hosts);
	if (f->status == STATUS_FAIL || f->status == STATUS_WARN)
		show_peer(look, all.top[0], "not with the VPS");
	else if (!look->enough && f->status == STATUS_PASS)
		f->status = STATUS_NOT_ASSESSED, say_too_short(look);
}

bool rule_strangers(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, strangers_judge);
}

/* ---- A22 ---- */

static void vpn_judge(struct look *look)
{
	const struct ledger_peers *peers = look->wan->ledger->peers;
	struct finding *f = look->finding;
	uint64_t bytes = 0, large = 0;
	const struct ledger_peer *most = NULL;
	char some[TEXT_SHORT], data[TEXT_SHORT], label[60];

	for (size_t i = 0; peers && i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];

		/* a tunnel to somebody else is A21's business */
		if ((row->key.traffic != TRAFFIC_OTHER && row->key.traffic != TRAFFIC_PLAIN) ||
		    !causes_is_vpn(causes_app(look->report, row->key.app)) ||
		    causes_is_stranger(look->report, look->wan, &row->key))
			continue;
		bytes += causes_peer_sum(row).ip_bytes;
		large += row->large_bytes;
		if (!most || row->large_bytes > most->large_bytes)
			most = row;
	}
	if (!peers) {
		say_no_peers(look);
		return;
	}
	verdict_observe(f, "bytes", large, 1);
	verdict_limit(look->report, f, LIMIT_VPN_BYTES);
	verdict_part(f, "ip_bytes", bytes, 0);
	if (!most) {
		f->status = clean(look);
		snprintf(f->brief, sizeof(f->brief), "none");
		snprintf(f->text, sizeof(f->text), "No VPN runs over %s beside MPTCP.", look->name);
		return;
	}
	f->status = (double)large > f->limit ? STATUS_FAIL : STATUS_WARN;
	text_safe(label, sizeof(label), causes_app(look->report, most->key.app), 20);
	snprintf(
		f->text, sizeof(f->text),
		"A VPN (%s) runs over %s past MPTCP: %s, %s of it in packets large enough to carry "
		"data; %s.",
		label, look->name, text_bytes(some, bytes), text_bytes(data, large),
		f->status == STATUS_FAIL ? "it uses the backup as if it were a primary"
					 : "that keeps the tunnel alive");
	show_peer(look, most, "a packet of the VPN");
}

bool rule_vpn(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, vpn_judge);
}

/* ---- A24 ---- */

static void local_judge(struct look *look)
{
	const struct account *account = &look->wan->whole;
	struct finding *f = look->finding;
	char local[TEXT_SHORT], billed[TEXT_SHORT];
	uint64_t frames = 0;

	for (size_t i = 0; i < look->wan->ledger->n_cells; i++)
		if (look->wan->ledger->cells[i].traffic == TRAFFIC_LOCAL)
			frames += look->wan->ledger->cells[i].sum.frames;
	if (frames == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		snprintf(f->text, sizeof(f->text), "No local traffic was seen on %s.", look->name);
		return;
	}
	f->status = STATUS_PASS;
	verdict_observe(f, "ratio", account->local, account->local + account->billed);
	verdict_part(f, "local_frames", frames, 0);
	snprintf(f->brief, sizeof(f->brief), "%s local, %s billed",
	         text_bytes(local, account->local), text_bytes(billed, account->billed));
	snprintf(f->text, sizeof(f->text),
	         "%s of IP traffic on %s never left the access link (%llu frames with ARP and the "
	         "like); %s are billed.",
	         local, look->name, (unsigned long long)frames, billed);
}

bool rule_local(struct report *report, const struct rule *rule)
{
	return each_backup(report, rule, local_judge);
}

/* ---- A28 ---- */

/* A capture of the inner side: by the names OpenMPTCProuter gives, or by the LAN the site tells. */
static bool is_inner(const struct report *report, const struct report_wan *wan)
{
	static const char *const names[] = {"lan", "br-lan", "omrvpn", "tun0", "omr6in4"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], wan->name) == 0)
			return true;
	for (unsigned i = 0; i < wan->ledger->n_own; i++)
		if (expect_is_lan(&report->policy->expect, wan->ledger->own[i].text))
			return true;
	return false;
}

bool rule_inner(struct report *report, const struct rule *rule)
{
	bool any = false;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct report_wan *wan = &report->wans[i];
		const struct ledger_event *e = wan->ledger->events;
		uint64_t syns = e[EVENT_CAPABLE_SYN].count + e[EVENT_JOIN_SYN].count;
		struct finding *f;
		char name[100];

		if (!is_inner(report, wan))
			continue;
		f = verdict_add(report, rule, (int)i);
		if (!f)
			return false;
		any = true;
		text_safe(name, sizeof(name), wan->name, 32);
		verdict_observe(f, "count", syns, 1);
		f->status = syns                                              ? STATUS_WARN
		            : report->options.filter || wan->ledger->filtered ? STATUS_NOT_ASSESSED
		                                                              : STATUS_PASS;
		snprintf(f->brief, sizeof(f->brief), "none");
		snprintf(f->text, sizeof(f->text),
		         syns ? "%llu connections on %s, behind the router, asked for MPTCP."
		              : "%llu connections asked for MPTCP on %s.",
		         (unsigned long long)syns, name);
		verdict_show_event(f, &e[EVENT_CAPABLE_SYN], "asks for MPTCP");
		verdict_show_event(f, &e[EVENT_JOIN_SYN], "joins a connection of MPTCP");
	}
	if (!any) {
		struct finding *f = verdict_add(report, rule, -1);

		if (!f)
			return false;
		f->status = STATUS_NOT_APPLICABLE;
		snprintf(f->text, sizeof(f->text),
		         "No capture of the LAN or of the VPN was given.");
	}
	return true;
}
