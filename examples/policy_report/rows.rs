//! Labelled messages in tab-separated files, and the rules as the files have them, for the programs that measure and fit the
//! content policy.
//!
//! A file has a heading line that names the columns `label`, `language` and `text`, and may have `source` (whose words
//! they are) and `group` (rows of group `b` are for measuring only). Other columns are passed over.

use std::{error::Error, fs, io, path::Path};
use wa_gateway::sending::policy::content::{BUILT_IN, ContentPolicy};

/// One message.
#[derive(Clone, Debug)]
pub struct Row {
    /// `transactional`, `chat`, `marketing` or `spam`; in files for fitting also `greeting` and `closing`.
    pub label: String,
    /// Its language's code.
    pub language: String,
    /// The message.
    pub text: String,
    /// Who wrote it; the file's name where the file does not say.
    pub source: String,
    /// Whether the file says who wrote it: such a source can be left out.
    pub is_sourced: bool,
    /// Kept for measuring: of group `b`.
    pub is_held_back: bool,
}

/// The rules of the files below `assets/policy`, so that a change of them shows before its phrases are packed.
pub fn rules() -> Result<ContentPolicy, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policy");
    let read = |name: &&str| Ok::<_, io::Error>(((*name).to_owned(), fs::read_to_string(folder.join(name))?));
    Ok(ContentPolicy::of_files(&BUILT_IN.iter().map(read).collect::<Result<Vec<_>, _>>()?)?)
}

impl Row {
    /// Whether the label is one of what ought to be refused.
    pub fn is_bad(&self) -> bool {
        matches!(self.label.as_str(), "spam" | "marketing")
    }

    /// Whether an advertisement makes an explicit offer: it names a price, a percentage, a discount, a gift or a sale. The
    /// list is blind to scores.
    pub fn is_offer(&self) -> bool {
        const STEMS: [&str; 66] = [
            "%",
            "٪",
            "€",
            "$",
            "£",
            "₺",
            "₪",
            "₹",
            "₽",
            " tl",
            "rp",
            "руб",
            "ريال",
            "ש\"ח",
            "discount",
            " off",
            "sale",
            "free",
            "gift",
            "voucher",
            "خصم",
            "تخفيض",
            "عرض",
            "عروض",
            "مجان",
            "هدية",
            "هدايا",
            "rabatt",
            "gutschein",
            "gratis",
            "kostenlos",
            "angebot",
            "reduziert",
            "geschenk",
            "descuento",
            "oferta",
            "promo",
            "regalo",
            "rebaja",
            "grátis",
            "gratuit",
            "desconto",
            "brinde",
            "presente",
            "liquida",
            "remise",
            "réduction",
            "offert",
            "offre",
            "solde",
            "cadeau",
            "sconto",
            "omaggio",
            "saldi",
            "diskon",
            "potongan",
            "hadiah",
            "murah",
            "indirim",
            "ücretsiz",
            "kampanya",
            "hediye",
            "скидк",
            "бесплатн",
            "подар",
            "הנחה",
        ];
        const MORE: [&str; 9] = ["fırsat", "bedava", "акци", "распродаж", "מבצע", "חינם", "מתנה", "offerta", "coupon"];
        let text = self.text.to_lowercase();
        STEMS.iter().chain(&MORE).any(|stem| text.contains(stem))
    }
}

/// Reads `files`.
///
/// # Errors
/// A file that cannot be read, a heading without one of the three columns, a line that is too short.
pub fn read(files: &[String]) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
        rows.extend(parse(file, &text)?);
    }
    Ok(rows)
}

fn parse(file: &str, text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or("").split('\t').map(str::trim).collect();
    let place = |name: &str| heading.iter().position(|h| *h == name);
    let needed = |name: &str| place(name).ok_or_else(|| format!("{file}: the heading line has no column {name:?}"));
    let (label, language, body) = (needed("label")?, needed("language")?, needed("text")?);
    let (source, group) = (place("source"), place("group"));
    let name = file.rsplit('/').next().unwrap_or(file);
    let is_wanted = |line: &&str| !line.trim().is_empty();
    let row = |(n, line): (usize, &str)| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |i: usize| cells.get(i).copied().ok_or_else(|| format!("{file}, line {}: too few columns", n + 2));
        Ok(Row {
            label: cell(label)?.to_owned(),
            language: cell(language)?.to_owned(),
            text: cell(body)?.to_owned(),
            source: source.map_or(Ok(name), cell)?.to_owned(),
            is_sourced: source.is_some(),
            is_held_back: group.map_or(Ok(""), cell)? == "b",
        })
    };
    lines.filter(is_wanted).enumerate().map(row).collect()
}

/// A share of `n` in per cent with its 95 % interval (Wilson's), as text: "0.50 % (0.2–1.1)".
pub fn share(k: u32, n: u32) -> String {
    if n == 0 {
        return "–".to_owned();
    }
    let (k, n, z) = (f64::from(k), f64::from(n), 1.96);
    let p = k / n;
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
    format!("{:.2} % ({:.1}–{:.1})", p * 100.0, (middle - half).max(0.0) * 100.0, (middle + half).min(1.0) * 100.0)
}
