# shellcheck shell=bash
# Sets the stage of benches/run, which reads this: the person that everything is measured for, and others, who have
# stored more; the other helpers, with the same credentials; and whoever is asked for tokens.
#
# $stage is the directory, $person what goes before a command, and the ids in $running are killed in the end.

# A person with the credentials of five registries, as many as one has, and one token.
set_stage() {
  stage=$(mktemp --directory /tmp/scoped-bench.XXXXXX)
  # Goes before a command, and may be followed by more variables: a person with nothing in the environment but this.
  person=(env --ignore-environment PATH=/usr/bin:/bin "HOME=$stage/home" "XDG_DATA_HOME=$stage/data"
    "XDG_CONFIG_HOME=$stage/config" "XDG_CACHE_HOME=$stage/cache" "XDG_RUNTIME_DIR=$stage/runtime")
  mkdir --mode=700 "$stage"/{home,data,config,cache,runtime}
  printf 'https://index.docker.io/v1/\n' >"$stage/server"
  message "$(<"$stage/server")" >"$stage/message"
  printf 'registry.example.org\n' >"$stage/new-server"
  message "$(<"$stage/new-server")" >"$stage/new-message"
  start_token_server
  mkdir "$stage/config/docker-credential-scoped"
  write_settings
  fill 1 5 "$scoped"
  token=(token "$(<"$stage/registry")" --pull acme/app)
  # Finds out where tokens are had, and leaves one in the cache.
  "${person[@]}" "$scoped" "${token[@]}" >/dev/null
}

write_settings() {
  printf '{ "onUnavailable": "error" }\n' >"$stage/config/docker-credential-scoped/settings.json"
}

# One that is in the cache: the token server that issued it is gone before it is asked for again.
have_an_identity_token() {
  local server realm
  cargo build --quiet --locked --example token-server
  printf '127.0.0.1:5000\n' >"$stage/identity"
  printf '{ "services": ["registry"], "refreshTokens": true, "users": [{ "name": "ci", "password": "%s", "grants": [] }] }\n' \
    dckr_pat_abcdefghijklmnopqrstuvwxyz0 >"$stage/identity-server.json"
  mkfifo "$stage/identity-realm"
  "${CARGO_TARGET_DIR:-target}/debug/examples/token-server" --config "$stage/identity-server.json" \
    --root-certificate "$stage/identity-root.pem" >"$stage/identity-realm" &
  server=$!
  running+=("$server")
  read -r realm <"$stage/identity-realm"
  printf '{ "registries": { "127.0.0.1:5000": { "handOut": "identity-token", "realm": "%s", "service": "registry" } } }\n' \
    "$realm" >"$stage/config/docker-credential-scoped/settings.json"
  message 127.0.0.1:5000 | "${person[@]}" "$scoped" store
  "${person[@]}" "$scoped" get <"$stage/identity" | grep --quiet '"<token>"' || fail "no identity token was answered"
  kill "$server"
  wait "$server" || true
}

a_minute_passes() {
  touch --date='2 minutes ago' "$stage"/data/docker-credential-scoped/slots/*
}

# A registry that hands out tokens to whoever asks.
start_token_server() {
  compile token_server
  "$stage/token_server" >"$stage/registry" &
  running+=($!)
  until [[ -s $stage/registry ]]; do
    kill -0 $! || fail "the token server does not start"
    sleep 0.02
  done
}

# A pass with a key of its own that asks for no passphrase, and an unlocked keyring behind a session bus of its own.
start_peers() {
  "${person[@]}" gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
    --quick-generate-key bench default default never 2>"$stage/gpg"
  "${person[@]}" pass init bench >/dev/null
  local started
  mapfile -t started < <("${person[@]}" dbus-daemon --session --fork --print-address=1 --print-pid=1)
  bus=${started[0]}
  running+=("${started[1]}")
  printf 'password' | "${person[@]}" "DBUS_SESSION_BUS_ADDRESS=$bus" \
    gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>"$stage/keyring-daemon" &
  running+=($!)
  sleep 1
}

# Somebody whose key was put into the keyring by the first credential, and a bus that nobody serves on.
have_a_key_in_the_keyring() {
  local started
  mkdir --mode=700 "$stage"/{keyring,session}
  fill 1 5 "DBUS_SESSION_BUS_ADDRESS=$bus" "XDG_DATA_HOME=$stage/keyring" "XDG_RUNTIME_DIR=$stage/session" "$scoped"
  grep --quiet '"keyring"' "$stage/keyring/docker-credential-scoped/key" || fail "the keyring was not taken"
  printf '%s' "<busconfig><type>session</type><listen>unix:tmpdir=$stage</listen><auth>EXTERNAL</auth>" \
    '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>' \
    '</policy></busconfig>' >"$stage/bus.conf"
  mapfile -t started < <("${person[@]}" dbus-daemon --config-file="$stage/bus.conf" --fork --print-address=1 --print-pid=1)
  empty_bus=${started[0]}
  running+=("${started[1]}")
}

# Stores the credentials of some of the registries there are.
fill() { # FIRST LAST [VARIABLE=VALUE] HELPER
  local server
  while read -r server; do
    message "$server" | "${person[@]}" "${@:3}" store
  done < <(registries "$1" "$2")
}

registries() { # FIRST LAST
  {
    cat "$stage/server"
    printf '%s\n' ghcr.io quay.io registry.gitlab.com "$(<"$stage/registry")"
    seq --format 'registry%g.example.com' "$2"
  } | sed --quiet "$1,$2p"
}

# Makes of one who has stored so many credentials one who has stored more, and likewise of one who has cached so many
# tokens. The program itself writes them all. At each exchange it looks which of the cached ones have expired: so as to
# be done today, those that are there wait elsewhere.
grow() { # FROM TO
  local tokens=$stage/cached-$2/docker-credential-scoped/tokens waiting=$stage/waiting from last bucket
  cp --archive "$stage/of-$1" "$stage/of-$2"
  fill $(($1 + 1)) "$2" "XDG_DATA_HOME=$stage/of-$2" "$scoped"
  cp --archive "$stage/cached-$1" "$stage/cached-$2"
  mkdir "$waiting"
  for ((from = $1 + 1; from <= $2; from = last + 1)); do
    last=$((from + 999 < $2 ? from + 999 : $2))
    mv "$tokens" "$waiting/$from"
    seq --format 'acme/other%g' "$from" "$last" | "${person[@]}" "XDG_RUNTIME_DIR=$stage/cached-$2" \
      xargs --replace --max-procs=2 "$scoped" token "$(<"$stage/registry")" --pull '{}' >/dev/null
  done
  bucket=$(find "$tokens" -mindepth 1 -type d)
  find "$waiting" -type f -exec mv --target-directory="$bucket" '{}' +
  rm --recursive "$waiting"
  [[ $(find "$bucket" -type f | wc --lines) == "$2" ]] || fail "there are not $2 tokens in the cache"
}

message() { # SERVER
  printf '{"ServerURL":"%s","Username":"ci","Secret":"dckr_pat_abcdefghijklmnopqrstuvwxyz0"}' "$1"
}

# A program in Rust that does not need more than its standard library.
compile() { # NAME
  rustc --edition 2024 --target x86_64-unknown-linux-musl -C opt-level=3 -C lto=fat -C codegen-units=1 -C panic=abort \
    -C strip=symbols -o "$stage/$1" "benches/$1.rs"
}

# Where cargo has put a bench.
bench() { # NAME
  cargo bench --quiet --locked --bench "$1" --no-run --message-format=json |
    sed --quiet "s/.*\"name\":\"$1\".*\"executable\":\"\\([^\"]*\\)\".*/\\1/p"
}

# shellcheck disable=SC2317,SC2329 # The trap calls it.
clean() {
  [[ -n $stage ]] || return 0
  local process
  for process in "${running[@]}"; do
    kill "$process" 2>/dev/null || true
  done
  [[ ! -d $stage/home/.gnupg ]] || "${person[@]}" gpgconf --kill all
  rm --recursive --force "$stage"
}
