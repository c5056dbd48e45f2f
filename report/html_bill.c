/* SPDX-License-Identifier: MIT
 *
 * html_bill.c - the carrier's bill set against what was seen, where one was given: it was the
 * question, so it stands on the first screen.
 */
#include "html_page.h"

#include <string.h>

#include "text.h"

static const json_t *bill_of(const json_t *report)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		if (strcmp(stored_text(finding, "rule"), "E2") == 0 &&
		    stored_has(stored_in(finding, "observed", "parts"), "billed"))
			return finding;
	}
	return NULL;
}

/* A share is an object, an amount a number. */
static uint64_t part_of(const json_t *parts, const char *name)
{
	const json_t *part = json_object_get(parts, name);

	return json_is_object(part) ? stored_number(part, "numerator") : stored_number(parts, name);
}

void html_say_bill(const json_t *report, char *out, size_t size)
{
	const json_t *finding = bill_of(report), *parts = stored_in(finding, "observed", "parts");
	bool less = stored_has(parts, "billed_less");
	char name[STORED_NAME], billed[TEXT_SHORT], apart[TEXT_SHORT];

	stored_name(name, finding, "wan", 32);
	text_bytes(billed, part_of(parts, "billed"));
	text_bytes(apart, part_of(parts, less ? "billed_less" : "unexplained"));
	if (less)
		SAY(out, size, page_head_bill_less, name, billed, apart);
	else
		SAY(out, size, page_head_bill, name, billed, apart);
}

void html_bill(struct html *h, const json_t *report)
{
	static const struct {
		const char *name;
		enum message words;
	} rows[] = {
		{"billed", MESSAGE_page_bill_billed},
		{"seen", MESSAGE_page_bill_seen},
		{"not_recorded_estimated", MESSAGE_page_bill_not_recorded},
		{"dropped_estimated", MESSAGE_page_bill_lost},
		{"rounding", MESSAGE_page_bill_rounding},
		{"unexplained", MESSAGE_page_bill_unexplained},
		{"billed_less", MESSAGE_page_bill_less},
	};
	const json_t *finding = bill_of(report), *parts = stored_in(finding, "observed", "parts");
	enum status status = html_status_of(finding);
	char name[STORED_NAME];

	if (!finding)
		return;
	H(h, "<p class=sub>");
	H_SAY(h, page_bill_of, stored_name(name, finding, "wan", 32));
	H(h, "<dl class=bill>");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool result = i >= 5;

		if (stored_has(parts, rows[i].name))
			html_fact(h, rows[i].words, part_of(parts, rows[i].name),
			          !result || status == STATUS_PASS);
	}
	H(h, "</dl>");
}
