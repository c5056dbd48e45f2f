/* SPDX-License-Identifier: MIT
 *
 * main.c - mptcp-audit: which subcommand the first word names.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "text.h"

static const struct command commands[] = {
	{"report", "what each WAN carried, what used the backup, and the verdict", cmd_report},
	{"dissect", "captures into a ledger (JSON)", cmd_dissect},
	{"merge", "add ledgers", cmd_merge},
	{"packets", "a line per frame, with WAN, connection, subflow and kind", cmd_packets},
	{"annotate", "captures as one, with a comment per frame, for Wireshark", cmd_annotate},
	{"scrub", "captures that may be given away: the same audit, without names", cmd_scrub},
	{"thin", "what matters of captures, to keep or to mail", cmd_thin},
	{"explain", "what a check means, and how to repair what it finds", cmd_explain},
	{"watch", "what each WAN carries at this moment, on a screen", cmd_watch},
	{"follow", "a recorder's spool into a store of hours, days and months", cmd_follow},
	{"run", "one scheduled pass: reports of what ended, notices of what changed", cmd_run},
	{"check", "a line and an exit code for Nagios and its kin", cmd_check},
	{"render", "a stored report as a page, in either language", cmd_render},
	{"doctor", "what would spoil an audit of captures, or on this host", cmd_doctor},
	{"demo", "a shipped day as pages in both languages: what an audit says", cmd_demo},
	{"estimate", "what keeping backups ready costs, without a capture", cmd_estimate},
	{"history", "what earlier audits said: lists, trends, copies", cmd_history},
	{"diff", "two reports: what became better, what worse", cmd_diff},
	{"index", "a folder of reports, a line each, worst first", cmd_index},
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fputs("mptcp-audit: is the backup WAN only kept alive, or does it eat the data plan?\n\n"
	      "  mptcp-audit wan1.pcap wan2.pcap\n"
	      "  mptcp-audit report --master wan1.pcap --backup wan2.pcap --json report.json\n\n",
	      out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\nmptcp-audit SUBCOMMAND --help says more.\n", out);
}

/* An input as first word, or an option only report has, is a report. */
static bool implies_report(const char *word)
{
	const char *equals = strchr(word, '=');

	if (word[0] == '-')
		return true;
	return access(word, F_OK) == 0 || (equals && access(equals + 1, F_OK) == 0);
}

static int unknown(const char *word)
{
	const char *names[N_COMMANDS], *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = text_nearest(word, names, N_COMMANDS);
	if (near)
		return command_complain(EXIT_USAGE, "\"%s\" is no subcommand, did you mean \"%s\"?",
		                        word, near);
	if (strpbrk(word, "./"))
		return command_complain(EXIT_NO_INPUT, "%s: no such file", word);
	return command_complain(
		EXIT_USAGE, "\"%s\" is neither a subcommand nor a file; --help lists the former",
		word);
}

/* A mapped capture shrank, or its disk failed. Nothing but write() and _exit() is allowed here. */
static void lost_page(int signal)
{
	static const char message[] =
		"mptcp-audit: a capture could not be read any further: the file "
		"became shorter while it was read, or its disk failed; copy it "
		"first\n";

	(void)signal;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(EXIT_NO_INPUT);
	_exit(EXIT_NO_INPUT);
}

int main(int argc, char **argv)
{
	sigaction(SIGBUS, &(struct sigaction){.sa_handler = lost_page}, NULL);
	if (argc < 2) {
		usage(stdout);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return EXIT_PASS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("mptcp-audit " MPTCP_AUDIT_VERSION);
		return EXIT_PASS;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (implies_report(argv[1]))
		return cmd_report(argc, argv);
	return unknown(argv[1]);
}
