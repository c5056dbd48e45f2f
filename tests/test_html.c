/* SPDX-License-Identifier: MIT
 *
 * test_html.c - the writer of the page: nothing of others becomes markup; the drawings: a burst is
 * never hidden; stored reports that are broken, old or hostile.
 */
#include <CUnit/CUnit.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../report/chart.h"
#include "../report/formats.h"
#include "../report/html.h"
#include "../report/stored.h"

void suite_html(void);

/* What a writer wrote. */
struct written {
	char *text;
	size_t size;
	struct html h;
};

static void begin(struct written *w)
{
	memset(w, 0, sizeof(*w));
	w->h.out = open_memstream(&w->text, &w->size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->h.out);
}

static bool ends_as(struct written *w, const char *want)
{
	bool same;

	fclose(w->h.out);
	same = strcmp(w->text, want) == 0;
	if (!same)
		printf("\n\tgot  %s\n\twant %s\n", w->text, want);
	CU_ASSERT_EQUAL(w->size, w->h.bytes);
	free(w->text);
	return same;
}

static bool text_is(const char *text, const char *want)
{
	struct written w;

	begin(&w);
	h_text(&w.h, text);
	return ends_as(&w, want);
}

static bool attr_is(const char *text, const char *want)
{
	struct written w;

	begin(&w);
	h_attr(&w.h, "title", text);
	return ends_as(&w, want);
}

static void test_escaping(void)
{
	CU_ASSERT(text_is("<script>alert('1')</script> & \"",
	                  "&lt;script&gt;alert(&#39;1&#39;)&lt;/"
	                  "script&gt; &amp; &quot;"));
	CU_ASSERT(text_is("a\xff\xc3z\xe4\xb8",
	                  "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd"));
	CU_ASSERT(text_is("\xe2\x80\xaegnp", "<code>U+202E</code>gnp")); /* right to left */
	CU_ASSERT(text_is("a\x1b[31m\n", "a<code>U+001B</code>[31m<code>U+000A</code>"));
	CU_ASSERT(text_is("<U+202E>x", "<code>U+202E</code>x")); /* as text_safe() writes it */
	CU_ASSERT(text_is("<U+0041><U+>", "&lt;U+0041&gt;&lt;U+&gt;"));
	CU_ASSERT(text_is("\xe4\xb8\xad\xf0\x9f\x98\x80", "\xe4\xb8\xad\xf0\x9f\x98\x80"));
	CU_ASSERT(attr_is("\" onload='x' \xe2\x80\xae<",
	                  " title=\"&quot; onload=&#39;x&#39; U+202E&lt;\""));
}

static void test_figures(void)
{
	struct written w;

	begin(&w);
	h_num(&w.h, 1234567);
	H(&w.h, " ");
	h_digits(&w.h, 1234567);
	H(&w.h, " ");
	h_tenths(&w.h, 1230);
	H(&w.h, " ");
	h_tenths(&w.h, 1234);
	H(&w.h, " ");
	h_real(&w.h, 2500000.0);
	H(&w.h, " ");
	h_real(&w.h, 0.125);
	H(&w.h, " ");
	h_short(&w.h, "abcdef", 3);
	H(&w.h, " ");
	h_short(&w.h, "abc", 3);
	CU_ASSERT(ends_as(&w, "1,234,567 1234567 123 123.4 2,500,000 0.125 abc… abc"));
}

/* The y of the highest point of a path, in tenths of a unit from the top; 9999 without one. */
static unsigned highest(const char *svg, const char *class)
{
	const char *at = strstr(svg, class), *end = at ? strstr(at, "/>") : NULL;
	unsigned best = 9999;

	for (; at && at < end; at++)
		if (*at == 'V') {
			unsigned y = (unsigned)(atof(at + 1) * 10 + 0.5);

			best = y < best ? y : best;
		}
	return best;
}

/* One step of 1,440 is a thousand times the others: it reaches the top of the drawing although
 * four steps share a column; and a single byte beside it is still seen. */
static void test_burst(void)
{
	static uint64_t carrying[1440], standby[1440];
	struct chart_series series = {.start_ns = 1,
	                              .step_ns = 1,
	                              .points = 1440,
	                              .carrying = carrying,
	                              .standby = standby};
	struct written w;

	carrying[717] = 1000000;
	standby[3] = 1;
	CU_ASSERT_EQUAL(chart_top(&series), 1000000);
	begin(&w);
	chart_series(&w.h, &series, "t", "d");
	fclose(w.h.out);
	CU_ASSERT_EQUAL(highest(w.text, "class=carry"), 0);
	CU_ASSERT_EQUAL(highest(w.text, "class=most"), 0);
	CU_ASSERT(highest(w.text, "class=standby") >= 1185); /* each column's least is nothing */
	CU_ASSERT_PTR_NOT_NULL(strstr(w.text, "H0V118.5"));  /* the byte */
	free(w.text);
}

static void test_stored(void)
{
	json_t *o = json_pack("{s:i, s:f, s:s, s:n, s:{s:s}, s:i}", "n", 5, "f", 2.5, "s", "x", "z",
	                      "o", "t", "2026-01-02T03:04:05Z", "m", -3);
	char text[100];

	CU_ASSERT_EQUAL(stored_number(o, "n"), 5);
	CU_ASSERT_EQUAL(stored_number(o, "f"), 2);
	CU_ASSERT_EQUAL(stored_number(o, "s"), 0);
	CU_ASSERT_EQUAL(stored_number(o, "m"), 0);
	CU_ASSERT_STRING_EQUAL(stored_text(o, "n"), "");
	CU_ASSERT_STRING_EQUAL(stored_text(NULL, "n"), "");
	CU_ASSERT_FALSE(stored_has(o, "z"));
	CU_ASSERT_EQUAL(stored_time(json_object_get(o, "o"), "t"), 1767323045000000000u);
	CU_ASSERT_EQUAL(stored_time(o, "s"), 0);
	CU_ASSERT_STRING_EQUAL(stored_message(text, sizeof(text), o, "s"), "x");
	json_decref(o);
}

static bool accepted(const char *schema)
{
	json_t *o = schema ? json_pack("{s:s}", "schema", schema) : json_array();
	char message[400];
	bool good = format_accepts(o, message, sizeof(message));

	json_decref(o);
	return good;
}

static void test_schema(void)
{
	CU_ASSERT(accepted("mptcp-audit.report/1.0"));
	CU_ASSERT(accepted("mptcp-audit.report/1.99"));
	CU_ASSERT_FALSE(accepted("mptcp-audit.report/2.0"));
	CU_ASSERT_FALSE(accepted("mptcp-audit.report/10.0"));
	CU_ASSERT_FALSE(accepted("mptcp-audit.ledger/1.1"));
	CU_ASSERT_FALSE(accepted(NULL));
	CU_ASSERT_PTR_EQUAL(format_of_file("a/report.html"), format_find("html"));
	CU_ASSERT_PTR_NULL(format_of_file(".html"));
	CU_ASSERT_PTR_NULL(format_find("htm"));
}

/* Members of wrong types, by their names everywhere a page looks for them. */
static void test_broken(void)
{
	static const char *const keys[] = {"wans",          "findings", "series",   "connections",
	                                   "interruptions", "coverage", "expected", "window",
	                                   "limits",        "verdict",  "tool"};
	static const char *const values[] = {"7",
	                                     "\"x\"",
	                                     "[]",
	                                     "[1,[],{}]",
	                                     "{}",
	                                     "null",
	                                     "[{\"role\":\"backup\"}]",
	                                     "{\"wans\":[{}],\"points\":3,\"step_seconds\":1,"
	                                     "\"start\":\"2026-01-02T03:04:05Z\"}"};

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
			json_t *o = json_object();
			char *text = NULL;
			size_t size;
			FILE *out = open_memstream(&text, &size);

			json_object_set_new(o, keys[k],
			                    json_loads(values[v], JSON_DECODE_ANY, NULL));
			CU_ASSERT(render_html(o, LANGUAGE_ZH, out));
			fclose(out);
			CU_ASSERT_PTR_NOT_NULL(strstr(text, "</html>"));
			free(text);
			json_decref(o);
		}
}

void suite_html(void)
{
	CU_pSuite suite = CU_add_suite("html", NULL, NULL);

	CU_add_test(suite, "what is not ours is escaped", test_escaping);
	CU_add_test(suite, "figures", test_figures);
	CU_add_test(suite, "a burst is never hidden", test_burst);
	CU_add_test(suite, "stored members", test_stored);
	CU_add_test(suite, "schemas", test_schema);
	CU_add_test(suite, "broken reports", test_broken);
}
