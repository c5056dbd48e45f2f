/* SPDX-License-Identifier: MIT
 *
 * rules_service.c - the rules about who speaks on a backup: the tracker, the server's API, speed
 * tests, strangers, VPNs: A17 to A22 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "causes.h"
#include "costs.h"
#include "look.h"
#include "message.h"
#include "text.h"

#define DAY_H 24.0

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

	return (double)api->opened / hours > look_limit(look, LIMIT_RECONNECTS);
}

static void reconnect_judge(struct look *look)
{
	struct finding *f = look->finding;
	struct api api = api_of(look);
	char count[TEXT_SHORT], addresses[TEXT_SHORT], where[60] = "", forth[60] = "",
						       limit[TEXT_SHORT];
	bool storm = api_storm(look, &api);

	if (!look->wan->ledger->peers) {
		look_say_no_peers(look);
		return;
	}
	if (!look->enough && !storm && !api.alternates) {
		look_say_too_short(look);
		return;
	}
	verdict_observe(f, "count", api.opened, look_rounded(look->hours > 1 ? look->hours : 1));
	verdict_limit(look->report, f, LIMIT_RECONNECTS);
	verdict_part(f, "connections", api.opened, 0);
	if (api.addresses > 1)
		SAY_IN(where, to_addresses, text_count(addresses, api.addresses));
	if (api.alternates)
		SAY_IN(forth, back_and_forth);
	SAY_IN(f->brief, n_connections_where, text_count(count, api.opened), where);
	SAY_IN(f->text, api_opened, count, look->name, where, text_figure(limit, f->limit), forth);
	f->status = storm || api.alternates ? STATUS_FAIL : look_clean(look);
	if (f->status == STATUS_FAIL && api.most)
		look_show_peer(look, api.most, MESSAGE_shows_a_connection_to_the_server_s_api);
}

bool rule_reconnect(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, reconnect_judge);
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
		every[TEXT_SHORT], rhythm[60] = "", of_it_tls[80] = "";

	if (causes_rhythm(look->wan->ledger, CADENCE_TRACKER, 1, &seconds, &of_it, &all) && seconds)
		SAY_IN(rhythm, a_go_each, text_count(every, seconds));
	if (httping)
		SAY_IN(of_it_tls, tracker_tls, text_bytes(tls, httping));
	SAY_IN(f->brief, an_hour_rhythm, text_bytes(hour, look_rounded(an_hour)), rhythm);
	SAY_IN(f->text, tracker_used, text_bytes(some, bytes), look->name, hour, rhythm,
	       text_bytes(least, explained), of_it_tls);
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
		look_say_no_peers(look);
		return;
	}
	if (bytes == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		SAY_IN(f->text, tracker_none, look->name);
		return;
	}
	if (!look->enough && an_hour <= look_limit(look, LIMIT_TRACKER_BYTES)) {
		look_say_too_short(look);
		verdict_part(f, "ip_bytes", bytes, 0);
		return;
	}
	verdict_observe(f, "bytes", look_rounded(an_hour), 1);
	verdict_limit(look->report, f, LIMIT_TRACKER_BYTES);
	verdict_part(f, "ping_bytes", pings, 0);
	verdict_part(f, "httping_bytes", httping, 0);
	verdict_part(f, "explained_bytes", explained, 0);
	tracker_say(look, bytes, explained, an_hour, httping);
	f->status = an_hour > f->limit ? STATUS_FAIL
	            : (double)bytes > look_limit(look, LIMIT_TRACKER_FACTOR) * (double)explained
	                    ? STATUS_WARN
	                    : look_clean(look);
	if (f->status != STATUS_PASS && most)
		look_show_peer(look, most, MESSAGE_shows_a_tracker_ping);
}

bool rule_tracker(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, tracker_judge);
}

/* ---- A18 ---- */

static void proxy_check_judge(struct look *look)
{
	const struct proxy_check *check = &look->wan->check;
	struct finding *f = look->finding;
	char count[TEXT_SHORT], some[TEXT_SHORT], each[TEXT_SHORT], every[TEXT_SHORT], server[80];

	if (!check->period_ns) {
		f->status = STATUS_NOT_APPLICABLE;
		SAY_IN(f->text, checks_none);
		return;
	}
	f->status = look_clean(look);
	verdict_observe(f, "bytes", check->ip_bytes, 1);
	verdict_part(f, "connections", check->connections, 0);
	verdict_part(f, "period_ms", check->period_ns / 1000000, 0);
	snprintf(every, sizeof(every), "%.0f", (double)check->period_ns / 1e9);
	SAY_IN(f->brief, checks_brief, text_bytes(some, check->ip_bytes),
	       text_count(count, check->connections), every);
	SAY_IN(f->text, checks_cost, count, text_safe(server, sizeof(server), check->server, 54),
	       every, some, look->name,
	       text_bytes(each, check->connections ? check->ip_bytes / check->connections : 0));
}

bool rule_proxy_check(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, proxy_check_judge);
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

			verdict_show_event(look->finding, &event,
			                   MESSAGE_shows_bulk_transfer_at_the_server);
		}
}

static void bulk_judge(struct look *look)
{
	static const struct {
		const char *app;
		enum message message;
	} services[] = {{"iperf3", MESSAGE_bulk_iperf}, {"omr-api", MESSAGE_bulk_api}};
	struct finding *f = look->finding;
	uint64_t all = 0;
	char some[TEXT_SHORT], when[MESSAGE_TIME], words[40];

	f->status = look_clean(look);
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		struct bulk bulk = bulk_of(look, services[i].app);

		all += bulk.bytes;
		if (f->status == STATUS_WARN ||
		    bulk_an_hour(&bulk) <= look_limit(look, LIMIT_BULK_BYTES))
			continue;
		f->status = STATUS_WARN;
		verdict_observe(f, "bytes", bulk.bytes, 1);
		message_say(words, sizeof(words), services[i].message, (const char *const[]){NULL});
		SAY_IN(f->text, bulk_carried, look->name, text_bytes(some, bulk.bytes), words,
		       bulk.first_ns && bulk.last_ns
		               ? message_span(when, bulk.first_ns, bulk.last_ns)
		               : "-");
		show_service(look, services[i].app);
	}
	verdict_limit(look->report, f, LIMIT_BULK_BYTES);
	if (f->status == STATUS_WARN)
		return;
	verdict_observe(f, "bytes", all, 1);
	if (all)
		snprintf(f->brief, sizeof(f->brief), "%s", text_bytes(some, all));
	else
		SAY_IN(f->brief, none);
	SAY_IN(f->text, bulk_none, look->name, text_bytes(some, all));
}

bool rule_bulk(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, bulk_judge);
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
	out[0] = '\0';
	for (size_t i = 0; i < all->n_top; i++) {
		const struct ledger_peer *row = all->top[i];
		const char *app = causes_app(look->report, row->key.app);
		char host[PEER_TEXT], label[80], some[TEXT_SHORT];

		if (app[0])
			text_safe(label, sizeof(label), app, 20);
		else
			SAY_IN(label, unknown);
		causes_peer_text(host, look->wan->ledger->peers, &row->key);
		message_more(out, size, i ? MESSAGE_further_host : MESSAGE_first_host,
		             (const char *const[]){host, label,
		                                   text_bytes(some, causes_peer_sum(row).ip_bytes),
		                                   NULL});
	}
}

static void strangers_judge(struct look *look)
{
	struct finding *f = look->finding;
	struct strangers all;
	double day;
	char some[TEXT_SHORT], a_day[TEXT_SHORT], daily[80] = "", hosts[700];

	if (!look->wan->ledger->peers) {
		look_say_no_peers(look);
		return;
	}
	if (look->report->n_vps == 0) {
		SAY_IN(f->text, vps_unknown, look->name);
		return;
	}
	strangers_of(look, &all);
	day = (double)all.bytes * (look->enough ? DAY_H / look->hours : 1);
	verdict_observe(f, look->enough ? "bytes_per_day" : "bytes", look_rounded(day), 1);
	verdict_part(f, "ip_bytes", all.bytes, 0);
	verdict_part(f, "hosts", all.hosts, 0);
	f->status = day > look_limit(look, LIMIT_STRANGERS_HIGH)    ? STATUS_FAIL
	            : day > look_limit(look, LIMIT_STRANGERS_BYTES) ? STATUS_WARN
	                                                            : look_clean(look);
	verdict_limit(look->report, f,
	              f->status == STATUS_FAIL ? LIMIT_STRANGERS_HIGH : LIMIT_STRANGERS_BYTES);
	strangers_say(look, &all, hosts, sizeof(hosts));
	text_bytes(some, all.bytes);
	text_bytes(a_day, look_rounded(day));
	if (all.bytes)
		snprintf(f->brief, sizeof(f->brief), "%s", some);
	else
		SAY_IN(f->brief, none);
	if (look->enough && all.bytes)
		SAY_IN(daily, comma_a_day, a_day);
	SAY_IN(f->text, strangers_exchanged, look->name, some, daily, hosts);
	if (f->status == STATUS_FAIL || f->status == STATUS_WARN)
		look_show_peer(look, all.top[0], MESSAGE_shows_not_with_the_vps);
	else if (!look->enough && f->status == STATUS_PASS)
		f->status = STATUS_NOT_ASSESSED, look_say_too_short(look);
}

bool rule_strangers(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, strangers_judge);
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
		look_say_no_peers(look);
		return;
	}
	verdict_observe(f, "bytes", large, 1);
	verdict_limit(look->report, f, LIMIT_VPN_BYTES);
	verdict_part(f, "ip_bytes", bytes, 0);
	if (!most) {
		f->status = look_clean(look);
		SAY_IN(f->brief, none);
		SAY_IN(f->text, vpn_none, look->name);
		return;
	}
	f->status = (double)large > f->limit ? STATUS_FAIL : STATUS_WARN;
	text_safe(label, sizeof(label), causes_app(look->report, most->key.app), 20);
	text_bytes(some, bytes);
	text_bytes(data, large);
	if (f->status == STATUS_FAIL)
		SAY_IN(f->text, vpn_as_primary, label, look->name, some, data);
	else
		SAY_IN(f->text, vpn_alive, label, look->name, some, data);
	look_show_peer(look, most, MESSAGE_shows_a_packet_of_the_vpn);
}

bool rule_vpn(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, vpn_judge);
}
