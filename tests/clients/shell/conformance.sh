# Obeys the commands of ../README.md with the functions of client/shell. `skip` for what a shell does not do: a timer of its
# own, threads, thousands of series in a variable, and modes whose values live as long as a session.
set -u
. "$(dirname "$0")/../../../client/shell/sidemeter.sh"
trap sidemeter_flush EXIT

decode() { printf -v decoded %b "${1//%/\\x}"; }

# The label pairs of LABELS, in `pairs`.
take_labels() {
  local pair
  pairs=()
  [ "$1" != - ] || return 0
  local IFS=,
  for pair in $1; do
    decode "${pair#*=}"
    pairs+=("${pair%%=*}" "$decoded")
  done
}

define() {
  local words=()
  case $7 in
    - | last) ;;
    sum | min | max | mostrecent | all | live*) echo "skip: each flush is a session of its own"; return ;;
    *) echo error; return ;;
  esac
  [ "$3" = - ] || { decode "$3"; words+=("help=$decoded"); }
  [ "$4" = - ] || words+=("labels=${4//,/ }")
  [ "$5" = - ] || words+=("unit=$5")
  [ "$6" = - ] || words+=("buckets=${6//,/ }")
  [ "$8" = - ] || words+=("states=${8//,/ }")
  decode "$2"
  if sidemeter_define "$1" "$decoded" "${words[@]}"; then echo ok; else echo error; fi
}

# The longest of COUNT calls, in microseconds.
repeat() {
  local count=$1 longest=0 start took
  while ((count-- > 0)); do
    start=${EPOCHREALTIME/[.,]/}
    sidemeter_inc "$2" 1 "${pairs[@]}"
    took=$((${EPOCHREALTIME/[.,]/} - start))
    ((took <= longest)) || longest=$took
  done
  echo "$longest"
}

fork() {
  (
    count=$1
    while ((count-- > 0)); do sidemeter_inc "$2" 1 "${pairs[@]}"; done
    sidemeter_flush_and_wait 10
  ) && echo ok
}

while IFS=$'\t' read -r -a words; do
  set -- "${words[@]:1}"
  case ${words[0]} in
    define) define "$@"; continue ;;
    repeat) take_labels "$3"; repeat "$@"; continue ;;
    fork) take_labels "$3"; fork "$@"; continue ;;
    wait) if sidemeter_flush_and_wait "${1%.*}"; then echo true; else echo false; fi; continue ;;
    dropped) echo "$sidemeter_dropped"; continue ;;
    exit) exit 0 ;;
    flush) sidemeter_flush; echo ok; continue ;;
    sleep | threads | many) echo "skip: a shell has none"; continue ;;
  esac
  take_labels "$2"
  case ${words[0]} in
    inc) sidemeter_inc "$1" "$3" "${pairs[@]}" ;;
    dec) sidemeter_dec "$1" "$3" "${pairs[@]}" ;;
    set) sidemeter_set "$1" "$3" "${pairs[@]}" ;;
    observe) sidemeter_observe "$1" "$3" "${pairs[@]}" ;;
    time) sidemeter_time "$1" : ;;
    info) sidemeter_info "$1" "${pairs[@]}" ;;
    state) sidemeter_state "$1" "$3" "${pairs[@]}" ;;
    remove) sidemeter_remove "$1" "${pairs[@]}" ;;
  esac
  echo ok
done
