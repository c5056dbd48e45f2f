/* SPDX-License-Identifier: MIT
 *
 * english.h - what a message of a report says, for tests that look for words in it.
 */
#ifndef TESTS_ENGLISH_H
#define TESTS_ENGLISH_H

#include <string.h>

#include "../report/message.h"

/* `words` when the message says them, else NULL. */
static inline const char *in_english(const char *message, const char *words)
{
	const struct telling how = {.language = LANGUAGE_EN};
	char text[6000];

	message_words(text, sizeof(text), message, &how);
	return strstr(text, words) ? words : NULL;
}

/* The whole of it. */
static inline bool is_english(const char *message, const char *words)
{
	const struct telling how = {.language = LANGUAGE_EN};
	char text[6000];

	return strcmp(message_words(text, sizeof(text), message, &how), words) == 0;
}

#endif
