# shellcheck shell=bash
# The table that benches/run prints, and the one that it was before. benches/run reads this.

# Where it stands what was measured before.
readonly recorded=benches/README.md

# Prints one row, and says on stderr what of it breaks the run. Limits are upper ones unless the last word is `least`.
hold() { # FIGURE MEASURED LIMIT [least]
  local held=yes bound="at most $3" before
  [[ -n $2 ]] || fail "no figure for $1"
  if [[ $3 == - ]]; then
    held='' bound=''
  elif [[ ${4-} == least ]]; then
    bound="at least $3"
    is_within "$3" "$2" || held=NO
  else
    is_within "$2" "$3" || held=NO
  fi
  row "$1" "$bound" "$2" "$held"
  if [[ $held == NO && $(cell "$recorded" "$1" 4) != NO ]]; then
    complain "$1: $2, and is to be $bound"
  fi
  if [[ $1 == *", instructions" || $1 == *", system calls" ]]; then
    before=$(cell "$recorded" "$1" 3)
    if [[ -z $before ]]; then
      complain "$1: $2, and $recorded does not say what it was"
    elif ! is_within $((100 * $2)) $((105 * before)); then
      complain "$1: $2, more than 5 % over the $before in $recorded"
    fi
  fi
}

is_within() { # NUMBER MOST
  awk -v number="$1" -v most="$2" 'BEGIN { exit !(number + 0 <= most + 0) }'
}

complain() {
  printf 'benches/run: %s\n' "$1" >&2
  failed=1
}

group() { row "**$1**" '' '' ''; }

row() { # CELL...
  printf '| %s | %s | %s | %s |\n' "$@" | tee --append "$stage/table"
}

# What stands in a table in the row of a figure.
cell() { # FILE FIGURE COLUMN
  awk -F ' *[|] *' -v figure="$2" -v column="$3" '$2 == figure { print $(column + 1) }' "$1"
}

measured() { cell "$stage/table" "$1" 3; }

# Puts the table that was printed in place of the one that was recorded before.
record() {
  awk -v table="$stage/table" '
    /^[|] Figure / { while ((getline line <table) > 0) print line; old = 1 }
    !/^[|]/ { old = 0 }
    !old' "$recorded" >"$stage/recorded"
  cp "$stage/recorded" "$recorded"
}
