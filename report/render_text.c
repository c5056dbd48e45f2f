/* SPDX-License-Identifier: MIT
 *
 * render_text.c - see render.h. Eighty columns; names of others pass text_safe() first.
 */
#include "render.h"
#include "render_expect.h"

#include <stdarg.h>
#include <string.h>

#include "explain.h"
#include "text.h"
#include "verdict.h"

#define COLUMNS         79
#define TOP_CAUSES      12
#define TOP_CONNECTIONS 3

struct page {
	const struct report *report;
	FILE *out;
	bool colour;
};

static const struct {
	const char *word, *mark, *colour;
} status_looks[STATUS_COUNT] = {
	[STATUS_PASS] = {"PASS", "+", "\033[32m"},
	[STATUS_WARN] = {"WARN", "!", "\033[33m"},
	[STATUS_FAIL] = {"FAIL", "x", "\033[31m"},
	[STATUS_NOT_ASSESSED] = {"NOT ASSESSED", "?", "\033[36m"},
	[STATUS_NOT_APPLICABLE] = {"not applicable", "-", "\033[2m"},
	[STATUS_ERROR] = {"ERROR", "x", "\033[31m"},
	[STATUS_WAIVED] = {"waived", "-", "\033[2m"},
};

static const char *paint(const struct page *page, const char *colour)
{
	return page->colour ? colour : "";
}

static void heading(const struct page *page, const char *text)
{
	fprintf(page->out, "\n%s%s%s\n", paint(page, "\033[1m"), text, paint(page, "\033[0m"));
}

/* Length of the word at `text`; a number and the unit behind it are one. */
static size_t word_length(const char *text)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "%", "s", "min", "h", "d"};
	size_t length = strcspn(text, " ");
	const char *next = text + length + 1;

	if (length == 0 || text[length] == '\0' || text[length - 1] < '0' || text[length - 1] > '9')
		return length;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcspn(next, " ,;.:)") == strlen(units[i]) &&
		    strncmp(next, units[i], strlen(units[i])) == 0)
			return length + 1 + strcspn(next, " ");
	return length;
}

/* Words of `text`, each line indented, the first one too unless it `hangs` behind what is already
 * there; a word longer than a line stands alone. */
static void wrap_behind(const struct page *page, const char *text, unsigned indent, bool hangs)
{
	unsigned column = indent;
	bool begun = false;

	while (*text) {
		size_t length = word_length(text);
		char word[256];
		unsigned wide;

		snprintf(word, sizeof(word), "%.*s", (int)(length < 255 ? length : 255), text);
		wide = text_width(word);
		if (begun && column + 1 + wide > COLUMNS) {
			fputc('\n', page->out);
			begun = hangs = false;
			column = indent;
		}
		if (!begun)
			fprintf(page->out, "%*s", (int)(hangs ? 0 : indent), "");
		else
			column += (unsigned)fprintf(page->out, " ");
		fputs(word, page->out);
		column += wide;
		begun = true;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', page->out);
}

static void wrap(const struct page *page, const char *text, unsigned indent)
{
	wrap_behind(page, text, indent, false);
}

/* The end of a long path says more than its beginning. */
static const char *safe_path(char *out, size_t size, const char *path, unsigned columns)
{
	const char *tail = path, *slash;
	char short_path[512];

	if (strlen(path) <= columns)
		return text_safe(out, size, path, columns);
	while (strlen(tail) + 4 > columns && (slash = strchr(tail, '/')) && slash[1])
		tail = slash + 1;
	snprintf(short_path, sizeof(short_path), "%s%s", tail > path ? ".../" : "", tail);
	return text_safe(out, size, short_path, columns);
}

/* printf's %-*s counts bytes; names may hold longer characters. */
static void pad(const struct page *page, const char *text, unsigned columns)
{
	unsigned wide = text_width(text);

	fprintf(page->out, "%s%*s", text, (int)(wide < columns ? columns - wide : 0), "");
}

/* ---- the sentence ---- */

static void print_head(const struct page *page)
{
	const struct report *report = page->report;
	enum status verdict = report->verdict;
	char when[TEXT_SHORT], site[100];

	fprintf(page->out, "%s%s%s", paint(page, "\033[1m"),
	        paint(page, status_looks[verdict].colour), status_looks[verdict].word);
	fprintf(page->out, "%s  mptcp-audit %s", paint(page, "\033[0m"), report->options.version);
	if (report->policy->site)
		fprintf(page->out, "  %s", text_safe(site, sizeof(site), report->policy->site, 24));
	if (report->options.generated_ns)
		fprintf(page->out, "  %s", text_moment(when, report->options.generated_ns));
	fputs("\n\n", page->out);
	wrap(page, report->sentence, 0);
	if (report->assumption[0]) {
		fputc('\n', page->out);
		wrap(page, report->assumption, 0);
	}
}

/* ---- the WANs ---- */

static uint64_t primary_sum(const struct report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->primaries >> i & 1)
			sum += report->wans[i].shared.billed;
	return sum;
}

static void print_kinds(const struct page *page, const struct account *account)
{
	char line[400] = "", some[TEXT_SHORT];
	size_t used = 0;

	for (size_t k = 0; k < KIND_COUNT; k++) {
		uint64_t bytes = 0;
		int n;

		for (size_t d = 0; d < DIR_COUNT; d++) {
			bytes += account->kinds[d][k].ip_bytes;
		}
		if (bytes == 0)
			continue;
		n = snprintf(line + used, sizeof(line) - used, "%s%s %s", used ? ", " : "",
		             kind_names[k], text_bytes(some, bytes));
		if (n < 0 || (size_t)n >= sizeof(line) - used)
			break;
		used += (size_t)n;
	}
	if (used)
		wrap(page, line, 4);
}

static void print_wan(const struct page *page, const struct report_wan *wan, uint64_t primary)
{
	const struct account *shared = &wan->shared;
	uint64_t outage = shared->phases[PHASE_OUTAGE].ip_bytes;
	bool backup = wan->role.role == ROLE_BACKUP;
	char name[100], role[40], total[TEXT_SHORT], billed[TEXT_SHORT], a[TEXT_SHORT],
		b[TEXT_SHORT], c[TEXT_SHORT];

	snprintf(role, sizeof(role), "%s%s", role_names[wan->role.role],
	         wan->role.source == FROM_ASSUMED && wan->role.role != ROLE_NONE ? "?" : "");
	fputs("  ", page->out);
	pad(page, text_safe(name, sizeof(name), wan->name, 16), 16);
	fprintf(page->out, " %-8s %9s %9s %9s %9s %9s\n", role,
	        text_bytes(total, wan->whole.total.ip_bytes), text_bytes(billed, wan->whole.billed),
	        backup ? text_percent(a, shared->carrying - outage, primary) : "-",
	        backup ? text_percent(b, outage, primary) : "-",
	        backup ? text_percent(c, shared->standby, primary) : "-");
	print_kinds(page, &wan->whole);
}

/* Whose role nobody had to name again. */
static void print_roles_from(const struct page *page, enum role_source source, const char *words)
{
	const struct report *report = page->report;
	char line[600] = "", name[100];
	size_t used = 0;

	for (size_t i = 0; i < report->n_wans && used + 140 < sizeof(line); i++)
		if (report->wans[i].role.source == source)
			used += (size_t)snprintf(
				line + used, sizeof(line) - used, "%s%s", used ? ", " : "",
				text_safe(name, sizeof(name), report->wans[i].name, 20));
	if (!used)
		return;
	snprintf(line + used, sizeof(line) - used, ": role as %s", words);
	wrap(page, line, 2);
}

static void print_wans(const struct page *page)
{
	const struct report *report = page->report;
	bool assumed = false;
	char line[100];

	snprintf(line, sizeof(line),
	         "WANs (bytes at IP level, %s; shares: of the primary, judged time)",
	         report_extent_words(report));
	heading(page, line);
	fprintf(page->out, "  %-16s %-8s %9s %9s %9s %9s %9s\n", "WAN", "role", "bytes", "billed",
	        "payload", "in outage", "standby");
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct wan_role *role = &report->wans[i].role;

		print_wan(page, &report->wans[i], primary_sum(report));
		assumed = assumed || (role->source == FROM_ASSUMED && role->role != ROLE_NONE);
	}
	print_roles_from(page, FROM_UCI, "UCI says");
	print_roles_from(page, FROM_CAPTURE, "the recording says");
	if (assumed)
		fputs("  ? = this role was assumed from what the WAN's own frames say\n",
		      page->out);
}

/* ---- what was expected ---- */

static void print_expected(const struct page *page)
{
	bool headed = false;
	unsigned step = 0;
	char line[900];

	while (render_expected_line(page->report, &step, line, sizeof(line))) {
		if (!headed)
			heading(page, "Expected");
		headed = true;
		wrap(page, line, 2);
	}
}

/* ---- what used a WAN ---- */

static void span_text(char *out, size_t size, uint64_t from_ns, uint64_t to_ns);

/* Is it on the day on which the capture of all WANs began? */
static bool same_day(const struct report *report, uint64_t ns)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->wans[i].ledger->first_ns && report->wans[i].ledger->first_ns < first)
			first = report->wans[i].ledger->first_ns;
	return first / 86400000000000u == ns / 86400000000000u;
}

/* "  12.00 %  1.20 MB  keepalives and their answers, every 15 s x 40 subflows (14:02:03 to 15:01:00)" */
static void print_cause(const struct page *page, const struct cause *cause, uint64_t all)
{
	const char *label = strchr(cause->id, ':');
	char percent[TEXT_SHORT], some[TEXT_SHORT], safe[120], span[80] = "", line[400];

	if (cause->first_ns && cause->last_ns)
		span_text(span, sizeof(span), cause->first_ns, cause->last_ns);
	if (span[0] && same_day(page->report, cause->first_ns) && strlen(span) < 32)
		memmove(span, span + 11, strlen(span + 11) + 1); /* the day stands under Coverage */
	snprintf(line, sizeof(line), "%s%s%s%s%s%s%s%s", cause_words(cause->id), label ? ": " : "",
	         label ? text_safe(safe, sizeof(safe), label + 1, 40) : "",
	         cause->detail[0] ? ", " : "", cause->detail, span[0] ? " (" : "", span,
	         span[0] ? ")" : "");
	fprintf(page->out, "  %10s  %9s  ", text_percent(percent, cause->ip_bytes, all),
	        text_bytes(some, cause->ip_bytes));
	wrap_behind(page, line, 25, true);
}

static void print_causes(const struct page *page, const struct account *account)
{
	uint64_t rest = 0;
	char some[TEXT_SHORT];

	for (size_t i = 0; i < account->n_causes; i++) {
		if (i < TOP_CAUSES)
			print_cause(page, &account->causes[i], account->billed);
		else
			rest += account->causes[i].ip_bytes;
	}
	if (account->n_causes > TOP_CAUSES) {
		char percent[TEXT_SHORT];

		fprintf(page->out, "  %10s  %9s  %zu more, in the JSON\n",
		        text_percent(percent, rest, account->billed), text_bytes(some, rest),
		        account->n_causes - TOP_CAUSES);
	}
	if (account->local > 0)
		fprintf(page->out, "  %10s  %9s  local, not billed\n", "",
		        text_bytes(some, account->local));
	if (account->duplicate > 0)
		fprintf(page->out, "  %10s  %9s  the capture's own copies, not counted\n", "",
		        text_bytes(some, account->duplicate));
}

/* "2026-01-02 15:04:05 to 15:04:45", with the day twice when it is not the same. */
static void span_text(char *out, size_t size, uint64_t from_ns, uint64_t to_ns)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];

	text_moment(a, from_ns);
	text_moment(b, to_ns);
	snprintf(out, size, "%.19s to %.*s", a, (int)(strncmp(a, b, 10) == 0 ? 8 : 19),
	         strncmp(a, b, 10) == 0 && strlen(b) > 19 ? b + 11 : b);
}

static void print_span(const struct page *page, uint64_t from_ns, uint64_t to_ns)
{
	char span[80];

	span_text(span, sizeof(span), from_ns, to_ns);
	fputs(span, page->out);
}

static void print_connection(const struct page *page, const struct connection_on_wan *on,
                             bool backup)
{
	const struct ledger_connection *c = on->connection;
	char peer[120], sum[TEXT_SHORT], some[TEXT_SHORT];
	const char *sign = "", *port = strrchr(c->client, ':');

	fputs("    ", page->out);
	pad(page, text_safe(peer, sizeof(peer), c->server[0] ? c->server : "peer not known", 34),
	    20);
	fprintf(page->out, " %9s  ", text_bytes(sum, on->sum.ip_bytes));
	print_span(page, c->first_ns, c->last_ns);
	if (port && text_width(peer) <= 20) /* else the line is full */
		fprintf(page->out, ", port %s", port + 1);
	fputc('\n', page->out);
	if (!backup || on->carrying_ip == 0)
		return;
	if (c->version < 0 || c->fallback) {
		fprintf(page->out, "      user data: %s, over %s\n",
		        text_bytes(some, on->carrying_ip),
		        c->fallback ? "plain TCP after a fallback" : "plain TCP");
		return;
	}
	fputs("      user data: ", page->out);
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		if (on->phases[i] == 0)
			continue;
		fprintf(page->out, "%s%s %s", sign, phase_names[i],
		        text_bytes(some, on->phases[i]));
		sign = ", ";
	}
	if (!sign[0])
		fprintf(page->out, "%s", text_bytes(some, on->carrying_ip));
	fputc('\n', page->out);
}

static void print_use(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct report_wan *wan = &report->wans[index];
	struct connection_on_wan top[TOP_CONNECTIONS];
	size_t others, n;
	char name[100], line[200], some[TEXT_SHORT];

	snprintf(line, sizeof(line), "What used %s%s: %s billed, %s",
	         text_safe(name, sizeof(name), wan->name, 32),
	         wan->role.role == ROLE_BACKUP ? " (backup)" : "",
	         text_bytes(some, wan->whole.billed), report_extent_words(report));
	heading(page, line);
	print_causes(page, &wan->whole);
	n = report_top(report, index, top, TOP_CONNECTIONS, &others);
	if (n == 0)
		return;
	fputs("  Largest connections on it (IP bytes, UTC):\n", page->out);
	for (size_t i = 0; i < n; i++)
		print_connection(page, &top[i], wan->role.role == ROLE_BACKUP);
	if (others > 0)
		fprintf(page->out, "    %zu more in the JSON\n", others);
	if (report->ledger->rest.connections > 0)
		fprintf(page->out, "    %llu more in sums only\n",
		        (unsigned long long)report->ledger->rest.connections);
	if (report->ledger->rest.subflows > report->ledger->rest.connections)
		fprintf(page->out, "    %llu subflows in sums only\n",
		        (unsigned long long)report->ledger->rest.subflows);
}

/* Backups; without any, each WAN: then the causes are all there is to tell. */
static void print_uses(const struct page *page)
{
	bool backup = false;

	for (size_t i = 0; i < page->report->n_wans; i++)
		backup = backup || page->report->wans[i].role.role == ROLE_BACKUP;
	for (size_t i = 0; i < page->report->n_wans; i++)
		if (!backup || page->report->wans[i].role.role == ROLE_BACKUP)
			print_use(page, i);
}

/* ---- findings ---- */

/* The frames of one file that prove one thing: where, since when, and what to paste into
 * Wireshark. */
static size_t print_proof(const struct page *page, const struct finding *finding, size_t from)
{
	const struct ledger *ledger = page->report->ledger;
	const struct finding_frame *first = &finding->frames[from];
	size_t n = 1;
	char safe[160], when[TEXT_SHORT];

	while (from + n < finding->n_frames && finding->frames[from + n].file == first->file &&
	       finding->frames[from + n].note == first->note)
		n++;
	fprintf(page->out, "         %s: %s\n",
	        safe_path(safe, sizeof(safe),
	                  first->file < ledger->n_files ? ledger->files[first->file].name : "-",
	                  30),
	        first->note);
	fprintf(page->out, "           frame.number %s", n == 1 ? "== " : "in {");
	for (size_t i = 0; i < n; i++)
		fprintf(page->out, "%s%llu", i ? ", " : "",
		        (unsigned long long)finding->frames[from + i].number);
	fprintf(page->out, "%s  %s\n", n == 1 ? "" : "}", text_time(when, first->ts_ns, 6));
	return n;
}

static void print_evidence(const struct page *page, const struct finding *finding)
{
	for (size_t i = 0; i < finding->n_frames;)
		i += print_proof(page, finding, i);
}

static const char *number_text(char out[TEXT_SHORT], double value, const char *unit)
{
	char text[TEXT_SHORT];

	if (strcmp(unit, "ratio") == 0)
		snprintf(out, TEXT_SHORT, "%.4g %%", value * 100);
	else if (strcmp(unit, "seconds") == 0)
		snprintf(out, TEXT_SHORT, "%.3g s", value);
	else if (strcmp(unit, "per_day") == 0)
		snprintf(out, TEXT_SHORT, "%.3g a day", value);
	else if (strcmp(unit, "count") == 0)
		snprintf(out, TEXT_SHORT, "%.4g", value);
	else
		snprintf(out, TEXT_SHORT, "%.24s%s",
		         text_bytes(text, value < 1e18 ? (uint64_t)value : 0),
		         strcmp(unit, "bytes_per_day") == 0 ? "/day" : "");
	return out;
}

static void print_observed(const struct page *page, const struct finding *finding)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];

	/* below its limit, the number is not the reason */
	if (!finding->observed || (finding->limited && finding->value <= finding->limit))
		return;
	fputs("         observed ", page->out);
	fputs(number_text(a, finding->value, finding->unit), page->out);
	if (strcmp(finding->unit, "ratio") == 0)
		fprintf(page->out, " = %s / %s", text_count(a, finding->numerator),
		        text_count(b, finding->denominator));
	if (finding->limited) {
		fprintf(page->out, ", limit %s", number_text(a, finding->limit, finding->unit));
	}
	if (finding->limit_key)
		fprintf(page->out, " (%s)", finding->limit_key);
	fputc('\n', page->out);
}

static void print_mark(const struct page *page, enum status status, const char *rule)
{
	fprintf(page->out, "  %s%s %-4s%s ", paint(page, status_looks[status].colour),
	        status_looks[status].mark, rule, paint(page, "\033[0m"));
}

/* What to do about a failure, in a line; the page of the check says more. */
static void print_fix(const struct page *page, const struct finding *finding)
{
	const struct explain_row *row = explain_find(finding->rule);
	char line[200];

	if (!row || finding->status != STATUS_FAIL)
		return;
	snprintf(line, sizeof(line), "Fix: %s (mptcp-audit explain %s)",
	         row->brief ? row->brief : "no setting fixes this", finding->rule);
	wrap(page, line, 9);
}

/* A failure or a warning: all there is to know about it. */
static void print_finding(const struct page *page, const struct finding *finding)
{
	char name[100] = "";

	print_mark(page, finding->status, finding->rule);
	if (finding->wan >= 0)
		text_safe(name, sizeof(name), page->report->wans[finding->wan].name, 20);
	fprintf(page->out, "%s%s%s: %s\n", name, name[0] ? ", " : "", finding->title,
	        status_looks[finding->status].word);
	wrap(page, finding->text, 9);
	print_observed(page, finding);
	wrap(page, finding->why, 9);
	print_fix(page, finding);
	print_evidence(page, finding);
}

/* What could not be assessed: why, once for all rules with the same reason. */
static void print_unassessed(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct finding *finding = &report->findings[index];
	const char *last = finding->rule;
	char line[900];
	size_t used = 0;

	for (size_t i = 0; i < index; i++)
		if (report->findings[i].status == finding->status &&
		    strcmp(report->findings[i].text, finding->text) == 0)
			return;
	for (size_t i = index; i < report->n_findings && used < 60; i++) {
		const struct finding *other = &report->findings[i];

		if (other->status != finding->status || other->rule == last ||
		    strcmp(other->text, finding->text) != 0)
			continue;
		last = other->rule;
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
		                         used ? ", " : "and ", last);
	}
	snprintf(line + used, sizeof(line) - used, "%s%s", used ? ": " : "", finding->text);
	print_mark(page, finding->status, finding->rule);
	wrap_behind(page, line, 9, true);
	print_evidence(page, finding);
}

/* What passed: a line for each rule, with a few words for each WAN. */
static void print_passed(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct finding *finding = &report->findings[index];
	char line[2000], name[100], limit[TEXT_SHORT];
	size_t used;

	for (size_t i = 0; i < index; i++)
		if (report->findings[i].status == finding->status &&
		    report->findings[i].rule == finding->rule)
			return;
	used = (size_t)snprintf(line, sizeof(line), "%s:", finding->title);
	for (size_t i = index; i < report->n_findings && used + 260 < sizeof(line); i++) {
		const struct finding *other = &report->findings[i];

		if (other->status != finding->status || other->rule != finding->rule)
			continue;
		text_safe(name, sizeof(name), other->wan < 0 ? "" : report->wans[other->wan].name,
		          20);
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s %s %s",
		                         i == index ? "" : ",", name, other->brief);
	}
	if (finding->limit_key && finding->unit)
		snprintf(line + used, sizeof(line) - used, "; limit %s",
		         number_text(limit, finding->limit, finding->unit));
	print_mark(page, finding->status, finding->rule);
	wrap_behind(page, line, 9, true);
}

static void print_findings(const struct page *page)
{
	static const enum status told[] = {STATUS_FAIL, STATUS_ERROR, STATUS_WARN, STATUS_WAIVED};
	const struct report *report = page->report;
	size_t quiet = 0;

	heading(page, "Findings (x fail, ! warn, ? not assessed, + pass)");
	for (size_t s = 0; s < sizeof(told) / sizeof(*told); s++)
		for (size_t i = 0; i < report->n_findings; i++)
			if (report->findings[i].status == told[s])
				print_finding(page, &report->findings[i]);
	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].status == STATUS_NOT_ASSESSED)
			print_unassessed(page, i);
	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].status == STATUS_PASS)
			print_passed(page, i);
	for (size_t i = 0; i < report->n_findings; i++)
		quiet += report->findings[i].status == STATUS_NOT_APPLICABLE;
	if (quiet > 0)
		fprintf(page->out, "  - %zu not applicable; every sentence and number: --json\n",
		        quiet);
}

/* ---- coverage ---- */

static void print_file(const struct page *page, const struct ledger_file *file)
{
	const struct report *report = page->report;
	char name[160], wan[100], count[TEXT_SHORT], safe[400];

	fputs("  ", page->out);
	pad(page, safe_path(name, sizeof(name), file->name, 36), 24);
	fprintf(page->out, " -> %s: %s frames",
	        text_safe(wan, sizeof(wan),
	                  file->wan < report->n_wans ? report->wans[file->wan].name : "-", 20),
	        text_count(count, file->frames));
	fputc('\n', page->out);
	if (file->frames > 0) {
		fputs("      ", page->out);
		print_span(page, file->first_ns, file->last_ns);
		fputs(" UTC", page->out);
		if (file->snaplen)
			fprintf(page->out, ", snaplen %u", file->snaplen);
		fputc('\n', page->out);
	}
	if (file->message)
		wrap(page, text_safe(safe, sizeof(safe), file->message, 300), 6);
}

/* A line that grows; what does not fit is left out. */
struct line {
	char text[1600];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void more(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(line->text) - line->used)
		line->used += (size_t)n;
	else
		line->text[line->used] = '\0';
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "3 recorded files, 2026-01-01 00:00:00 to 01:00:00 UTC, 12,345 frames, 0 dropped" */
static void more_recorded(struct line *line, const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	char a[TEXT_SHORT], b[TEXT_SHORT], count[TEXT_SHORT];
	bool same_day;

	text_moment(a, wan->coverage.from_ns);
	text_moment(b, wan->coverage.to_ns);
	same_day = strncmp(a, b, 10) == 0;
	more(line, "%s recorded file%s, ", text_count(count, c->recorded_files),
	     plural(c->recorded_files));
	more(line, "%.19s to %s, ", a, same_day ? b + 11 : b);
	more(line, "%s frames, ", text_count(count, wan->whole.total.frames));
	more(line, "%s dropped", text_count(count, c->dropped_frames));
	if (c->unfinished_files)
		more(line, ", %s file%s being written or cut off",
		     text_count(count, c->unfinished_files), plural(c->unfinished_files));
	if (c->repaired_files)
		more(line, ", %s repaired", text_count(count, c->repaired_files));
	if (c->missing_files)
		more(line, ", %s missing", text_count(count, c->missing_files));
}

/* What the kernel counted, the gaps, the warnings, the clock. */
static void more_quality(struct line *line, const struct report_wan *wan)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED,
	                                         SPAN_STOPPED};
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct ledger_record *record = wan->ledger->record;
	char a[TEXT_SHORT], b[TEXT_SHORT], some[200];
	uint64_t seen = c->kernel_seen_frames + c->kernel_seen_dropped;

	if (c->kernel_spans && seen >= c->kernel_frames)
		more(line, "; all %s frames the kernel counted", text_count(a, c->kernel_frames));
	else if (c->kernel_spans)
		more(line, "; %s of %s frames the kernel counted", text_count(a, seen),
		     text_count(b, c->kernel_frames));
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (coverage_say(&wan->coverage, states[i], 0, UINT64_MAX, some, sizeof(some)))
			more(line, "; %s%s", coverage_is_blind(states[i]) ? "recording " : "",
			     some);
	for (unsigned i = 0, told = 0; i < record->n_warnings; i++) {
		const struct ledger_warning *warning = &record->warnings[i];

		if (coverage_warning(warning->code, false))
			more(line, "%s%s%s%s%s",
			     told++ ? ", " : "; its recorder warned: ", warning->code,
			     warning->about[0] ? " (" : "", warning->about,
			     warning->about[0] ? ")" : "");
	}
	if (c->clock_steps && !record->n_steps)
		more(line, "; the clock was set %s time%s, its times are by the first",
		     text_count(a, c->clock_steps), plural(c->clock_steps));
}

static void print_gaps(const struct page *page, const struct report_wan *wan)
{
	const struct ledger_event *e = wan->ledger->events;
	uint64_t cut = e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                       ? e[EVENT_HEADER_CUT].count
	                       : e[EVENT_OPTION_CUT].count;
	char name[100], text[TEXT_SHORT];
	struct line line = {.used = 0};

	more(&line, "%s: ", text_safe(name, sizeof(name), wan->name, 20));
	if (wan->coverage.recorded)
		more_recorded(&line, wan);
	else if (wan->ledger->drops_known || wan->ledger->counters.dropped_frames)
		more(&line, "%s frames dropped while capturing",
		     text_count(text, wan->ledger->counters.dropped_frames));
	else
		more(&line, "drops not known (pcap does not record them)");
	if (cut > 0)
		more(&line, ", %s headers or options cut", text_count(text, cut));
	if (e[EVENT_BACKWARDS].count > 0)
		more(&line, ", %s step%s back in time", text_count(text, e[EVENT_BACKWARDS].count),
		     plural(e[EVENT_BACKWARDS].count));
	if (e[EVENT_SUPER_FRAME].count > 0)
		more(&line, ", %s super-frames (offload)",
		     text_count(text, e[EVENT_SUPER_FRAME].count));
	if (wan->ledger->skew_ns > 0)
		more(&line, ", clock off by %s or more", text_duration(text, wan->ledger->skew_ns));
	if (wan->ledger->filtered)
		more(&line, ", filtered");
	if (wan->coverage.recorded)
		more_quality(&line, wan);
	wrap(page, line.text, 2);
}

/* ---- outages and failovers of primaries ---- */

#define TOP_INTERRUPTIONS 8

static void print_interruptions(const struct page *page)
{
	char sentence[400];
	size_t told = 0;

	for (size_t i = 0; i < page->report->ledger->n_interruptions; i++) {
		if (!verdict_say_interruption(page->report, i, sentence, sizeof(sentence)))
			continue;
		if (told == 0)
			heading(page, "Outages of the primaries, and where their traffic went");
		if (told++ < TOP_INTERRUPTIONS)
			wrap(page, sentence, 2);
	}
	if (told > TOP_INTERRUPTIONS)
		fprintf(page->out, "  %zu more, in the JSON\n", told - TOP_INTERRUPTIONS);
}

/* ---- the clock ---- */

#define TOP_STEPS  3
#define STEP_NEAR  2000000000u /* of one step, as two WANs tell it: each by its own file */
#define STEP_ALIKE 200000000

static bool same_step(const struct ledger_step *a, const struct ledger_step *b)
{
	uint64_t apart = a->at_ns > b->at_ns ? a->at_ns - b->at_ns : b->at_ns - a->at_ns;
	int64_t size;

	return apart <= STEP_NEAR && !__builtin_sub_overflow(a->by_ns, b->by_ns, &size) &&
	       size <= STEP_ALIKE && size >= -STEP_ALIKE;
}

static bool step_told(const struct report *report, size_t wan, const struct ledger_step *step)
{
	for (size_t i = 0; i < wan; i++) {
		const struct ledger_record *record = report->wans[i].ledger->record;

		for (unsigned k = 0; record && k < record->n_steps; k++)
			if (same_step(&record->steps[k], step))
				return true;
	}
	return false;
}

static void print_step(const struct page *page, const struct ledger_step *step)
{
	char line[200], moment[TEXT_SHORT], whole[TEXT_SHORT];
	uint64_t ms = (step->by_ns < 0 ? -(uint64_t)step->by_ns : (uint64_t)step->by_ns) / 1000000;

	snprintf(line, sizeof(line),
	         "the clock was set by %c%s.%llu s at %s: times before it were moved",
	         step->by_ns < 0 ? '-' : '+', text_count(whole, ms / 1000),
	         (unsigned long long)(ms % 1000 / 100), text_moment(moment, step->at_ns));
	wrap(page, line, 2);
}

/* A router has one clock: each step once, whichever WANs tell of it. */
static void print_steps(const struct page *page)
{
	const struct report *report = page->report;
	unsigned told = 0, untold = 0;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_record *record = report->wans[i].ledger->record;

		for (unsigned k = 0; record && k < record->n_steps; k++) {
			if (step_told(report, i, &record->steps[k]))
				continue;
			if (told < TOP_STEPS)
				print_step(page, &record->steps[k]);
			else
				untold++;
			told++;
		}
	}
	if (untold)
		fprintf(page->out, "  the clock was set %u more time%s, in the JSON\n", untold,
		        plural(untold));
}

/* The window that was asked for, by the site's clocks. */
static void print_window(const struct page *page)
{
	const struct report_options *how = &page->report->options;
	char from[60] = "the first frame", to[60] = "the last frame", length[TEXT_SHORT];
	struct zone utc;

	if (!how->from_ns && !how->to_ns)
		return;
	zone_utc(&utc);
	if (how->from_ns)
		zone_text(how->zone ? how->zone : &utc, (int64_t)(how->from_ns / 1000000000u), from,
		          sizeof(from));
	if (how->to_ns)
		zone_text(how->zone ? how->zone : &utc, (int64_t)(how->to_ns / 1000000000u), to,
		          sizeof(to));
	fprintf(page->out, "  window: %s to %s", from, to);
	if (how->from_ns && how->to_ns)
		fprintf(page->out, " (%s)", text_duration(length, how->to_ns - how->from_ns));
	fputc('\n', page->out);
}

static void print_coverage(const struct page *page)
{
	const struct report *report = page->report;
	char filter[200], length[TEXT_SHORT];

	heading(page, "Coverage");
	for (size_t i = 0; i < report->ledger->n_files; i++)
		if (!report->ledger->files[i].recorded || report->ledger->files[i].message)
			print_file(page, &report->ledger->files[i]);
	for (size_t i = 0; i < report->n_wans; i++)
		print_gaps(page, &report->wans[i]);
	print_steps(page);
	print_window(page);
	if (report->window) {
		fputs("  judged: ", page->out);
		print_span(page, report->start_ns, report->end_ns);
		fprintf(page->out, " UTC (%s)\n",
		        text_duration(length, report->end_ns - report->start_ns));
	} else {
		fputs("  judged: nothing, the captures share no time\n", page->out);
	}
	if (report->options.filter)
		fprintf(page->out, "  filter: %s (such an audit cannot pass A1, A2, A29)\n",
		        text_safe(filter, sizeof(filter), report->options.filter, 30));
	if (report->ledger->frames_over_wans > 0)
		fprintf(page->out, "  %llu frames of further WANs were not told apart\n",
		        (unsigned long long)report->ledger->frames_over_wans);
}

void render_text(const struct report *report, FILE *out, bool colour)
{
	struct page page = {report, out, colour};

	print_head(&page);
	print_wans(&page);
	print_expected(&page);
	print_uses(&page);
	print_interruptions(&page);
	print_findings(&page);
	print_coverage(&page);
}
