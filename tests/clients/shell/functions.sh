# What the conformance runner cannot see: functions.sh CASE FOLDER RUN RUNS SHELL. FOLDER is the agent's, RUN is unlike any
# other's, RUNS counts those of this case, SHELL runs this. Prints what is wrong, and exits 1.
set -eu
. "$(dirname "$0")/../../../client/shell/sidemeter.sh"

fail() { printf '%s\n' "$*"; exit 1; }
same() { [ "$1" = "$2" ] || fail "wanted [$1], got [$2]"; }
sample() { curl -s "$(cat "$2/url")" | awk -v series="$1" '{ value = $NF; sub(/ [^ ]*$/, "") } $0 == series { print value }'; }
nl='
'

case $1 in
  records)
    sidemeter_define gauge depth help='Waiting.'
    sidemeter_define summary size_bytes unit=bytes
    sidemeter_inc jobs_total
    sidemeter_inc 'jobs_total{code="200"}' 2
    sidemeter_inc jobs_total 1.5 queue 'a "b"\c'"${nl}d{},e " code ''
    sidemeter_inc depth 2
    sidemeter_dec depth 1 queue mail
    sidemeter_set depth -1e3
    sidemeter_set depth +Inf
    sidemeter_observe job_seconds 0.25
    sidemeter_observe size_bytes 10
    sidemeter_info build version 1.2
    sidemeter_state phase running
    sidemeter_remove depth queue mail
    sidemeter_remove depth
    same 'c jobs_total 1
c jobs_total{code="200"} 2
c jobs_total{queue="a \"b\"\\c\nd{},e ",code=""} 1.5
g depth +=2
g depth{queue="mail"} -=1
g depth -1e3
g depth +Inf
h job_seconds 0.25
s size_bytes 10
i build{version="1.2"}
e phase running
x depth{queue="mail"}
x depth
' "$sidemeter_records"
    same 0 "$sidemeter_dropped" ;;

  wrong_events)
    wanted=0
    for amount in '' - one -1 1e 1e1.5 1.2.3 nan 0x10 '1 2' "1${nl}2"; do
      sidemeter_inc c "$amount"
      wanted=$((wanted + 1))
      same "$wanted" "$sidemeter_dropped"
    done
    sidemeter_observe h NaN
    sidemeter_set g
    sidemeter_state e 'a b'
    sidemeter_inc "a${nl}c b"
    sidemeter_inc c 1 label_without_value
    same "$((wanted + 5))" "$sidemeter_dropped"
    same '' "$sidemeter_records" ;;

  definitions)
    sidemeter_define histogram h_seconds help='Say "x".
C:\' unit=seconds buckets='0.1 1 10' labels='code'
    sidemeter_define histogram h_seconds help='Say "x".
C:\' unit=seconds buckets='0.1 1 10' labels='code'
    same '# TYPE h_seconds histogram
# HELP h_seconds Say "x".\nC:\\
# UNIT h_seconds seconds
# BUCKETS h_seconds 0.1 1 10
' "$sidemeter_declarations"
    refused() { ! sidemeter_define "$@" 2>/dev/null || fail "taken: $*"; }
    refused gauge h_seconds
    refused counter 9lives
    refused counter ''
    refused counter 'a b'
    refused counter sidemeter_x
    refused timer x
    refused counter x labels='__a'
    refused counter x labels='a a-b'
    refused histogram x labels=le
    refused summary x labels=quantile
    refused histogram x buckets='2 1'
    refused histogram x buckets='1 one'
    refused gauge x unit='m/s'
    refused stateset x
    refused gauge x mode=sum
    case $(sidemeter_define counter 9lives 2>&1) in *'must match'*'"9lives"'*) ;; *) fail 'no words' ;; esac ;;

  add_up)
    for i in 1 2 3; do
      sidemeter_inc c 2
      sidemeter_inc 'c{l="a b"}' 0.5
      sidemeter_observe h 2
      sidemeter_add_up
    done
    sidemeter_observe h 3
    sidemeter_records="${sidemeter_records}g g 5${nl}g g +=2${nl}g g -=4${nl}g s +=1${nl}g s 7${nl}"
    sidemeter_records="${sidemeter_records}g gone 1${nl}x gone${nl}c back 5${nl}x back${nl}c back 1${nl}"
    sidemeter_records="${sidemeter_records}e p up${nl}e p down${nl}i b{v=\"1\"}${nl}i b{v=\"1\"}${nl}"
    sidemeter_records="${sidemeter_records}h hx 1${nl}x hx${nl}h hx 1${nl}"
    sidemeter_add_up
    same 'x gone
x back
x hx
c c 6
c c{l="a b"} 1.5
h h 2*3
h h 3*1
g g 5
g g +=-2
g s 7
c back 1
e p down
i b{v="1"}
h hx 1*1
' "$sidemeter_records" ;;

  time)
    sidemeter_time t_seconds sleep 0.2
    value=${sidemeter_records#h t_seconds }
    awk "BEGIN { exit !(0.19 < ${value%"$nl"} && ${value%"$nl"} < 20) }" || fail "took $value"
    status=0
    sidemeter_time t_seconds sh -c 'exit 7' || status=$?
    same 7 "$status"
    inner() { sidemeter_time inner_seconds sleep 0.1; }
    sidemeter_records=
    sidemeter_time outer_seconds inner
    case $sidemeter_records in "h inner_seconds 0."*"h outer_seconds 0."*) ;; *) fail "nested: $sidemeter_records" ;; esac ;;

  bounded)
    SIDEMETER_SOCKET=/nonexistent SIDEMETER_MAX_BUFFER=2000
    sidemeter_forget
    i=0
    while [ $i -lt 400 ]; do
      sidemeter_inc c 1 n "$i"
      sidemeter_inc d
      i=$((i + 1))
    done
    [ "${#sidemeter_records}" -lt 2100 ] || fail "${#sidemeter_records} characters"
    [ "$sidemeter_dropped" -gt 0 ] || fail 'nothing was dropped'
    sidemeter_add_up
    kept=$(printf %s "$sidemeter_records" | awk '{ sum += $NF } END { print sum }')
    same 800 "$((kept + sidemeter_dropped))" ;;

  sent)
    # In a pipeline and in a subshell nothing of the parent's is sent again.
    SIDEMETER_SOCKET=$2/s.sock
    sidemeter_flush_and_wait 10 || fail 'no barrier'
    sidemeter_inc "c_$3" 5
    (sidemeter_inc "c_$3" 7; sidemeter_flush_and_wait 10)
    printf '1\n2\n' | { while read -r n; do sidemeter_inc "c_$3" "$n"; done; sidemeter_flush; }
    (sidemeter_flush)
    sidemeter_inc "c_$3" -1
    sidemeter_flush
    sidemeter_flush_and_wait 10 || fail 'no barrier'
    same 15.0 "$(sample "c_${3}_total" "$2")"
    # One a run, and $4 have been.
    same "$4.0" "$(sample 'sidemeter_client_dropped_total{client="sidemeter-shell"}' "$2")" ;;

  no_agent)
    # Nothing is lost while there is none, and an absent one ends no script.
    SIDEMETER_SOCKET=$2/absent.sock
    sidemeter_inc c 3
    sidemeter_flush
    same "c c 3$nl" "$sidemeter_records"
    ! sidemeter_flush_and_wait 1 || fail 'a barrier without an agent' ;;

  stopped)
    # What the kernel has taken is not sent again, though no answer came.
    SIDEMETER_SOCKET=$2/s.sock
    kill -STOP "$(cat "$2/pid")"
    sidemeter_inc "stopped_$3" 3
    status=0
    sidemeter_flush_and_wait 1 || status=$?
    kill -CONT "$(cat "$2/pid")"
    same 1 "$status"
    same '' "$sidemeter_records"
    sidemeter_flush_and_wait 10
    same 3.0 "$(sample "stopped_${3}_total" "$2")" ;;

  example)
    export SIDEMETER_SOCKET="$2/s.sock"
    example=$(dirname "$0")/../../../client/shell/example.sh
    seen=$(sample 'backups_total{result="done"}' "$2")
    seen=${seen%.*}
    seen=${seen:-0}
    mkdir -p "$2/data"
    $5 "$example" "$2/data" "$2/backup $3.tar"
    [ -s "$2/backup $3.tar" ] || fail 'no backup'
    same "$((seen + 1)).0" "$(sample 'backups_total{result="done"}' "$2")"
    ! $5 "$example" "$2/none" "$2/none.tar" 2>/dev/null || fail 'status 0'
    same "$((seen + 1)).0" "$(sample 'backups_total{result="failed"}' "$2")"
    same "$((2 * seen + 2)).0" "$(sample backup_seconds_count "$2")" ;;

  live)
    # The README's way: a session lasts as long as a command does.
    { printf '# MODE jobs_running_%s livesum\ng jobs_running_%s 1\n' "$3" "$3"; sleep 1; } | nc -NU "$2/s.sock" &
    sleep 0.5
    same 1.0 "$(sample "jobs_running_$3" "$2")"
    wait
    same '' "$(sample "jobs_running_$3" "$2")" ;;

  *) fail 'no such case' ;;
esac
