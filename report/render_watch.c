/* SPDX-License-Identifier: MIT
 *
 * render_watch.c - see render_watch.h.
 */
#include "render_watch.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

#define NS 1000000000ull

/* ---- a canvas: lines that are never longer or more than the terminal ---- */

enum style { PLAIN, BOLD, DIM, TITLE, GOOD, WARN, BAD, BAR };

struct canvas {
	FILE *out;
	const struct render_screen *screen;
	unsigned column, row; /* row: of the line that is written, from 0 */
	bool closed;
};

static void style_begin(const struct canvas *canvas, enum style style)
{
	static const struct {
		const char *colour, *none; /* NO_COLOR takes colours away, not weight */
	} styles[] = {
		[BOLD] = {"\033[1m", "\033[1m"},    [DIM] = {"\033[2m", "\033[2m"},
		[TITLE] = {"\033[4m", "\033[4m"},   [GOOD] = {"\033[1;32m", "\033[1m"},
		[WARN] = {"\033[1;33m", "\033[1m"}, [BAD] = {"\033[1;31m", "\033[1;7m"},
		[BAR] = {"\033[7m", "\033[7m"},
	};

	if (style != PLAIN)
		fputs(canvas->screen->colour ? styles[style].colour : styles[style].none,
		      canvas->out);
}

static size_t character(const char *text)
{
	size_t n = 1;

	while ((text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static void put(struct canvas *canvas, enum style style, const char *text)
{
	if (canvas->closed || canvas->column >= canvas->screen->columns)
		return;
	style_begin(canvas, style);
	while (*text && canvas->column < canvas->screen->columns) {
		size_t n = character(text);
		fwrite(text, 1, n, canvas->out);
		text += n;
		canvas->column++;
	}
	if (style != PLAIN)
		fputs("\033[0m", canvas->out);
}

/* In a field: right-aligned when width is positive, left-aligned when negative; one space behind.
 */
static void field(struct canvas *canvas, enum style style, int width, const char *text)
{
	unsigned wide = (unsigned)(width < 0 ? -width : width), used = text_width(text);
	char pad[64];
	unsigned blank = wide > used ? wide - used : 0;

	snprintf(pad, sizeof(pad), "%*s", (int)(blank < 60 ? blank : 60), "");
	if (width > 0 && blank)
		put(canvas, style == TITLE ? TITLE : PLAIN, pad);
	put(canvas, style, text);
	if (width < 0 && blank)
		put(canvas, style == TITLE ? TITLE : PLAIN, pad);
	put(canvas, style == TITLE ? TITLE : PLAIN, " ");
}

static unsigned rows_left(const struct canvas *canvas)
{
	return canvas->closed ? 0 : canvas->screen->rows - canvas->row;
}

static void next_line(struct canvas *canvas)
{
	if (canvas->closed)
		return;
	/* behind the last column there is nothing to clear: it would take the last character */
	if (canvas->column < canvas->screen->columns)
		fputs("\033[K", canvas->out);
	canvas->column = 0;
	if (++canvas->row >= canvas->screen->rows)
		canvas->closed = true;
	else
		fputs("\r\n", canvas->out);
}

__attribute__((format(printf, 3, 4))) static void line(struct canvas *canvas, enum style style,
                                                       const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(canvas, style, text);
	next_line(canvas);
}

/* Up to two lines, parted at a space. */
static void wrap(struct canvas *canvas, enum style style, const char *text)
{
	char first[1024];
	size_t room = canvas->screen->columns - 1, at = 0, space = 0;
	unsigned used = 0;

	snprintf(first, sizeof(first), "%s", text);
	for (; first[at] && used < room; used++) {
		if (first[at] == ' ')
			space = at;
		at += character(first + at);
	}
	bool two = first[at] && space > 0;
	if (two)
		first[space] = '\0';
	line(canvas, style, " %s", first);
	line(canvas, style, " %s", two ? text + space + 1 : "");
}

/* ---- pieces ---- */

static const char *safe_name(char out[160], const char *name, unsigned width)
{
	return text_safe(out, 160, name, width);
}

static bool is_backup(const struct watch_wan *wan)
{
	return wan->role == ROLE_BACKUP;
}

/* What the figures of the widest table take. */
#define FIGURES 67

/* Names get what the figures leave over; the negative width of their field. */
static int name_width(const struct canvas *canvas)
{
	unsigned figures = FIGURES;
	unsigned left = canvas->screen->columns > figures ? canvas->screen->columns - figures : 0;

	return -(int)(left < 9 ? 9 : left > 24 ? 24 : left);
}

/* Whole seconds: a screen of once a second knows no others. */
static const char *span(char out[TEXT_SHORT], uint64_t ns)
{
	if (ns < 60 * NS) {
		snprintf(out, TEXT_SHORT, "%u s", (unsigned)(ns / NS));
		return out;
	}
	return text_duration(out, ns / NS * NS);
}

static const char *age(char out[TEXT_SHORT], const struct watch *watch, uint64_t at_ns)
{
	if (at_ns == 0)
		return "never";
	if (watch->now_ns < at_ns + (watch->lag_s + 2) * NS)
		return "now";
	return span(out, watch->now_ns - at_ns);
}

static void draw_top(struct canvas *canvas, const struct watch *watch)
{
	struct watch_headline headline;
	static const enum style levels[] = {PLAIN, GOOD, WARN, BAD};
	char left[300], right[120], input[240], now[TEXT_SHORT], up[TEXT_SHORT];
	unsigned columns = canvas->screen->columns;

	snprintf(left, sizeof(left), " mptcp-audit watch  %s",
	         text_safe(input, sizeof(input), watch->input, columns > 64 ? columns - 64 : 1));
	snprintf(right, sizeof(right), "%s  up %s ", text_moment(now, watch->now_ns),
	         span(up, watch->now_ns - watch->started_ns));
	unsigned used = text_width(left) + text_width(right);
	unsigned gap = columns > used ? columns - used : 1;
	char bar[900];
	snprintf(bar, sizeof(bar), "%s%*s%s", left, (int)gap, "", right);
	line(canvas, BAR, "%s", bar);
	watch_headline(watch, &headline);
	wrap(canvas, levels[headline.level], headline.text);
}

static enum style state_style(const struct watch_wan *wan)
{
	return wan->state == WATCH_UP ? GOOD : wan->state == WATCH_UNKNOWN ? DIM : WARN;
}

static void draw_share(struct canvas *canvas, const struct watch *watch,
                       const struct watch_wan *wan)
{
	char share[TEXT_SHORT], text[TEXT_SHORT * 2];
	uint64_t primary = watch_primary(watch);
	double limit = watch->policy->limits[LIMIT_PAYLOAD_SHARE];

	if (!is_backup(wan) || primary == 0) {
		field(canvas, DIM, 15, "-");
		return;
	}
	snprintf(text, sizeof(text), "%s / %g %%", text_percent(share, wan->carrying, primary),
	         limit * 100);
	field(canvas, (double)wan->carrying > limit * (double)primary ? BAD : PLAIN, 15, text);
}

static void draw_now(struct canvas *canvas, const struct watch *watch)
{
	uint8_t order[LEDGER_WANS_MAX];
	char text[TEXT_SHORT], name[160];
	int width = name_width(canvas);

	field(canvas, TITLE, width, "WAN");
	field(canvas, TITLE, -7, "role");
	field(canvas, TITLE, -7, "state");
	field(canvas, TITLE, 9, "up/s");
	field(canvas, TITLE, 9, "down/s");
	field(canvas, TITLE, 15, "payload / limit");
	field(canvas, TITLE, 14, "last heard");
	next_line(canvas);
	watch_order(watch, order);
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[order[i]];
		uint64_t up, down;

		watch_rate(watch, wan, &up, &down);
		field(canvas, BOLD, width, safe_name(name, wan->name, (unsigned)-width));
		field(canvas, wan->role == ROLE_NONE ? DIM : PLAIN, -7,
		      wan->role == ROLE_NONE ? "-" : role_names[wan->role]);
		field(canvas, state_style(wan), -7, watch_states[wan->state]);
		field(canvas, up ? PLAIN : DIM, 9, text_bytes(text, up));
		field(canvas, down ? PLAIN : DIM, 9, text_bytes(text, down));
		draw_share(canvas, watch, wan);
		field(canvas, PLAIN, 14, age(text, watch, wan->heard_ns));
		next_line(canvas);
	}
}

static void draw_sums(struct canvas *canvas, const struct watch *watch)
{
	uint8_t order[LEDGER_WANS_MAX];
	static const struct {
		const char *title;
		int width;
	} columns[GROUP_COUNT] = {
		[GROUP_USER] = {"payload", 9},        [GROUP_ACK] = {"acks", 8},
		[GROUP_KEEPALIVE] = {"keepalive", 9}, [GROUP_SIGNAL] = {"open/close", 10},
		[GROUP_OTHER] = {"other", 8},
	};
	char text[TEXT_SHORT], more[2 * TEXT_SHORT], name[160];
	int width = name_width(canvas);

	field(canvas, TITLE, width, "since start");
	for (int g = 0; g < GROUP_COUNT; g++)
		field(canvas, TITLE, columns[g].width, columns[g].title);
	field(canvas, TITLE, 9, "subflows");
	field(canvas, TITLE, 6, "drops");
	next_line(canvas);
	watch_order(watch, order);
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[order[i]];

		field(canvas, BOLD, width, safe_name(name, wan->name, (unsigned)-width));
		for (int g = 0; g < GROUP_COUNT; g++) {
			uint64_t bytes = watch_group(wan, (enum watch_group)g).ip_bytes;
			enum style style = bytes == 0                          ? DIM
			                   : g == GROUP_USER && is_backup(wan) ? WARN
			                                                       : PLAIN;
			field(canvas, style, columns[g].width, text_bytes(text, bytes));
		}
		snprintf(more, sizeof(more), wan->backup ? "%s (%lluB)" : "%s",
		         text_count(text, wan->open), (unsigned long long)wan->backup);
		field(canvas, PLAIN, 9, more);
		field(canvas, wan->dropped ? BAD : PLAIN, 6,
		      wan->dropped || wan->drops_known ? text_count(text, wan->dropped) : "-");
		next_line(canvas);
	}
}

/* ---- the last minute, a column per second ---- */

static const char *bar(const struct canvas *canvas, uint64_t bytes, uint64_t most)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ".", ":", ":", "-", "=", "#", "#"};
	uint64_t level = bytes == 0 ? 0 : 1 + (uint64_t)((double)bytes / (double)most * 7.99);

	if (level > 8)
		level = 8;
	return canvas->screen->utf8 ? blocks[level] : ascii[level];
}

static void draw_minute(struct canvas *canvas, const struct watch *watch,
                        const struct watch_wan *wan)
{
	int width = name_width(canvas);
	unsigned room = canvas->screen->columns - (unsigned)-width - 1;
	unsigned seconds = room > 10 + WATCH_MINUTE ? WATCH_MINUTE : room > 24 ? room - 10 : 14;
	uint64_t most = 1;
	char text[TEXT_SHORT], name[160];

	for (unsigned ago = 0; ago < seconds; ago++) {
		struct watch_second second = watch_at(watch, wan, ago);
		if (second.up + second.down > most)
			most = second.up + second.down;
	}
	field(canvas, BOLD, width, safe_name(name, wan->name, (unsigned)-width));
	for (unsigned ago = seconds; ago-- > 0;) {
		struct watch_second second = watch_at(watch, wan, ago);
		bool bad = is_backup(wan) && second.user_bytes > 0;
		put(canvas, bad ? BAD : PLAIN, bar(canvas, second.up + second.down, most));
	}
	if (most > 1)
		line(canvas, DIM, " %s/s", text_bytes(text, most));
	else
		next_line(canvas);
}

static void draw_graph(struct canvas *canvas, const struct watch *watch)
{
	uint8_t order[LEDGER_WANS_MAX];
	line(canvas, TITLE,
	     "a column per second, newest right; each WAN to its own scale, its top behind");
	watch_order(watch, order);
	for (size_t i = 0; i < watch->n_wans; i++)
		draw_minute(canvas, watch, &watch->wans[order[i]]);
}

/* ---- events ---- */

static const char *event_wan(char out[160], const struct watch *watch,
                             const struct watch_event *event, unsigned width)
{
	return event->wan < watch->n_wans ? safe_name(out, watch->wans[event->wan].name, width)
	                                  : "-";
}

static void draw_event(struct canvas *canvas, const struct watch *watch,
                       const struct watch_event *event)
{
	static const enum style levels[] = {PLAIN, GOOD, WARN, BAD};
	char when[TEXT_SHORT], name[160], text[WATCH_TEXT * 3], count[TEXT_SHORT];

	text_moment(when, event->at_ns); /* "2026-01-02 03:04:05 UTC": its clock */
	if (strlen(when) > 19)
		when[19] = '\0';
	field(canvas, DIM, -8, strlen(when) == 19 ? when + 11 : when);
	field(canvas, BOLD, -9, event_wan(name, watch, event, 9));
	put(canvas, levels[event->level], text_safe(text, sizeof(text), event->text, WATCH_TEXT));
	if (event->count > 1) {
		put(canvas, PLAIN, " x");
		put(canvas, PLAIN, text_count(count, event->count));
	}
	next_line(canvas);
}

static void draw_events(struct canvas *canvas, const struct watch *watch, unsigned room)
{
	size_t n = watch->n_events < room ? watch->n_events : room;

	for (size_t i = watch->n_events - n; i < watch->n_events; i++)
		draw_event(canvas, watch, &watch->events[(watch->first_event + i) % WATCH_EVENTS]);
}

void render_watch_screen(const struct watch *watch, const struct render_screen *screen, FILE *out)
{
	struct canvas canvas = {.out = out, .screen = screen};
	unsigned n = (unsigned)watch->n_wans, rows = screen->rows;

	if (rows == 0 || screen->columns == 0)
		return;
	fputs("\033[H", out);
	draw_top(&canvas, watch);
	if (rows > n + 4)
		draw_now(&canvas, watch);
	if (rows_left(&canvas) > n + 4) {
		next_line(&canvas);
		draw_sums(&canvas, watch);
	}
	if (rows_left(&canvas) > n + 7) {
		next_line(&canvas);
		draw_graph(&canvas, watch);
	}
	if (rows_left(&canvas) > 3) {
		next_line(&canvas);
		line(&canvas, TITLE, "events, newest last");
		draw_events(&canvas, watch, rows_left(&canvas) - 1);
	}
	while (rows_left(&canvas) > 1)
		next_line(&canvas);
	put(&canvas, DIM, " q quits");
	next_line(&canvas);
}

/* ---- plain lines ---- */

/* A name without spaces: one word of a line. */
static const char *word(char out[160], const char *name)
{
	text_safe(out, 160, name, 40);
	for (char *p = out; *p; p++)
		if (*p == ' ' || *p == '=')
			*p = '_';
	return *out ? out : "-";
}

static const char *role_word(const struct watch_wan *wan)
{
	return wan->role == ROLE_NONE ? "-" : role_names[wan->role];
}

static void plain_share(const struct watch *watch, const struct watch_wan *wan, FILE *out)
{
	uint64_t primary = watch_primary(watch);

	if (is_backup(wan) && primary > 0)
		fprintf(out, " share=%.6f", (double)wan->carrying / (double)primary);
	else
		fputs(" share=-", out);
}

void render_watch_lines(const struct watch *watch, FILE *out)
{
	uint8_t order[LEDGER_WANS_MAX];
	char when[TEXT_SHORT], name[160];

	text_time(when, watch->now_ns, 0);
	watch_order(watch, order);
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[order[i]];
		struct tally total = watch_total(wan);
		uint64_t up, down;

		watch_rate(watch, wan, &up, &down);
		fprintf(out,
		        "%s wan %s role=%s state=%s up=%llu down=%llu user_60s=%llu frames=%llu",
		        when, word(name, wan->name), role_word(wan), watch_states[wan->state],
		        (unsigned long long)up, (unsigned long long)down,
		        (unsigned long long)watch_user(watch, wan, WATCH_MINUTE),
		        (unsigned long long)total.frames);
		for (int g = 0; g < GROUP_COUNT; g++)
			fprintf(out, " %s=%llu", watch_groups[g],
			        (unsigned long long)watch_group(wan, (enum watch_group)g).ip_bytes);
		plain_share(watch, wan, out);
		fprintf(out, " subflows=%llu backup=%llu waiting=%llu dropped=%llu\n",
		        (unsigned long long)wan->open, (unsigned long long)wan->backup,
		        (unsigned long long)wan->waiting, (unsigned long long)wan->dropped);
	}
}

void render_watch_totals(const struct watch *watch, FILE *out)
{
	uint8_t order[LEDGER_WANS_MAX];
	char name[160];

	watch_order(watch, order);
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[order[i]];
		struct tally total = watch_total(wan);

		fprintf(out,
		        "total %s role=%s frames=%llu l2_bytes=%llu ip_bytes=%llu dropped=%llu",
		        word(name, wan->name), role_word(wan), (unsigned long long)total.frames,
		        (unsigned long long)total.l2_bytes, (unsigned long long)total.ip_bytes,
		        (unsigned long long)wan->dropped);
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			struct tally sum = watch_kind(wan, (enum kind)kind);
			if (sum.frames || sum.payload_bytes)
				fprintf(out, " %s=%llu,%llu,%llu", kind_names[kind],
				        (unsigned long long)sum.frames,
				        (unsigned long long)sum.ip_bytes,
				        (unsigned long long)sum.payload_bytes);
		}
		fputc('\n', out);
	}
}

void render_watch_event(const struct watch *watch, const struct watch_event *event, FILE *out)
{
	char when[TEXT_SHORT], name[160], text[WATCH_TEXT * 3];

	fprintf(out, "%s event %s %s\n", text_time(when, event->at_ns, 0),
	        event->wan < watch->n_wans ? word(name, watch->wans[event->wan].name) : "-",
	        text_safe(text, sizeof(text), event->text, WATCH_TEXT));
}

void render_watch_summary(const struct watch *watch, FILE *out)
{
	struct watch_headline headline;
	uint8_t order[LEDGER_WANS_MAX];
	char name[160], bytes[TEXT_SHORT], user[TEXT_SHORT], rest[TEXT_SHORT], frames[TEXT_SHORT];

	watch_order(watch, order);
	watch_headline(watch, &headline);
	fprintf(out, "%s\n", headline.text);
	for (size_t i = 0; i < watch->n_wans; i++) {
		const struct watch_wan *wan = &watch->wans[order[i]];
		struct tally total = watch_total(wan), carrying = watch_group(wan, GROUP_USER);

		fprintf(out, "%s%s%s: %s frames, %s: payload %s, standby %s; ",
		        text_safe(name, sizeof(name), wan->name, 24),
		        wan->role == ROLE_NONE ? "" : ", ",
		        wan->role == ROLE_NONE ? "" : role_names[wan->role],
		        text_count(frames, total.frames), text_bytes(bytes, total.ip_bytes),
		        text_bytes(user, carrying.ip_bytes),
		        text_bytes(rest, total.ip_bytes - carrying.ip_bytes));
		if (wan->dropped || wan->drops_known)
			fprintf(out, "%s dropped\n", text_count(frames, wan->dropped));
		else
			fputs("drops not known\n", out);
	}
}
