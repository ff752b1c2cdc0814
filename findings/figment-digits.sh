#!/bin/bash
# A setting of text that happens to be all digits, or the word true, cannot be given in the environment.
#
# Package: figment 0.10.19 (crates), provider `Env`
# Expected: the field is a `String`, so the variable's text arrives. POSIX.1-2017, Base Definitions 8.1: the value of an
#   environment variable is a string of characters; there are no other types.
# Seen:
#   expected: the first three as they are
#   seen, figment 0.10.19: abc123 -> abc123
#   seen, figment 0.10.19: 00123456 -> refused, invalid type: found unsigned int `123456`, expected a string
#   seen, figment 0.10.19: true -> refused, invalid type: found bool true, expected a string
#   seen, figment 0.10.19: "00123456" -> 00123456
# Why it matters for a WhatsApp gateway: phone_number_id, verify tokens, PINs and passwords are often digits only.
#   Without a leading letter the program does not start, and where the value is turned back into text the leading zeros
#   are gone (see the number in the message). The value has to be written with quotes inside, which nobody guesses; such
#   fields need an own way of reading them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"
[dependencies]
figment = { version = "=0.10.19", features = ["env"] }
serde = { version = "=1.0.228", features = ["derive"] }
TOML
cat > src/main.rs <<'RUST'
use figment::{providers::Env, Figment};

#[derive(serde::Deserialize)]
struct Settings {
    verify_token: String,
}

fn main() {
    let mut seen = Vec::new();
    for value in ["abc123", "00123456", "true", "\"00123456\""] {
        std::env::set_var("GATEWAY_VERIFY_TOKEN", value);
        let read = Figment::from(Env::prefixed("GATEWAY_")).extract::<Settings>();
        seen.push(match read {
            Ok(settings) => format!("{value} -> {}", settings.verify_token),
            Err(error) => format!("{value} -> refused, {}", error.kind),
        });
    }
    println!("expected: the first three as they are");
    for line in &seen {
        println!("seen, figment 0.10.19: {line}");
    }
    let refused = seen.iter().map(|line| line.contains("refused")).collect::<Vec<_>>();
    std::process::exit(if refused == [false, true, true, false] { 0 } else { 1 });
}
RUST
cargo run -q
