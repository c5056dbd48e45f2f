/* SPDX-License-Identifier: MIT
 *
 * test_settings.c - flags and configuration files: what is meant, what is refused and in which
 * words, and that no bytes at all do harm.
 *
 * Command lines stand with | between their words. The oracle of --check is that what it prints,
 * read again, says the same.
 */
#include "../capture/settings.h"

#include "../capture/amount.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void suite_settings(void);

#define SECOND UINT64_C(1000000000)

/* ---- how a line is read ---- */

struct read {
	struct settings *settings;
	char message[400];
	bool good;
};

static struct read read_line(const char *line)
{
	struct read read = {.settings = malloc(sizeof(*read.settings))};
	char copy[4096], *argv[64] = {"mptcp-captured"}, *save = NULL;
	int argc = 1;

	CU_ASSERT_FATAL(read.settings != NULL && strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save))
		argv[argc++] = word[0] == '\x01' ? "" : word;
	memset(read.message, 'x', sizeof(read.message));
	read.good = settings_read(read.settings, argc, argv, read.message, sizeof(read.message));
	CU_ASSERT(memchr(read.message, '\0', sizeof(read.message)) != NULL);
	CU_ASSERT(read.good == (read.message[0] == '\0'));
	return read;
}

static char file_name[64];

static void write_file(const char *bytes, size_t n)
{
	FILE *file = fopen(file_name, "w");

	CU_ASSERT_FATAL(file != NULL);
	CU_ASSERT(fwrite(bytes, 1, n, file) == n);
	fclose(file);
}

/* The file's bytes, and flags beside it. */
static struct read read_file(const char *bytes, size_t n, const char *flags)
{
	char line[4200];

	write_file(bytes, n);
	snprintf(line, sizeof(line), "-c|%s|%s", file_name, flags);
	return read_line(line);
}

static struct read read_text(const char *text)
{
	return read_file(text, strlen(text), "");
}

/* ---- flags ---- */

static void what_is_not_said(void)
{
	struct read r = read_line("-i|eth1=master|-i|wwan*|-d|/spool");
	const struct settings *s = r.settings;

	CU_ASSERT_FATAL(r.good);
	CU_ASSERT(s->n_interfaces == 2);
	CU_ASSERT_STRING_EQUAL(s->interfaces[0].pattern, "eth1");
	CU_ASSERT_STRING_EQUAL(s->interfaces[0].role, "master");
	CU_ASSERT_STRING_EQUAL(s->interfaces[1].pattern, "wwan*");
	CU_ASSERT_STRING_EQUAL(s->interfaces[1].role, "");
	CU_ASSERT(s->interfaces[0].keep == KEEP_HEADERS && !s->interfaces[0].own_keep);
	CU_ASSERT_STRING_EQUAL(s->directory, "/spool");
	CU_ASSERT_STRING_EQUAL(s->control, "/spool/control");
	CU_ASSERT_STRING_EQUAL(s->output, "");
	CU_ASSERT_STRING_EQUAL(s->user, "");
	CU_ASSERT(s->keep == KEEP_HEADERS);
	CU_ASSERT(s->rotate_ns == 300 * SECOND && s->flush_ns == SECOND);
	CU_ASSERT(s->statistics_ns == 60 * SECOND);
	CU_ASSERT(s->max_bytes > 0 && s->max_bytes <= 64u << 20);
	CU_ASSERT(s->rotate_bytes <= 16u << 20 && s->rotate_bytes <= s->max_bytes / 4);
	CU_ASSERT(s->max_files == 0 && s->max_age_ns == 0 && s->keep_free == 0);
	CU_ASSERT(s->backend == LIVE_BACKENDS && s->zstd_level == 0);
	CU_ASSERT(s->count == 0 && s->duration_ns == 0 && !s->quiet && !s->verbose && !s->check);
	free(r.settings);
}

static void each_flag_reaches_its_member(void)
{
	struct read r = read_line("--interface|a|--directory=/s|-f|tcp|-s|128|--snaplen-master|0|"
	                          "--rotate-size|1M|--rotate-time|90|--max-bytes|2G|--max-files|7|"
	                          "--max-age|7d|--keep-free|1.5K|--flush|250ms|--statistics|2m|"
	                          "--buffer|4M|--peak-pps|50000|--stall|0.25|--zstd|3|--user|"
	                          "nobody|--control|/c|--backend|pcap|--count|10|--duration|1h|"
	                          "--check|-v");
	const struct settings *s = r.settings;

	CU_ASSERT_FATAL(r.good);
	CU_ASSERT_STRING_EQUAL(s->filter, "tcp");
	CU_ASSERT(s->keep == 128 && s->keep_role[0] == 0 && s->keep_role[2] == 128);
	CU_ASSERT(s->rotate_bytes == 1 << 20 && s->rotate_ns == 90 * SECOND);
	CU_ASSERT(s->max_bytes == 2ull << 30 && s->max_files == 7);
	CU_ASSERT(s->max_age_ns == 7 * 86400 * SECOND && s->keep_free == 1536);
	CU_ASSERT(s->flush_ns == SECOND / 4 && s->statistics_ns == 120 * SECOND);
	CU_ASSERT(s->ring_bytes == 4 << 20 && s->peak_pps == 50000 && s->stall_ns == SECOND / 4);
	CU_ASSERT(s->zstd_level == 3 && s->backend == LIVE_PCAP);
	CU_ASSERT_STRING_EQUAL(s->user, "nobody");
	CU_ASSERT_STRING_EQUAL(s->control, "/c");
	CU_ASSERT(s->count == 10 && s->duration_ns == 3600 * SECOND && s->check && s->verbose);
	free(r.settings);
	r = read_line("-i|a|-w|-|-q|--control|\x01");
	CU_ASSERT(r.good && r.settings->quiet);
	CU_ASSERT_STRING_EQUAL(r.settings->output, "-");
	CU_ASSERT_STRING_EQUAL(r.settings->control, "");
	free(r.settings);
}

static void an_interface_in_one_word(void)
{
	struct read r = read_line("-i|wwan0=backup,wan=lte-1,snaplen=0,filter=tcp and (port 80 or "
	                          "host 10.1.2.3 and len != 60)|-d|s|--snaplen-on|96|-i|b=on|-i|"
	                          "c,snaplen=headers|--snaplen|200");
	const struct settings_interface *i = r.settings->interfaces;

	CU_ASSERT_FATAL(r.good && r.settings->n_interfaces == 3);
	CU_ASSERT_STRING_EQUAL(i[0].pattern, "wwan0");
	CU_ASSERT_STRING_EQUAL(i[0].role, "backup");
	CU_ASSERT_STRING_EQUAL(i[0].wan, "lte-1");
	CU_ASSERT(i[0].keep == 0 && i[0].own_keep);
	CU_ASSERT_STRING_EQUAL(i[0].filter, "tcp and (port 80 or host 10.1.2.3 and len != 60)");
	CU_ASSERT(i[1].keep == 96 && !i[1].own_keep);
	CU_ASSERT(i[2].keep == KEEP_HEADERS && i[2].own_keep);
	free(r.settings);
}

static void what_flags_are_refused_for(void)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"-i|eth1", "no place for the recording: write -d SPOOL"},
		{"-i|eth1|-d|a|-w|b", "give either -d or -w"},
		{"-i|eth1=mastr|-d|x",
	         "--interface: \"mastr\" is no role, did you mean \"master\"?"},
		{"-i|eth1=wan0|-d|x", "\"wan0\" is no role: it is master, on, backup or off"},
		{"-i|any|-d|x", "name each WAN, such as -i eth1"},
		{"-i|\x01|-d|x", "names no device"},
		{"-i|a/b|-d|x", "can be no device"},
		{"-i|sixteen-bytes-xx|-d|x", "at most 15 bytes"},
		{"-i|eth[0|-d|x", "has a [ without its ]"},
		{"-i|eth1|-i|eth1|-d|x", "\"eth1\" is there twice"},
		{"-i|w*,wan=lte|-d|x", "would mix them"},
		{"-i|a,wan=../x|-d|x", "can name no files"},
		{"-i|a,wan=.x|-d|x", "can name no files"},
		{"-i|a,wan=b|-i|b|-d|x", "(a, b) would be the WAN \"b\""},
		{"-i|a,colour=red|-d|x", "unknown key: there are role, wan, snaplen and filter"},
		{"-i|a,snaplan=0|-d|x", "did you mean \"snaplen\"?"},
		{"-i|a,snaplen|-d|x", "\"snaplen\" is no KEY=VALUE"},
		{"-i|a,snaplen=0,snaplen=0|-d|x", "is said twice"},
		{"-i|a=on,role=on|-d|x", "is said twice"},
		{"-i|a,filter=tcp port|-d|x", "is no filter: "},
		{"-i|a|-f|tcp (|-d|x", "--filter: \"tcp (\" is no filter"},
		{"-i|a|-d|x|--rotate-time|0", "out of range: 1s to 366d"},
		{"-i|a|-d|x|--rotate-time|5 weeks",
	         "--rotate-time: \"5 weeks\" is not a time such as"},
		{"-i|a|-d|x|--rotate-size|-1", "is not a size such as"},
		{"-i|a|-d|x|--rotate-size|99999999999999999999", "is not a size"},
		{"-i|a|-d|x|--max-bytes|17000000T", "is not a size"},
		{"-i|a|-d|x|--rotate-size|2G", "larger than the ring"},
		{"-i|a|-d|x|--buffer|1K", "out of range: 64K to 1G"},
		{"-i|a|-d|x|--snaplen|63", "is no length to keep: write headers, 0 for all"},
		{"-i|a|-d|x|--snaplen|4294967296", "is no length to keep"},
		{"-i|a|-d|x|--zstd|20", "out of range: 0 to 19"},
		{"-i|a|-d|x|--backend|dpdk", "\"dpdk\" is none of ring|pcap|auto"},
		{"-i|a|-d|x|--user|no-such-user-here", "there is no user \"no-such-user-here\""},
		{"-i|a|-d|x|--user|root", "name a user without privileges"},
		{"-i|a|-d|\x01", "--directory: is empty: write SPOOL"},
		{"-i|a|-d|x\ny", "--directory: holds a control character (byte 2)"},
		{"-i|a|-w|-|--zstd|1", "with -w pipe through zstd"},
		{"-i|a|-d|x|-q|-v", "choose one"},
		{"-i|a|b|-d|x", "\"b\" belongs to no flag"},
		{"-i|a|-d|x|--rotate-tme|3",
	         "unknown flag --rotate-tme, did you mean --rotate-time?"},
		{"-i|a|-d|x|--xyzzy=3", "unknown flag --xyzzy; --help lists all"},
		{"-i|a|-d|x|--check=3", "--check: takes no value"},
		{"-i|a|-d|x|-qz", "unknown flag -z"},
		{"-i|a|-d", "--directory: needs a value: SPOOL"},
		{"-i|a|--rotate-size", "--rotate-size: needs a value: SIZE"},
		{"--request|dance|-d|x", "\"dance\" is none of status|rotate|flush|stop|metrics"},
		{"-c|/nowhere/at/all", "/nowhere/at/all: cannot be read: No such file"},
		{"-c|/", "/: cannot be read: Is a directory"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct read r = read_line(rows[i].line);

		if (r.good || !strstr(r.message, rows[i].says)) {
			CU_FAIL("a refusal in other words");
			printf("%s\n  says:   %s\n  wanted: %s\n", rows[i].line, r.message,
			       rows[i].says);
		}
		CU_ASSERT(strchr(r.message, '\n') == NULL);
		free(r.settings);
	}
}

static void too_long_and_too_many(void)
{
	static const char *const flags[] = {"-d", "-w", "-f", "--user", "--control", "-i"};
	char line[4096], path[3000];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		snprintf(line, sizeof(line), "-i|a|-d|x|%s|%s", flags[i], path);
		struct read r = read_line(line);
		CU_ASSERT(!r.good && strstr(r.message, i < 5 ? "too long" : "can be no device"));
		free(r.settings);
	}
	/* the control socket's name is SPOOL/control */
	snprintf(line, sizeof(line), "-i|a|-d|%.*s", SETTINGS_PATH - 1, path);
	struct read r = read_line(line);
	CU_ASSERT(!r.good && strstr(r.message, "--directory: "));
	free(r.settings);

	char *argv[2 * SETTINGS_INTERFACES + 5] = {"x", "-d", "x"},
					     names[SETTINGS_INTERFACES + 1][16];
	struct settings *settings = malloc(sizeof(*settings));
	char message[200];
	int argc = 3;
	for (int i = 0; i <= SETTINGS_INTERFACES; i++) {
		snprintf(names[i], sizeof(names[i]), "e%d", i);
		argv[argc++] = "-i";
		argv[argc++] = names[i];
	}
	CU_ASSERT(settings_read(settings, argc - 2, argv, message, sizeof(message)));
	CU_ASSERT(settings->n_interfaces == SETTINGS_INTERFACES);
	CU_ASSERT(!settings_read(settings, argc, argv, message, sizeof(message)));
	CU_ASSERT(strstr(message, "more than 64") != NULL);
	/* a message has the room it is given */
	CU_ASSERT(!settings_read(settings, argc, argv, message, 10));
	CU_ASSERT(strlen(message) == 9);
	free(settings);
}

/* ---- the file ---- */

static void a_file_as_people_write_it(void)
{
	struct read r = read_text("\xef\xbb\xbf# all of it\r\n"
	                          "[captured]   ; of the host\r\n"
	                          "  directory = /var/spool/x\r\n"
	                          "  rotate-size: 2M ; small\r\n"
	                          "  verbose = yes\r\n"
	                          "snaplen_backup=0\r\n"
	                          "\r\n"
	                          "[interface eth[01]]\r\n"
	                          "[interface wwan0]\r\n"
	                          "role = backup\r\n"
	                          "filter = tcp and\r\n"
	                          "    # not everything\r\n"
	                          "    (port 80 or\r\n"
	                          "\tport 443) ; web\r\n"
	                          "    wan = lte\r\n"
	                          "[interface last]");
	const struct settings *s = r.settings;

	CU_ASSERT_FATAL(r.good);
	CU_ASSERT_STRING_EQUAL(s->directory, "/var/spool/x");
	CU_ASSERT(s->rotate_bytes == 2 << 20 && s->verbose);
	CU_ASSERT_FATAL(s->n_interfaces == 3);
	CU_ASSERT_STRING_EQUAL(s->interfaces[0].pattern, "eth[01]");
	CU_ASSERT_STRING_EQUAL(s->interfaces[1].pattern, "wwan0");
	CU_ASSERT_STRING_EQUAL(s->interfaces[1].filter, "tcp and (port 80 or port 443)");
	CU_ASSERT_STRING_EQUAL(s->interfaces[1].wan, "lte");
	CU_ASSERT(s->interfaces[1].keep == 0);
	CU_ASSERT_STRING_EQUAL(s->interfaces[2].pattern, "last");
	free(r.settings);
}

static void flags_win(void)
{
	static const char text[] = "[captured]\ndirectory = /file\nrotate_time = 7\nquiet = yes\n"
				   "[interface eth1]\nrole = master\n";
	static const char *const lines[] = {"--rotate-time|9|-d|/flag", "-d|/flag|--rotate-time|9"};
	struct read r;
	char line[200];

	for (size_t i = 0; i < 2; i++) {
		r = read_file(text, strlen(text), lines[i]);
		CU_ASSERT(r.good && r.settings->rotate_ns == 9 * SECOND && r.settings->quiet);
		CU_ASSERT_STRING_EQUAL(r.settings->directory, "/flag");
		CU_ASSERT(r.settings->n_interfaces == 1);
		free(r.settings);
		/* before the file's flag, too */
		snprintf(line, sizeof(line), "%s|-c|%s", lines[i], file_name);
		r = read_line(line);
		CU_ASSERT(r.good && r.settings->rotate_ns == 9 * SECOND);
		free(r.settings);
	}
	/* who asks for a stream gets it, though the file has a spool */
	r = read_file(text, strlen(text), "-w|-|-i|wlan0");
	CU_ASSERT(r.good && r.settings->directory[0] == '\0' && r.settings->n_interfaces == 1);
	CU_ASSERT_STRING_EQUAL(r.settings->interfaces[0].pattern, "wlan0");
	CU_ASSERT_STRING_EQUAL(r.settings->output, "-");
	free(r.settings);
	/* what does not count must still be right */
	r = read_file("[interface a]\nrole=x\n", 21, "-i|b|-d|x");
	CU_ASSERT(!r.good && strstr(r.message, ":2: role: \"x\" is no role"));
	free(r.settings);
}

static void what_a_file_is_refused_for(void)
{
	static const struct {
		const char *text, *says; /* behind the file's name */
	} rows[] = {
		{"[captured]\nmaxbytes = 1\n",
	         ":2: maxbytes: unknown key, did you mean \"max_bytes\"?"},
		{"[captured]\nxyzzy = 1\n",
	         ":2: xyzzy: unknown key; mptcp-captured --help lists all"},
		{"[captured]\nrole = master\n",
	         ":2: role: belongs into a section [interface PATTERN]"},
		{"[captured]\ninterface = eth1\n",
	         ":2: interface: write a section [interface eth1]"},
		{"[captured]\ncheck = yes\n", ":2: check: is a flag only: --check"},
		{"[captured]\n\n\nflush = soon\n", ":4: flush: \"soon\" is not a time"},
		{"[captured]\nflush = 1s\n[captured]\nflush = 2s\n", ":4: flush: is said twice"},
		{"[captured]\nquiet = maybe\n", ":2: quiet: \"maybe\" is neither yes nor no"},
		{"flush = 1s\n", ":1: flush: stands before any section"},
		{"[recorder]\n", ":1: unknown section [recorder]"},
		{"[captured]\n[interface]\n", ":2: names no device"},
		{"[captured\n", ":1: is no [section]"},
		{"[captured] x\n", ":1: is no [section]"},
		{"[captured]\nflush\n", ":2: is neither [section] nor key = value"},
		{"[interface eth1]\n[interface eth1]\n", ":2: \"eth1\" is there twice"},
		{"[interface w*]\nwan = lte\n", ":2: wan: one WAN's name for all that \"w*\""},
		{"[interface w]\nrole = on\nrole = on\n", ":3: role: is said twice"},
		{"[interface w]\nrole = bakcup\n", ":2: role: \"bakcup\" is no role, did you mean "
	                                           "\"backup\"?"},
		{"[captured]\nfilter = tcp\n and port\n\nflush = 1s\n",
	         ":2: filter: \"tcp and port\" "
	         "is no filter"},
		{"[interface w]\nfilter = tcp (\n", ":2: filter: \"tcp (\" is no filter"},
		{"[interface w]\nfilter = tcp (\n[interface v]\nfilter = tcp\n",
	         ":2: filter: \"tcp (\" is no filter"},
		{"[captured]\nflush = 1s\x01\n", ":2: flush: \"1s?\" is not a time"},
		{"[captured]\ndirectory = \xff\n", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct read r = read_text(rows[i].text);
		char says[200];

		CU_ASSERT(!r.good);
		if (rows[i].says) {
			snprintf(says, sizeof(says), "%s%s", file_name, rows[i].says);
			CU_ASSERT(r.settings->bad_file);
			if (strncmp(r.message, says, strlen(says)) != 0) {
				CU_FAIL("a refusal in other words");
				printf("  says:   %s\n  wanted: %s\n", r.message, says);
			}
		}
		free(r.settings);
	}
}

static void a_file_that_is_none(void)
{
	static const char nul[] = "[captured]\nflush = 1s\n\0\n";
	char *large = malloc(70000);
	struct read r = read_file(nul, sizeof(nul) - 1, "");

	CU_ASSERT_FATAL(large != NULL);
	CU_ASSERT(!r.good && strstr(r.message, ":3: holds a NUL byte"));
	free(r.settings);
	memset(large, '\n', 70000);
	r = read_file(large, 70000, "");
	CU_ASSERT(!r.good && strstr(r.message, ": is longer than 65536 bytes"));
	free(r.settings);
	memset(large, 'x', 5000);
	memcpy(large, "[captured]\n", 11);
	r = read_file(large, 5000, "");
	CU_ASSERT(!r.good && strstr(r.message, ":2: the line is longer than"));
	free(r.settings);
	free(large);
	r = read_text("");
	CU_ASSERT(!r.good && !r.settings->bad_file);
	free(r.settings);
}

/* A filter that is too long for a line goes on in the next; one that is too long for us, not. */
static void a_filter_in_many_lines(void)
{
	char text[4000];
	size_t n = (size_t)sprintf(text, "[interface a]\nfilter = tcp\n");
	struct read r;

	for (int i = 0; i < 60; i++)
		n += (size_t)sprintf(text + n, "\tor port %d\n", 10000 + i);
	r = read_file(text, n, "-d|x");
	CU_ASSERT(r.good && strlen(r.settings->interfaces[0].filter) == 3 + 60 * 14);
	free(r.settings);
	for (int i = 0; i < 60; i++)
		n += (size_t)sprintf(text + n, " or port %d\n", 20000 + i);
	r = read_file(text, n, "-d|x");
	CU_ASSERT(!r.good && strstr(r.message, "is too long: at most 1023"));
	free(r.settings);
}

/* Cut anywhere, or with any byte another: an answer, one line long, nothing worse. */
static void any_bytes_at_all(void)
{
	static const char text[] =
		"\xef\xbb\xbf[captured]\r\n  directory = /x\nrotate_size=1G ; no\n"
		"max_bytes = 64M\n[interface w*]\nrole = backup\nfilter = tcp\n"
		"  and port 80\n\n# end\n[interface e]\nsnaplen=0\nwan=q";
	static const char others[] = {'\0', '\n', '\r', '[', ']', '=', ';', ' ', (char)0xff, '9'};
	char copy[sizeof(text)];
	struct read r;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		r = read_file(text, n, "-d|/y");
		free(r.settings);
		for (size_t k = 0; k < sizeof(others); k++) {
			memcpy(copy, text, sizeof(copy));
			copy[n] = others[k];
			r = read_file(copy, sizeof(text) - 1, "-d|/y");
			CU_ASSERT(r.message[strcspn(r.message, "\n\r\xff")] == '\0');
			free(r.settings);
		}
	}
}

/* ---- what comes of it ---- */

static void it_prints_what_it_reads(void)
{
	static const char *const lines[] = {
		"-i|eth1=master|-i|w*=backup,snaplen=0,filter=tcp or udp|-d|/spool",
		"-i|a,wan=lte|-w|-|--max-bytes|0|--rotate-size|1.5M|--flush|15ms|-q|-f|not port 22",
		"-i|a|-d|x|--buffer|1M|--count|18446744073709551615|--duration|90s|--snaplen|100|"
		"--snaplen-backup|0|--user|nobody|--backend|ring|--zstd|19|--max-age|36h",
	};
	char *text;
	size_t n;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct read first = read_line(lines[i]), second;
		FILE *out = open_memstream(&text, &n);

		CU_ASSERT_FATAL(first.good && out != NULL);
		settings_print(first.settings, out);
		fclose(out);
		second = read_file(text, n, "");
		CU_ASSERT(second.good);
		if (!second.good)
			puts(second.message);
		/* that they are said for each now is the one difference */
		for (size_t k = 0; k < first.settings->n_interfaces; k++)
			first.settings->interfaces[k].own_keep = true;
		CU_ASSERT(memcmp(first.settings, second.settings, sizeof(*first.settings)) == 0);
		free(first.settings);
		free(second.settings);
		free(text);
	}
}

static void help_names_all(void)
{
	static const char *const names[] = {
		"interface",   "config",         "directory",      "write",       "filter",
		"snaplen",     "snaplen-on",     "snaplen-off",    "rotate-size", "max-bytes",
		"max-files",   "max-age",        "keep-free",      "flush",       "statistics",
		"buffer",      "peak-pps",       "stall",          "zstd",        "user",
		"control",     "backend",        "count",          "duration",    "check",
		"request",     "quiet",          "verbose",        "help",        "version",
		"rotate-time", "snaplen-master", "snaplen-backup",
	};
	char *text, flag[40];
	size_t n;
	FILE *out = open_memstream(&text, &n);

	CU_ASSERT_FATAL(out != NULL);
	settings_help(out);
	fclose(out);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(flag, sizeof(flag), " --%s", names[i]);
		CU_ASSERT(strstr(text, flag) != NULL);
	}
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		CU_ASSERT(strlen(line) <= 80);
	free(text);
	struct read r = read_line("-h|--version");
	CU_ASSERT(r.good && r.settings->help && r.settings->version);
	free(r.settings);
}

static void which_pattern_a_device_has(void)
{
	struct read r = read_line("-i|w*|-i|wwan0=on|-i|eth[0-3]|-i|?|-d|x");
	static const struct {
		const char *device;
		int pattern;
	} rows[] = {{"wwan0", 1}, {"wwan1", 0}, {"eth2", 2}, {"eth4", -1}, {"z", 3}, {"", -1}};

	CU_ASSERT_FATAL(r.good);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct settings_interface *found = settings_match(r.settings, rows[i].device);

		CU_ASSERT(found ==
		          (rows[i].pattern < 0 ? NULL : &r.settings->interfaces[rows[i].pattern]));
	}
	free(r.settings);
}

/* peak x stall x frame: 20000/s x 0.5 s x 200 bytes are 2 MiB, whole frames take more. */
static void what_is_asked_of_the_keeper(void)
{
	struct read r = read_line("-i|a|-i|b,snaplen=0,filter=udp|-i|c,snaplen=96|-d|x|-f|tcp");
	struct live_request q;
	const struct settings_interface *i = r.settings->interfaces;

	CU_ASSERT_FATAL(r.good);
	settings_request(r.settings, &i[0], "a", &q);
	CU_ASSERT_STRING_EQUAL(q.device, "a");
	CU_ASSERT_STRING_EQUAL(q.filter, "tcp");
	CU_ASSERT(q.keep == KEEP_HEADERS && q.ring_bytes == 2 << 20 && q.retire_ms == 100);
	CU_ASSERT(q.backend == LIVE_BACKENDS);
	settings_request(r.settings, &i[1], "b", &q);
	CU_ASSERT_STRING_EQUAL(q.filter, "udp");
	CU_ASSERT(q.keep == 0 && q.ring_bytes >= 17000000 && q.ring_bytes <= 18000000);
	settings_request(r.settings, &i[2], "c", &q);
	CU_ASSERT(q.keep == 96 && q.ring_bytes > 2 << 20 && q.ring_bytes < 3 << 20);
	free(r.settings);
	r = read_line("-i|a|-d|x|--peak-pps|100000000|--stall|1h|--flush|10ms|--backend|pcap");
	settings_request(r.settings, r.settings->interfaces, "a", &q);
	CU_ASSERT(q.ring_bytes == 1u << 30 && q.retire_ms == 40 && q.backend == LIVE_PCAP);
	free(r.settings);
	r = read_line("-i|a|-d|x|--buffer|1M");
	settings_request(r.settings, r.settings->interfaces, "a", &q);
	CU_ASSERT(q.ring_bytes == 1 << 20);
	free(r.settings);
}

static void a_small_ring_has_small_files(void)
{
	struct read r = read_line("-i|a|-d|x|--max-bytes|4M");

	CU_ASSERT(r.good && r.settings->rotate_bytes == 1 << 20);
	free(r.settings);
	r = read_line("-i|a|-d|x|--max-bytes|4M|--rotate-size|2M");
	CU_ASSERT(r.good && r.settings->rotate_bytes == 2 << 20);
	free(r.settings);
	r = read_line("-i|a|-d|x|--max-bytes|0|--rotate-size|2G");
	CU_ASSERT(r.good && r.settings->max_bytes == 0);
	free(r.settings);
}

static void who_is_asked(void)
{
	struct read r = read_line("--request|status|-d|/spool");

	CU_ASSERT(r.good);
	CU_ASSERT_STRING_EQUAL(r.settings->request, "status");
	CU_ASSERT_STRING_EQUAL(r.settings->control, "/spool/control");
	free(r.settings);
	r = read_line("--request|metrics|--control|/c");
	CU_ASSERT(r.good);
	CU_ASSERT_STRING_EQUAL(r.settings->control, "/c");
	free(r.settings);
	r = read_file("[captured]\ndirectory = /f\n", 26, "--request|stop");
	CU_ASSERT(r.good);
	CU_ASSERT_STRING_EQUAL(r.settings->control, "/f/control");
	free(r.settings);
	r = read_file("[interface a]\n", 14, "--request|stop");
	CU_ASSERT(!r.good && strstr(r.message, "which recorder? Write -d SPOOL or --control"));
	free(r.settings);
}

static void amounts(void)
{
	static const struct {
		enum amount_unit unit;
		const char *text;
		uint64_t value;
	} good[] = {
		{AMOUNT_BYTES, "16M", 16 << 20},
		{AMOUNT_BYTES, "16 MiB", 16 << 20},
		{AMOUNT_BYTES, "1.5k", 1536},
		{AMOUNT_BYTES, "0", 0},
		{AMOUNT_TIME, "300", 300 * SECOND},
		{AMOUNT_TIME, "5m", 300 * SECOND},
		{AMOUNT_TIME, "500ms", SECOND / 2},
		{AMOUNT_TIME, "0.000000001", 1},
		{AMOUNT_TIME, "1.5d", 129600 * SECOND},
		{AMOUNT_NUMBER, "18446744073709551615", UINT64_MAX},
	};
	static const struct {
		enum amount_unit unit;
		const char *text;
	} bad[] = {
		{AMOUNT_BYTES, ""},
		{AMOUNT_BYTES, "M"},
		{AMOUNT_BYTES, "1.M"},
		{AMOUNT_BYTES, ".5"},
		{AMOUNT_BYTES, "1e6"},
		{AMOUNT_BYTES, "+1"},
		{AMOUNT_BYTES, " 1"},
		{AMOUNT_BYTES, "1 s"},
		{AMOUNT_NUMBER, "1.0"},
		{AMOUNT_TIME, "1y"},
		{AMOUNT_NUMBER, "0x10"},
		{AMOUNT_NUMBER, "18446744073709551616"},
		{AMOUNT_TIME, "99999999999999"},
		{AMOUNT_TIME, "1.0000000001"},
		{AMOUNT_BYTES, "16777216T"},
	};
	uint64_t value, again;
	char text[24];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT(amount_parse(good[i].unit, good[i].text, &value));
		CU_ASSERT(value == good[i].value);
		amount_format(good[i].unit, value, text, sizeof(text));
		CU_ASSERT(amount_parse(good[i].unit, text, &again) && again == value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT(!amount_parse(bad[i].unit, bad[i].text, &value));
	amount_format(AMOUNT_TIME, UINT64_MAX, text, sizeof(text));
	CU_ASSERT(amount_parse(AMOUNT_TIME, text, &again) && again == UINT64_MAX);
}

static int make_file(void)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	snprintf(file_name, sizeof(file_name), "%.40s/settings.XXXXXX",
	         directory ? directory : "/tmp");
	fd = mkstemp(file_name);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int remove_file(void)
{
	return unlink(file_name);
}

void suite_settings(void)
{
	CU_pSuite suite = CU_add_suite("settings", make_file, remove_file);

	CU_ADD_TEST(suite, amounts);
	CU_ADD_TEST(suite, what_is_not_said);
	CU_ADD_TEST(suite, each_flag_reaches_its_member);
	CU_ADD_TEST(suite, an_interface_in_one_word);
	CU_ADD_TEST(suite, what_flags_are_refused_for);
	CU_ADD_TEST(suite, too_long_and_too_many);
	CU_ADD_TEST(suite, a_file_as_people_write_it);
	CU_ADD_TEST(suite, flags_win);
	CU_ADD_TEST(suite, what_a_file_is_refused_for);
	CU_ADD_TEST(suite, a_file_that_is_none);
	CU_ADD_TEST(suite, a_filter_in_many_lines);
	CU_ADD_TEST(suite, any_bytes_at_all);
	CU_ADD_TEST(suite, it_prints_what_it_reads);
	CU_ADD_TEST(suite, help_names_all);
	CU_ADD_TEST(suite, which_pattern_a_device_has);
	CU_ADD_TEST(suite, what_is_asked_of_the_keeper);
	CU_ADD_TEST(suite, a_small_ring_has_small_files);
	CU_ADD_TEST(suite, who_is_asked);
}
