# SPDX-License-Identifier: MIT
# mptcp-audit.bash - completion for bash.
# shellcheck shell=bash

_mptcp_audit_options()
{
	local intake="--master --on --backup --off --role --config --limit --uci --profile -f --filter --wan --shift --now -h --help"
	local window="--from --to --window --zone --billing-day"

	case $1 in
	dissect) echo "$intake $window --state --sha256 --sites -o --output" ;;
	merge) echo "-o --output -h --help" ;;
	packets) echo "$intake -r -n -i --interface -c --count --kind --wan --json" ;;
	watch) echo "-i --interface -f --filter --role --limit --config --uci --interval --duration --count --plain -h --help" ;;
	follow) echo "$intake --zone --store --every --keep-hours --keep-days --keep-packets --remove --once" ;;
	explain) echo "--lang -h --help" ;;
	render) echo "-o --output --format --lang -h --help" ;;
	doctor) echo "$intake -i --interface --lang" ;;
	demo) echo "-o --output --story --lang --now -h --help" ;;
	annotate) echo "$intake -o --output" ;;
	thin) echo "$intake -o --output --budget --around" ;;
	scrub) echo "-o --output --key --names -h --help" ;;
	estimate) echo "--backups --hours --conns-per-hour --subflows --tracker --keepalive --keepalive-ends --proxy-check --status-check --path-check --with --kernel --primary --json --lang -h --help" ;;
	diff) echo "--json --lang -h --help" ;;
	index) echo "-o --output --json --all --lang -h --help" ;;
	run) echo "--config --from --dry-run --now -h --help" ;;
	check) echo "$intake $window --lang --max-age --idle-ok" ;;
	history) echo "--db --site --wan --by --kind --last --lang --json --csv --compact -h --help" ;;
	*) echo "$intake $window --state --sha256 --sites --billed --history --connections --anonymize --json --html --lang" ;;
	esac
}

# The limits are the program's own, and so are their names.
_mptcp_audit_limits()
{
	"${COMP_WORDS[0]}" report --help 2>/dev/null | sed -n 's/^  \([a-z_]*=\).*(.*)$/\1/p'
}

_mptcp_audit_formats()
{
	"${COMP_WORDS[0]}" render --help 2>/dev/null | sed -n 's/^                       \([a-z]*\) .*/\1/p'
}

_mptcp_audit()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} path

	COMPREPLY=()
	case $previous in
	--limit)
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W "$(_mptcp_audit_limits)" -- "$current")
		;;
	--every) mapfile -t COMPREPLY < <(compgen -W "1h 2h 3h 4h 6h 8h 12h 24h" -- "$current") ;;
	--window)
		mapfile -t COMPREPLY < <(compgen -W "1h 1d 7d period" -- "$current")
		;;
	-i | --interface)
		for path in /sys/class/net/*; do
			[[ ${path##*/} == "$current"* ]] && COMPREPLY+=("${path##*/}")
		done
		;;
	--by) mapfile -t COMPREPLY < <(compgen -W "5min hour day month" -- "$current") ;;
	--last | --site) ;;
	--lang) mapfile -t COMPREPLY < <(compgen -W "en zh-CN" -- "$current") ;;
	--format) mapfile -t COMPREPLY < <(compgen -W "$(_mptcp_audit_formats)" -- "$current") ;;
	--profile) mapfile -t COMPREPLY < <(compgen -W "economy reliability" -- "$current") ;;
	-f | --filter | --shift | --now | --from | --to | --zone | --billing-day | -c | --count | --kind | --wan | --interval | --duration | --billed | --budget | --around | --keep-hours | --keep-days | --keep-packets | --max-age) ;;
	*)
		if [[ $current == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_mptcp_audit_options "$command")" -- "$current")
		elif [[ $command == explain ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" explain 2>/dev/null | sed 's/^ *\([^ ]*\).*/\1/')" -- "$current")
		elif [[ $command == history && $COMP_CWORD == 2 ]]; then
			mapfile -t COMPREPLY < <(compgen -W "add list trend export import" -- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			[[ $COMP_CWORD != 1 ]] ||
				mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "report dissect merge packets annotate thin scrub watch follow doctor demo estimate render explain history diff index run check --help --version" -- "$current")
			[[ ${COMP_WORDS[COMP_CWORD - 2]} != --role || $previous != = ]] ||
				mapfile -t COMPREPLY < <(compgen -W "master on backup off" -- "$current")
		fi
		;;
	esac
}
complete -o filenames -F _mptcp_audit mptcp-audit
