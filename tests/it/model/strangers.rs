//! Parsers that meet a stranger's bytes, each beside a few good examples of its own: the examples cut, doubled, spliced
//! and spoilt, and bytes of any kind. None may panic, and what is read must hold what its kind promises.
//!
//! `WA_GATEWAY_STRANGERS` asks for more than the usual 300 inputs a parser, `WA_GATEWAY_STRANGERS_SEED` for others; an
//! input that goes wrong is printed as short as it can be. Parsers that only their own room sees have such tests beside them;
//! what comes over HTTP as a whole is tried in `connectors::cloud_api::incoming::odd` and by `tests/fire`.

use crate::harness::longer;
use proptest::prelude::*;
use std::str::FromStr as _;
use wa_gateway::{
    dialects::threecx::template::TextTemplate,
    model::{
        clock::Time,
        csv,
        egress::{self, EgressEntry},
        emoji, file_name, lookalike, percent,
        phone::Phone,
    },
    ops::x509,
    people::media::token::Tokens,
    web::form::Fields,
};

/// How many inputs a parser gets, where somebody asks for more.
const STRANGERS: &str = "WA_GATEWAY_STRANGERS";

/// A parser with what is true of whatever it reads, and examples.
type Parser = (&'static str, fn(&str), &'static [&'static str]);

const PARSERS: &[Parser] = &[
    (
        "a list of phones",
        list,
        &["phone;why\n+966501234567;x\n", "\u{feff}\"+49 1511\"\t\"a\"\"b\"\r\n", "'=1+1\n0501,"],
    ),
    ("a phone", phone, &["+966501234567", "00966 50 123-4567", "٠٥٠١٢٣٤٥٦٧", "(0)50 123.45.67.0", "+55 11 98765-4321"]),
    ("a file's name", name, &["Invoice 2041.pdf", "../../etc/passwd", "a\u{202e}fdp.exe", ".htaccess", "חשבונית.pdf"]),
    (
        "Content-Disposition",
        disposition,
        &[
            "attachment; filename=\"a.pdf\"",
            "inline; filename*=UTF-8''%D7%A9.pdf; filename=b",
            "attachment;filename=\\\"x",
        ],
    ),
    ("an address's name", address, &["https://shop.example/f/inv-2041.pdf?x=1#y", "https://a/%2e%2e/%00", "x"]),
    ("percent", decoded, &["a%20b%2B", "%D7%A9%", "%zz%4", "%f0%9f%98%80"]),
    ("a form", form, &["a=1&b=2", "a=%D7%A9&a=+&&=x", "next=/%09/evil.example"]),
    ("a template of a telephone system", template, &["Hello {name}, you called {number}", "{{x}}", "{", "}{"]),
    ("an entry of who may be called", entry, &["127.0.0.1:5678", "[fd00::/8]:443 media", "n8n.lan:5678 accounts=3,7"]),
    ("a time", time, &["2026-06-01T08:00:00Z", "2026-02-30T24:00:61+99:99", "1780300000"]),
    ("a sign", sign, &["👍", "👩‍👩‍👧", "🏽", "1️⃣"]),
    ("a media token", token, &["AAAAAAAAAAQAAAGiTSr2vPh6fVLXN--fwj86CaivWb4TCZTvLOTvC5I9e3-AmSdb", "", "=="]),
];

fn list(text: &str) {
    let Ok(rows) = csv::phones(text) else { return };
    let cells = |row: &csv::CsvRow| vec![row.1.clone().into(), row.2.clone().unwrap_or_default().into()];
    // A list that was read is written and read again as it was. Its first line is a heading to whoever reads it.
    let written = csv::written(&["phone", "why"], rows.iter().map(cells));
    let again = csv::phones(&written).expect("it has rows");
    let told = |rows: &[csv::CsvRow]| -> Vec<_> { rows.iter().map(|row| (row.1.clone(), row.2.clone())).collect() };
    assert_eq!(told(&again), told(&rows), "{written:?}");
}

fn phone(text: &str) {
    for read in [Phone::known(text), Phone::without_zero(text, None)].into_iter().flatten() {
        assert!(read.as_str().starts_with('+') && (8..=15).contains(&read.digits().len()), "{read:?}");
        assert!(read.digits().bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(Phone::known(read.as_str()).as_ref(), Some(&read), "one spelling");
    }
}

fn is_plain_name(name: &str) {
    assert!(
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0', '\n', '\r']),
        "{name:?}"
    );
}

fn name(text: &str) {
    if let Some(clean) = file_name::clean(text) {
        is_plain_name(&clean);
        is_plain_name(&file_name::with_ending(&clean, "application/pdf"));
        assert_eq!(file_name::clean(&clean), Some(clean), "clean already");
    }
}

fn disposition(text: &str) {
    file_name::of_disposition(text).iter().for_each(|name| is_plain_name(name));
}

fn address(text: &str) {
    file_name::of_address(text).iter().for_each(|name| is_plain_name(name));
}

fn decoded(text: &str) {
    let (_, _) = (percent::decode_lossy(text), percent::decode_latin1(text));
    percent::decode(text);
    assert_eq!(percent::decode(&percent::encode(text)).as_deref(), Some(text));
    assert_eq!(percent::decode(&percent::encode_parameter(text)).as_deref(), Some(text));
}

fn form(text: &str) {
    let fields = Fields::parse(text);
    let again = Fields::parse(&fields.with("a", text));
    assert_eq!(again.raw("a"), text, "what is put in stands there");
}

fn template(text: &str) {
    drop(TextTemplate::parse(text));
}

fn entry(text: &str) {
    drop(EgressEntry::from_str(text));
    egress::net(text);
    egress::is_name(text);
}

fn time(text: &str) {
    if let Ok(read) = Time::parse(text) {
        assert_eq!(Time::parse(&read.rfc3339()).expect("its own words").seconds(), read.seconds());
    }
}

fn sign(text: &str) {
    emoji::is_one(text);
    lookalike::as_latin(text);
    lookalike::as_cyrillic(text);
}

fn token(text: &str) {
    assert!(Tokens::new(&[1; 32]).read(text).is_none(), "nobody has this key");
}

/// What is done to an example.
#[derive(Clone, Debug)]
enum Change {
    Spoil(u8),
    Remove(u8),
    Double(u8),
    Insert(&'static str),
    /// From here on, what another example has there.
    Splice(usize),
}

/// What parsers stumble over.
const STONES: [&str; 16] = [
    "\0",
    "%",
    "%00",
    "\"",
    "'",
    "\u{feff}",
    "\u{202e}",
    "\u{fb03}",
    "٣",
    "é",
    "😀",
    "\r\n",
    "..",
    "-1",
    "18446744073709551616",
    "\\",
];

fn spoilt(examples: &'static [&'static str]) -> impl Strategy<Value = String> {
    let change = prop_oneof![
        any::<u8>().prop_map(Change::Spoil),
        (1_u8..8).prop_map(Change::Remove),
        (1_u8..40).prop_map(Change::Double),
        prop::sample::select(&STONES[..]).prop_map(Change::Insert),
        any::<usize>().prop_map(Change::Splice),
    ];
    let changed = (prop::sample::select(examples), prop::collection::vec((any::<usize>(), change), 0..6)).prop_map(
        move |(example, changes)| {
            let mut bytes = example.as_bytes().to_vec();
            for (at, change) in changes {
                let at = at % (bytes.len() + 1);
                let end = |n: u8| (at + usize::from(n)).min(bytes.len());
                match change {
                    Change::Spoil(byte) => bytes.get_mut(at).into_iter().for_each(|b| *b = byte),
                    Change::Remove(n) => drop(bytes.drain(at..end(n))),
                    Change::Double(n) => {
                        let piece = bytes[at..end(n)].to_vec();
                        bytes.splice(at..at, piece);
                    }
                    Change::Insert(stone) => drop(bytes.splice(at..at, stone.bytes())),
                    Change::Splice(which) => {
                        let other = examples[which % examples.len()].as_bytes();
                        bytes.truncate(at);
                        bytes.extend_from_slice(&other[at.min(other.len())..]);
                    }
                }
            }
            String::from_utf8_lossy(&bytes).into_owned()
        },
    );
    prop_oneof![4 => changed, 1 => "(?s).{0,60}"]
}

#[test]
fn no_stranger_breaks_a_parser() {
    let mut runner = longer::runner(STRANGERS, 300);
    for (what, parse, examples) in PARSERS {
        let done = runner.run(&spoilt(examples), |text| {
            parse(&text);
            Ok(())
        });
        done.unwrap_or_else(|e| panic!("{what}: {e}"));
    }
}

#[test]
fn no_bytes_break_the_reading_of_a_certificate() {
    let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).expect("a name");
    params.distinguished_name.push(rcgen::DnType::CommonName, "a.example");
    let made = params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a certificate").der().to_vec();
    let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 1..6);
    let done = longer::runner(STRANGERS, 300).run(&(changes, any::<usize>()), |(changes, end)| {
        let mut der = made.clone();
        for (at, byte) in changes {
            let at = at % der.len();
            der[at] = byte;
        }
        der.truncate(end % (2 * der.len()));
        let (_, _) = (x509::facts(&der), x509::common_name(&der).map(str::len));
        Ok(())
    });
    done.unwrap_or_else(|e| panic!("{e}"));
}
