//! The three things that the gateway must know of a certificate and that rustls does not tell: when it is good, whether
//! it vouches for itself, and whom it names.
//!
//! Only the outermost structure is read (RFC 5280, 4.1), strictly; nothing here judges whether it is to be trusted. A
//! whole parser was not taken for two dates and a name.

use crate::model::clock::Time;

/// What a certificate says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CertificateFacts {
    /// Good from.
    pub not_before: Time,
    /// Good until.
    pub not_after: Time,
    /// Issuer and subject are the same.
    pub self_issued: bool,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const UTF8_TEXT: u8 = 0x0c;
const PRINTABLE_TEXT: u8 = 0x13;
/// 2.5.4.3, `commonName` (X.520).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Reads a certificate in DER; none when it is not one.
pub fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let (issuer, mut validity, subject) = outline(der)?;
    let (not_before, not_after) = (validity.time()?, validity.time()?);
    Some(CertificateFacts { not_before, not_after, self_issued: issuer == subject })
}

/// The common name of a certificate's subject; none when it has not exactly one, or one that is no plain text.
pub fn common_name(der: &[u8]) -> Option<&str> {
    let (_, _, subject) = outline(der)?;
    let mut names = Der(subject);
    let mut found = None;
    while !names.0.is_empty() {
        let mut set = Der(names.take(SET)?);
        while !set.0.is_empty() {
            let mut pair = Der(set.take(SEQUENCE)?);
            if pair.take(OBJECT)? == COMMON_NAME {
                let tag = *pair.0.first()?;
                let name = matches!(tag, UTF8_TEXT | PRINTABLE_TEXT).then(|| pair.take(tag)).flatten()?;
                if found.replace(std::str::from_utf8(name).ok()?).is_some() {
                    return None;
                }
            }
        }
    }
    found
}

/// Issuer, dates and subject, as they stand there.
fn outline(der: &[u8]) -> Option<(&[u8], Der<'_>, &[u8])> {
    let certificate = Der(der).take(SEQUENCE)?;
    let mut fields = Der(Der(certificate).take(SEQUENCE)?);
    if fields.0.first() == Some(&VERSION) {
        fields.take(VERSION)?;
    }
    fields.take(INTEGER)?;
    fields.take(SEQUENCE)?;
    let issuer = fields.take(SEQUENCE)?;
    let validity = Der(fields.take(SEQUENCE)?);
    Some((issuer, validity, fields.take(SEQUENCE)?))
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The contents of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(contents)
    }

    /// `YYMMDDHHMMSSZ`, from 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
    fn time(&mut self) -> Option<Time> {
        let tag = *self.0.first()?;
        let text = std::str::from_utf8(self.take(tag)?).ok()?;
        let full = match tag {
            UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
            GENERALIZED_TIME => text.to_owned(),
            _ => return None,
        };
        let part = |from: usize, to: usize| full.get(from..to);
        let (date, time) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
        let is_utc = full.len() == 15 && full.ends_with('Z');
        let text = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2);
        Time::parse(&text).ok().filter(|_| is_utc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};

    #[test]
    fn dates_and_issuers_are_read_as_they_were_written() {
        for (from, until) in [((1999, 12, 31), (2049, 12, 31)), ((2026, 1, 1), (2050, 1, 1))] {
            let mut params = CertificateParams::new(vec!["a.example".to_owned()]).expect("a name");
            params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
            params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
            let made = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
            let facts = facts(made.der()).expect("read");
            let day = |(y, m, d): (i32, u8, u8)| format!("{y}-{m:02}-{d:02}T00:00:00Z");
            assert_eq!((facts.not_before.rfc3339(), facts.not_after.rfc3339()), (day(from), day(until)));
            assert!(facts.self_issued);
        }
        let mut authority = CertificateParams::new(Vec::new()).expect("no name");
        authority.distinguished_name.push(DnType::CommonName, "An Authority");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an issuer");
        let params = CertificateParams::new(vec!["a.example".to_owned()]).expect("a name");
        let made = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
        assert!(!facts(made.der()).expect("read").self_issued);
    }

    #[test]
    fn a_common_name_is_the_only_one_of_the_subject() {
        let made = |names: &[&str]| {
            let mut params = CertificateParams::new(vec!["b.example".to_owned()]).expect("a name");
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::OrganizationName, "CN=a.example");
            for (at, name) in names.iter().enumerate() {
                // rcgen keeps one of each type; an unknown type is told by its number, and so may be the same one again.
                let kind = if at == 0 { DnType::CommonName } else { DnType::CustomDnType(vec![2, 5, 4, 3]) };
                params.distinguished_name.push(kind, *name);
            }
            params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate")
        };
        assert_eq!(common_name(made(&["a.example"]).der()), Some("a.example"));
        assert_eq!(common_name(made(&[]).der()), None);
        assert_eq!(common_name(made(&["a.example", "b.example"]).der()), None, "two");
    }

    #[test]
    fn what_is_cut_or_none_is_none() {
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, "a.example");
        let made = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
        let der = made.der();
        for cut in 0..der.len() {
            assert_eq!((facts(&der[..cut]), common_name(&der[..cut])), (None, None), "{cut}");
        }
        assert_eq!(facts(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(facts(b"-----BEGIN CERTIFICATE-----"), None);
    }
}
