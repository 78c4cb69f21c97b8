# Pushes metrics to a Sidemeter agent from a POSIX shell: `. sidemeter.sh`, in dash, bash and others.
#
#     trap sidemeter_flush EXIT
#     sidemeter_define counter backups_total help='Backups that were made.'
#     sidemeter_inc backups_total 1 host "$host"
#     sidemeter_time 'backup_seconds{host="web"}' tar -cf backup.tar files
#
# An event is a record added to a variable. sidemeter_flush sends them, through `nc -NU`, `socat` or `sidemeter push`, as a
# session of its own. Functions return 0, under `set -eu` too, but a definition that is wrong, sidemeter_flush_and_wait, and
# sidemeter_time, whose status is the command's.
#
#     SIDEMETER_SOCKET       the agent's socket: /run/sidemeter/sidemeter.sock
#     SIDEMETER_SENDER       nc, socat or push: the first that is installed
#     SIDEMETER_TIMEOUT      whole seconds that a flush may take: 1
#     SIDEMETER_MAX_BUFFER   characters of records that are kept: 65536

sidemeter_newline='
'
sidemeter_declarations= # sent at the head of each session
sidemeter_records=
sidemeter_room=${SIDEMETER_MAX_BUFFER:-65536} # characters that may be added before room must be made
sidemeter_dropped=0     # events that were not kept
sidemeter_reported=0    # of them, told to the agent
sidemeter_full=0        # events to drop before room is looked for again
sidemeter_owner=        # the process whose records these are

# ---- Definition ----

# sidemeter_define TYPE NAME [KEY=TEXT…]: help=, unit=, labels='queue code' (their names are checked), buckets='0.1 1 10',
# states='up down'. Says on standard error what is wrong, and returns 1.
sidemeter_define() {
  sidemeter_type=$1 sidemeter_name=$2 sidemeter_help='' sidemeter_unit='' sidemeter_labels=''
  sidemeter_buckets='' sidemeter_states=''
  shift 2
  for sidemeter_word; do
    case $sidemeter_word in
      help=*) sidemeter_help=${sidemeter_word#*=} ;;
      unit=*) sidemeter_unit=${sidemeter_word#*=} ;;
      labels=*) sidemeter_labels=${sidemeter_word#*=} ;;
      buckets=*) sidemeter_buckets=${sidemeter_word#*=} ;;
      states=*) sidemeter_states=${sidemeter_word#*=} ;;
      *) sidemeter_wrong 'a definition has help=, unit=, labels=, buckets=, states=' "$sidemeter_word" || return 1 ;;
    esac
  done
  sidemeter_check || return 1

  sidemeter_escape_help "$sidemeter_help"
  sidemeter_text="# TYPE $sidemeter_name $sidemeter_type$sidemeter_newline"
  for sidemeter_word in "HELP:$sidemeter_escaped" "UNIT:$sidemeter_unit" "BUCKETS:$sidemeter_buckets" \
    "STATES:$sidemeter_states"; do
    [ -z "${sidemeter_word#*:}" ] ||
      sidemeter_text="$sidemeter_text# ${sidemeter_word%%:*} $sidemeter_name ${sidemeter_word#*:}$sidemeter_newline"
  done
  case $sidemeter_declarations in
    *"$sidemeter_text"*) ;;
    *"# TYPE $sidemeter_name "*) sidemeter_wrong 'a name is defined in one way' "$sidemeter_name" ;;
    *) sidemeter_declarations=$sidemeter_declarations$sidemeter_text ;;
  esac
}

sidemeter_wrong() {
  printf 'sidemeter: %s, got "%s"\n' "$1" "$2" >&2
  return 1
}

# What PROTOCOL.md wants of the words of sidemeter_define.
sidemeter_check() {
  case $sidemeter_type in
    counter | gauge | histogram | summary | info | stateset) ;;
    *) sidemeter_wrong 'a type is counter, gauge, histogram, summary, info or stateset' "$sidemeter_type" || return 1 ;;
  esac
  case $sidemeter_name in
    sidemeter_*) sidemeter_wrong "names that begin with sidemeter_ are the agent's own" "$sidemeter_name" || return 1 ;;
    '' | [0-9]* | *[!a-zA-Z0-9_:]*)
      sidemeter_wrong 'a metric name must match [a-zA-Z_:][a-zA-Z0-9_:]*' "$sidemeter_name" || return 1 ;;
  esac
  case $sidemeter_unit in
    *[!a-zA-Z0-9_]*) sidemeter_wrong 'a unit must match [a-zA-Z0-9_]+' "$sidemeter_unit" || return 1 ;;
  esac
  case $sidemeter_type:$sidemeter_states in
    stateset:) sidemeter_wrong 'a stateset wants states' '' || return 1 ;;
  esac
  sidemeter_each "$sidemeter_labels" sidemeter_check_label || return 1
  sidemeter_last=
  sidemeter_each "$sidemeter_buckets" sidemeter_check_bound
}

# sidemeter_each WORDS COMMAND: the command for each word between blanks, until it fails.
sidemeter_each() {
  sidemeter_rest="$1 "
  while [ -n "$sidemeter_rest" ]; do
    [ -z "${sidemeter_rest%% *}" ] || "$2" "${sidemeter_rest%% *}" || return 1
    sidemeter_rest=${sidemeter_rest#* }
  done
}

sidemeter_check_label() {
  case $sidemeter_type:$1 in
    histogram:le | summary:quantile | stateset:"$sidemeter_name")
      sidemeter_wrong "the agent itself writes this label of a $sidemeter_type" "$1" ;;
    *:__* | *:[0-9]* | *:*[!a-zA-Z0-9_]*)
      sidemeter_wrong 'a label name must match [a-zA-Z_][a-zA-Z0-9_]* and not begin with __' "$1" ;;
  esac
}

sidemeter_check_bound() {
  sidemeter_is_number "$1" &&
    { [ -z "$sidemeter_last" ] || awk "BEGIN { exit !($sidemeter_last < $1) }" </dev/null; } ||
    { sidemeter_wrong 'buckets are numbers that rise' "$1" || return 1; }
  sidemeter_last=$1
}

# ---- Events: SERIES is a name, or a whole series as the protocol spells it; LABEL VALUE pairs are escaped here ----

# sidemeter_inc SERIES [AMOUNT [LABEL VALUE]…]: adds to a counter, or to what is defined as a gauge.
sidemeter_inc() { sidemeter_add "$1" "${2-1}" '' "$@"; }

# sidemeter_dec SERIES [AMOUNT [LABEL VALUE]…]: subtracts from a gauge.
sidemeter_dec() { sidemeter_add "$1" "${2-1}" - "$@"; }

# sidemeter_set SERIES VALUE [LABEL VALUE]…: sets a gauge.
sidemeter_set() {
  case ${2-} in
    NaN | Inf | +Inf | -Inf) ;;
    *) sidemeter_is_number "${2-}" || { sidemeter_drop; return 0; } ;;
  esac
  sidemeter_record g " $2" "$@"
}

# sidemeter_observe SERIES VALUE [LABEL VALUE]…: into a histogram, or into what is defined as a summary.
sidemeter_observe() {
  sidemeter_is_number "${2-}" || { sidemeter_drop; return 0; }
  case $sidemeter_declarations in
    *"# TYPE ${1%%\{*} summary$sidemeter_newline"*) sidemeter_record s " $2" "$@" ;;
    *) sidemeter_record h " $2" "$@" ;;
  esac
}

# sidemeter_time SERIES COMMAND [ARGUMENT…]: runs the command, observes its seconds, and returns its status.
sidemeter_time() {
  sidemeter_now
  # What must outlive the command stands in the function's own parameters, so that the command may time something too.
  set -- "$sidemeter_microseconds" "$@"
  if sidemeter_run "$@"; then set -- 0 "$@"; else set -- "$?" "$@"; fi
  sidemeter_now
  sidemeter_took=$((sidemeter_microseconds - $2))
  [ "$sidemeter_took" -ge 0 ] || sidemeter_took=0 # the clock was set back
  sidemeter_fraction=$((1000000 + sidemeter_took % 1000000))
  sidemeter_observe "$3" "$((sidemeter_took / 1000000)).${sidemeter_fraction#1}"
  return "$1"
}

sidemeter_run() {
  shift 2
  "$@"
}

# sidemeter_info SERIES [LABEL VALUE]…: exposes 1 with the labels as content.
sidemeter_info() {
  sidemeter_series=$1
  shift
  sidemeter_record i '' "$sidemeter_series" '' "$@"
}

# sidemeter_state SERIES STATE [LABEL VALUE]…: enters a state, and so leaves the others.
sidemeter_state() {
  case ${2-} in
    '' | *[!a-zA-Z0-9_.:-]*) sidemeter_drop ;;
    *) sidemeter_record e " $2" "$@" ;;
  esac
}

# sidemeter_remove SERIES [LABEL VALUE]…: removes the series, with what other processes gave it.
sidemeter_remove() {
  sidemeter_series=$1
  shift
  sidemeter_record x '' "$sidemeter_series" '' "$@"
}

sidemeter_add() {
  sidemeter_sign=$3
  sidemeter_value=$2
  sidemeter_is_number "$2" || { sidemeter_drop; return 0; }
  case $sidemeter_declarations in
    *"# TYPE ${1%%\{*} gauge$sidemeter_newline"*) sidemeter_verb=g ;;
    *) sidemeter_verb=c ;;
  esac
  shift 3
  case $sidemeter_verb$sidemeter_sign$sidemeter_value in
    g-*) sidemeter_record g " -=$sidemeter_value" "$@" ;;
    g*) sidemeter_record g " +=$sidemeter_value" "$@" ;;
    c-*) sidemeter_drop ;;
    *) sidemeter_record c " $sidemeter_value" "$@" ;;
  esac
}

# sidemeter_record VERB OPERAND SERIES [ANYTHING [LABEL VALUE]…]
sidemeter_record() {
  sidemeter_begin="$1 $3" sidemeter_operand=$2
  sidemeter_own
  case $3 in
    '' | *"$sidemeter_newline"*) sidemeter_drop; return 0 ;;
  esac
  if [ $# -gt 4 ]; then
    shift 4
    sidemeter_pairs=
    while [ $# -gt 1 ]; do
      sidemeter_escape "$2"
      sidemeter_pairs="$sidemeter_pairs,$1=\"$sidemeter_escaped\""
      shift 2
    done
    [ $# -eq 0 ] || { sidemeter_drop; return 0; }
    sidemeter_begin="$sidemeter_begin{${sidemeter_pairs#,}}"
  fi
  if [ "$sidemeter_room" -le 0 ]; then
    sidemeter_make_room || { sidemeter_drop; return 0; }
  fi
  sidemeter_begin=$sidemeter_begin$sidemeter_operand$sidemeter_newline
  sidemeter_records=$sidemeter_records$sidemeter_begin
  sidemeter_room=$((sidemeter_room - ${#sidemeter_begin}))
}

sidemeter_drop() { sidemeter_dropped=$((sidemeter_dropped + 1)); }

# ---- Words ----

sidemeter_is_number() {
  sidemeter_digits=${1#[+-]}
  case $sidemeter_digits in
    *[eE]*)
      sidemeter_exponent=${sidemeter_digits#*[eE]}
      case ${sidemeter_exponent#[+-]} in '' | *[!0-9]*) return 1 ;; esac
      sidemeter_digits=${sidemeter_digits%%[eE]*} ;;
  esac
  case $sidemeter_digits in '' | . | *.*.* | *[!0-9.]*) return 1 ;; esac
}

# A label's value as it stands between quotes, in sidemeter_escaped.
sidemeter_escape() {
  sidemeter_escaped=
  sidemeter_rest=$1
  while :; do
    case $sidemeter_rest in *[\\\"]* | *"$sidemeter_newline"*) ;; *) break ;; esac
    sidemeter_head=${sidemeter_rest%%[\\\""$sidemeter_newline"]*}
    sidemeter_rest=${sidemeter_rest#"$sidemeter_head"}
    case $sidemeter_rest in
      \\*) sidemeter_escaped="$sidemeter_escaped$sidemeter_head\\\\" ;;
      \"*) sidemeter_escaped="$sidemeter_escaped$sidemeter_head\\\"" ;;
      *) sidemeter_escaped="$sidemeter_escaped$sidemeter_head\\n" ;;
    esac
    sidemeter_rest=${sidemeter_rest#?}
  done
  sidemeter_escaped=$sidemeter_escaped$sidemeter_rest
}

# The same for HELP, where quotes stand for themselves.
sidemeter_escape_help() {
  sidemeter_help_rest=$1
  sidemeter_help_text=
  while :; do
    sidemeter_escape "${sidemeter_help_rest%%\"*}"
    sidemeter_help_text=$sidemeter_help_text$sidemeter_escaped
    case $sidemeter_help_rest in *\"*) ;; *) break ;; esac
    sidemeter_help_text="$sidemeter_help_text\""
    sidemeter_help_rest=${sidemeter_help_rest#*\"}
  done
  sidemeter_escaped=$sidemeter_help_text
}

# The clock, in sidemeter_microseconds: bash tells it; GNU date tells nanoseconds; others only seconds.
sidemeter_now() {
  sidemeter_clock=${EPOCHREALTIME-}
  [ -n "$sidemeter_clock" ] || sidemeter_clock=$(date +%s.%N)
  sidemeter_fraction=${sidemeter_clock#*[.,]}000000
  case $sidemeter_fraction in *[!0-9]*) sidemeter_fraction=000000 ;; esac
  sidemeter_fraction=${sidemeter_fraction%"${sidemeter_fraction#??????}"}
  sidemeter_microseconds=${sidemeter_clock%%[.,]*}$sidemeter_fraction
}

# ---- Sending ----

# A subshell does not send what its parent counted: it begins with nothing. `$$` is its parent's there, so bash or /proc
# tells the pid.
sidemeter_own() {
  if [ -n "${BASHPID-}" ]; then
    sidemeter_pid=$BASHPID
  elif [ -r /proc/self/stat ]; then
    read -r sidemeter_pid sidemeter_rest </proc/self/stat
  else
    sidemeter_pid=$$
  fi
  [ "$sidemeter_pid" != "$sidemeter_owner" ] || return 0
  if [ -n "$sidemeter_owner" ]; then
    sidemeter_forget
    sidemeter_reported=$sidemeter_dropped
  fi
  sidemeter_owner=$sidemeter_pid
}

# Adds up what can be added up; where that is not enough, sends. 1 where there is no room, which is found out again only
# 1000 events later.
sidemeter_make_room() {
  if [ "$sidemeter_full" -gt 0 ]; then
    sidemeter_full=$((sidemeter_full - 1))
    return 1
  fi
  sidemeter_add_up
  [ "$sidemeter_room" -le "$((${SIDEMETER_MAX_BUFFER:-65536} / 4))" ] || return 0
  sidemeter_flush
  [ "$sidemeter_room" -le "$((${SIDEMETER_MAX_BUFFER:-65536} / 4))" ] || return 0
  sidemeter_full=1000
  return 1
}

# Of each series one record, or two: what it was set to, and what was added since.
sidemeter_add_up() {
  sidemeter_records=$(printf %s "$sidemeter_records" | LC_ALL=C awk '
    {
      verb = substr($0, 1, 1)
      operand = ""
      series = substr($0, 3)
      if (verb !~ /[ix]/) {
        match(series, / [^ ]*$/)
        operand = substr(series, RSTART + 1)
        series = substr(series, 1, RSTART - 1)
      }
      key = verb " " series
      if (verb == "x") {
        for (i = 1; i <= 6; i++) forget(substr("cghsie", i, 1) " " series)
        removed[series] = 1
        removals[++removed_count] = series
        next
      }
      if (!(key in place)) {
        place[key] = ++count
        keys[count] = key
      }
      if (verb == "c") added[key] += operand
      else if (operand ~ /^[+]=/) added[key] += substr(operand, 3)
      else if (operand ~ /^-=/) added[key] -= substr(operand, 3)
      else if (verb ~ /[hs]/) {
        split(operand, observed, "*")
        if (!((key, observed[1]) in times)) values[key] = values[key] " " observed[1]
        times[key, observed[1]] += observed[2] == "" ? 1 : observed[2]
      } else if (verb != "i") {
        last[key] = operand
        if (verb == "g") delete added[key]
      }
    }
    function forget(key) {
      if (!(key in place)) return
      many = split(values[key], each, " ")
      for (j = 1; j <= many; j++) delete times[key, each[j]]
      delete keys[place[key]]
      delete place[key]
      delete added[key]
      delete last[key]
      delete values[key]
    }
    END {
      for (i = 1; i <= removed_count; i++) if (removals[i] in removed) {
        print "x " removals[i]
        delete removed[removals[i]]
      }
      for (i = 1; i <= count; i++) if (i in keys) {
        key = keys[i]
        verb = substr(key, 1, 1)
        if (verb == "i") print key
        if (key in last) print key " " last[key]
        if (key in added) print key " " (verb == "c" ? "" : "+=") sprintf("%.17g", added[key])
        many = split(values[key], each, " ")
        for (j = 1; j <= many; j++) print key " " each[j] "*" times[key, each[j]]
      }
    }')
  [ -z "$sidemeter_records" ] || sidemeter_records=$sidemeter_records$sidemeter_newline
  sidemeter_room=$((${SIDEMETER_MAX_BUFFER:-65536} - ${#sidemeter_records}))
}

# Sends what is kept. Without an agent it stays.
sidemeter_flush() {
  sidemeter_own
  [ -n "$sidemeter_records" ] || [ "$sidemeter_dropped" -gt "$sidemeter_reported" ] || return 0
  sidemeter_send || :
}

# sidemeter_flush_and_wait [SECONDS]: 0 when the agent has applied all, so that the next scrape shows it; 1 after so many
# whole seconds (SIDEMETER_TIMEOUT).
sidemeter_flush_and_wait() {
  sidemeter_left=${1:-${SIDEMETER_TIMEOUT:-1}}
  while sidemeter_own; do
    if sidemeter_send; then
      case $sidemeter_newline$sidemeter_replies in *"${sidemeter_newline}ok 1 "*) return 0 ;; esac
      return 1
    fi
    [ "$sidemeter_left" -gt 1 ] || return 1
    sidemeter_left=$((sidemeter_left - 1))
    sleep 1
  done
}

# One session. What a sender has taken is never sent again, whether the agent answers in time or not.
sidemeter_send() {
  sidemeter_new=$((sidemeter_dropped - sidemeter_reported))
  sidemeter_notice=
  [ "$sidemeter_new" -le 0 ] ||
    sidemeter_notice="c sidemeter_client_dropped_total{client=\"sidemeter-shell\"} $sidemeter_new$sidemeter_newline"
  sidemeter_transport
  sidemeter_status=0
  sidemeter_replies=$(printf '%s\n%s%s%ssync 1\n' "hello v=1 pid=$sidemeter_owner client=sidemeter-shell/0.1.0" \
    "$sidemeter_declarations" "$sidemeter_records" "$sidemeter_notice" | sidemeter_exchange 2>&1) || sidemeter_status=$?
  case $sidemeter_status:$sidemeter_replies in
    0:* | *"hello v=1"* | 2:*"does not answer"*) ;;
    *) return 1 ;;
  esac
  sidemeter_forget
  sidemeter_reported=$((sidemeter_reported + sidemeter_new))
}

sidemeter_forget() {
  sidemeter_records=
  sidemeter_room=${SIDEMETER_MAX_BUFFER:-65536}
}

sidemeter_transport() {
  [ -z "${SIDEMETER_SENDER-}" ] || return 0
  case $(nc -h 2>&1) in *'Shutdown the network socket after EOF'*) SIDEMETER_SENDER=nc; return 0 ;; esac
  if command -v socat >/dev/null; then SIDEMETER_SENDER=socat; else SIDEMETER_SENDER=push; fi
}

# Standard input to the agent, its replies to standard output.
sidemeter_exchange() {
  sidemeter_path=${SIDEMETER_SOCKET:-/run/sidemeter/sidemeter.sock}
  sidemeter_seconds=${SIDEMETER_TIMEOUT:-1}
  case $SIDEMETER_SENDER in
    nc) nc -NU -w "$sidemeter_seconds" "$sidemeter_path" ;;
    socat) socat -t "$sidemeter_seconds" -T "$sidemeter_seconds" - "UNIX-CONNECT:$sidemeter_path" ;;
    *) sidemeter push --timeout "$sidemeter_seconds" --socket "$sidemeter_path" ;;
  esac
}
