/* SPDX-License-Identifier: MIT
 *
 * ledger_digest.c - which files a ledger was made from: their SHA-256 as hexadecimal digits.
 */
#include "ledger_inside.h"

#include <string.h>

#define SEVERAL "several"

void ledger_file_digest(struct ledger_file *file, const uint8_t sha256[LEDGER_SHA256])
{
	if (file->digest == DIGEST_NONE) {
		file->digest = DIGEST_KNOWN;
		memcpy(file->sha256, sha256, LEDGER_SHA256);
	} else if (file->digest == DIGEST_KNOWN && memcmp(file->sha256, sha256, LEDGER_SHA256)) {
		file->digest = DIGEST_SEVERAL;
		memset(file->sha256, 0, LEDGER_SHA256);
	}
}

/* No digest, one, several: it only goes up, so the order of merging does not matter. */
void ledger_digest_merge(struct ledger_file *into, const struct ledger_file *from)
{
	if (from->digest == DIGEST_KNOWN) {
		ledger_file_digest(into, from->sha256);
	} else if (from->digest == DIGEST_SEVERAL) {
		into->digest = DIGEST_SEVERAL;
		memset(into->sha256, 0, LEDGER_SHA256);
	}
}

const char *ledger_digest_text(const struct ledger_file *file, char out[2 * LEDGER_SHA256 + 1])
{
	static const char digits[] = "0123456789abcdef";

	if (file->digest == DIGEST_SEVERAL)
		return SEVERAL;
	for (size_t i = 0; i < LEDGER_SHA256; i++) {
		out[2 * i] = digits[file->sha256[i] >> 4];
		out[2 * i + 1] = digits[file->sha256[i] & 15];
	}
	out[2 * LEDGER_SHA256] = '\0';
	return file->digest == DIGEST_KNOWN ? out : NULL;
}

static bool read_digit(char c, uint8_t *value)
{
	if (c >= '0' && c <= '9')
		*value = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (uint8_t)(c - 'a' + 10);
	else
		return false;
	return true;
}

bool ledger_digest_load(struct ledger_file *file, const json_t *value)
{
	const char *text = json_string_value(value);
	uint8_t sha256[LEDGER_SHA256], high, low;

	if (!value)
		return true;
	if (text && strcmp(text, SEVERAL) == 0) {
		file->digest = DIGEST_SEVERAL;
		return true;
	}
	if (!text || strlen(text) != 2 * LEDGER_SHA256)
		return false;
	for (size_t i = 0; i < LEDGER_SHA256; i++) {
		if (!read_digit(text[2 * i], &high) || !read_digit(text[2 * i + 1], &low))
			return false;
		sha256[i] = (uint8_t)(high << 4 | low);
	}
	ledger_file_digest(file, sha256);
	return true;
}
