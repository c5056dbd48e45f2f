/* SPDX-License-Identifier: MIT
 *
 * label.h - roles and kinds in a word of the reader's language, for tables and lists.
 *
 * In English they are the words of the JSON.
 */
#ifndef REPORT_LABEL_H
#define REPORT_LABEL_H

#include <stddef.h>

#include "../dissect/ledger.h"
#include "message.h"

#define LABEL_SIZE 100

/* A role as the JSON has it, as a message; a word that is no role is itself. Returns out. */
const char *label_role(char out[LABEL_SIZE], const char *role);

/* The word of a kind. */
enum message label_kind(enum kind kind);

#endif
