//! Lists of numbers that people bring in: CSV with commas, semicolons or tabs, quotes where a field needs them, and an
//! optional heading line. Columns: phone, then (optionally) a name or a reason, unless the heading says otherwise.

use crate::model::{
    csv_heading::{self, CsvColumns},
    why::{Why, why},
};
use std::borrow::Cow;

/// A line's number (from 1), its phone as written, and its second column.
pub type CsvRow = (usize, String, Option<String>);

/// Most lines of one file.
const MAX_ROWS: usize = 200_000;

/// Reads the rows. The phones are not judged here: each list says itself what it leaves out.
///
/// # Errors
/// A file without a single row, one with a quote that does not end, or one that is too long.
pub fn phones(text: &str) -> Result<Vec<CsvRow>, Why> {
    let text = text.trim_start_matches('\u{feff}');
    let separator = separator(text);
    let mut rows = Vec::new();
    let (mut is_first, mut columns) = (true, CsvColumns::first());
    for (line, fields) in records(text, separator)? {
        if fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if std::mem::take(&mut is_first)
            && let Some(headed) = heading_columns(&fields)?
        {
            columns = headed;
            continue;
        }
        let cell = |at: usize| fields.get(at).map(|field| unguarded(field.trim()).to_owned());
        let more = columns.more.and_then(cell).filter(|field| !field.is_empty());
        let mut phones: Vec<String> = columns.phones.iter().filter_map(|at| cell(*at)).collect();
        phones.retain(|phone| !phone.is_empty());
        if phones.is_empty() {
            phones.push(String::new());
        }
        rows.extend(phones.into_iter().map(|phone| (line, phone, more.clone())));
        if rows.len() > MAX_ROWS {
            return Err(why!("list_long", "the file has more than {most} lines: import it in parts", most = MAX_ROWS));
        }
    }
    if rows.is_empty() {
        return Err(why!(
            "list_empty",
            "the file has no line with a phone number: without a heading that says otherwise the first column is the phone"
        ));
    }
    Ok(rows)
}

/// Where a heading has its columns; none: the line is no heading. One has no digit where the number should be, or nowhere,
/// or names a number.
fn heading_columns(fields: &[String]) -> Result<Option<CsvColumns>, Why> {
    if let Some(columns) = CsvColumns::of(fields) {
        return Ok(Some(columns));
    }
    let has_digit = |field: &String| field.chars().any(char::is_numeric);
    let is_named = fields.first().is_some_and(|field| !field.trim().is_empty() && !has_digit(field));
    if !is_named && fields.iter().any(has_digit) {
        return Ok(None);
    }
    if fields.first().is_some_and(|first| csv_heading::is_of_another_kind(first)) {
        let first = fields[0].trim().chars().take(40).collect::<String>();
        return Err(why!(
            "list_heading",
            "the heading names no column of phone numbers, and the first one is called {first}: call the one with the \
             numbers phone",
            first = first
        ));
    }
    Ok(Some(CsvColumns::first()))
}

/// A CSV text that a spreadsheet takes for text and nothing else: a cell that it would calculate (`=`, `+`, `-`, `@`,
/// `|`, tab, an end of line, and their fullwidth forms) begins with an apostrophe. Reading takes it off again, so that a list that was written is read back
/// as it was, phones with their `+` included.
pub fn written<'a>(columns: &[&str], rows: impl Iterator<Item = Vec<Cow<'a, str>>>) -> String {
    let mut out = heading(columns);
    rows.for_each(|row| out.push_str(&line(&row)));
    out
}

/// The first line of such a text, for one that is written piece by piece.
pub fn heading(columns: &[&str]) -> String {
    format!("{}\r\n", columns.join(","))
}

/// Another line of it.
pub fn line(row: &[Cow<'_, str>]) -> String {
    let cells: Vec<String> = row.iter().map(|cell| guarded(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// Also as East Asian programs write them, which some spreadsheets take for the same, and `|`, with which some call
/// another program.
const CALCULATED: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '＝', '＋', '－', '＠'];

fn guarded(cell: &str) -> String {
    let apostrophe = if cell.starts_with(CALCULATED) { "'" } else { "" };
    let text = format!("{apostrophe}{cell}");
    let needs_quotes = text.contains(['"', ',', ';', '\n', '\r', '\t']);
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(CALCULATED)).unwrap_or(cell)
}

fn separator(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    [';', '\t'].into_iter().find(|c| first.contains(*c)).unwrap_or(',')
}

type Record = (usize, Vec<String>);

fn records(text: &str, separator: char) -> Result<Vec<Record>, Why> {
    let mut all = Vec::new();
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let (mut line, mut begun) = (1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.trim().is_empty() => quoted = !quoted,
            '\n' if !quoted => {
                line += 1;
                fields.push(std::mem::take(&mut field));
                all.push((begun, std::mem::take(&mut fields)));
                begun = line;
            }
            '\r' if !quoted => {}
            c if c == separator && !quoted => fields.push(std::mem::take(&mut field)),
            c => {
                line += usize::from(c == '\n');
                field.push(c);
            }
        }
    }
    if quoted {
        return Err(why!("list_quote", "line {line}: a quote begins that does not end", line = begun));
    }
    fields.push(field);
    all.push((begun, fields));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_spreadsheet_might_calculate_is_text_and_read_back_as_it_was() {
        for cell in ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "|calc", "＝1+1", "＋1", "－1", "＠SUM(1)"] {
            let written = line(&[cell.into()]);
            assert!(written.trim_start_matches('"').starts_with('\''), "{cell:?}: {written:?}");
            assert_eq!(unguarded(&format!("'{cell}")), cell);
        }
        assert_eq!(line(&["Sara = 1".into()]), "Sara = 1\r\n", "only at the beginning");
    }

    #[test]
    fn the_usual_spellings_of_a_list_are_read() {
        let row = |line, phone: &str, more: Option<&str>| (line, phone.to_owned(), more.map(str::to_owned));
        let rows: &[(&str, Vec<CsvRow>)] = &[
            ("+966501234567", vec![row(1, "+966501234567", None)]),
            (
                "phone,name\n+1 202-555-0101,Amal\r\n\n00966501234567,\n",
                vec![row(2, "+1 202-555-0101", Some("Amal")), row(4, "00966501234567", None)],
            ),
            (
                "phone 1,name,phone 2\n+966512000050,Sara,+966512000051\n",
                vec![row(2, "+966512000050", Some("Sara")), row(2, "+966512000051", Some("Sara"))],
            ),
            (
                "\u{feff}Telefon;Name\n0501234567;\"Müller; \"\"Hans\"\"\"",
                vec![row(2, "0501234567", Some("Müller; \"Hans\""))],
            ),
        ];
        for (text, found) in [
            ("order_id,phone\n12025550143,+966512000050\n", row(2, "+966512000050", None)),
            ("Name;Telefon\nSara;+966512000050\n", row(2, "+966512000050", Some("Sara"))),
            ("date,reason,mobile\n2026-01-02,asked,+966512000050", row(2, "+966512000050", Some("asked"))),
            ("Kontakt\n+966512000050", row(2, "+966512000050", None)),
            ("+966512000050,WhatsApp", row(1, "+966512000050", Some("WhatsApp"))),
        ] {
            assert_eq!(phones(text), Ok(vec![found]), "{text}");
        }
        for text in ["order id,customer\n12025550143,Sara", "Name,City\n+966512000050,Riyadh", "email\na@b.example"] {
            assert!(phones(text).is_err_and(|why| why.to_string().contains("called")), "{text}");
        }
        for (text, expected) in rows {
            assert_eq!(phones(text).as_ref(), Ok(expected), "{text}");
        }
        // What is no heading is a line, whatever is wrong with it: whoever reads the list says what.
        for (text, lines) in [
            ("phone,mobile\n,+966560010036\n+966560010037,\n", &[2, 3][..]),
            ("phone\nabc\n+966501234567", &[2, 3]),
            ("phone,address 2\n+966501234567,x\n", &[2]),
            ("phone,name\n,Ann\n\n+966501234567", &[2, 4]),
            (",+966501234567", &[1]),
            ("phone,name,city\n,,Riyadh\n", &[2]),
        ] {
            let found: Vec<usize> = phones(text).expect("rows").into_iter().map(|(line, ..)| line).collect();
            assert_eq!(found, lines, "{text}");
        }
        let rows: [Vec<Cow<'_, str>>; 2] = [
            vec!["+966501234567".into(), "=HYPERLINK(\"http://x\")".into()],
            vec!["+12025550101".into(), "asked, twice;\n\"please\"".into()],
        ];
        let out = written(&["phone", "reason"], rows.into_iter());
        assert!(out.starts_with("phone,reason\r\n'+966501234567,\"'=HYPERLINK"), "{out}");
        let back = phones(&out).expect("it is read back");
        assert_eq!(back[0], row(2, "+966501234567", Some("=HYPERLINK(\"http://x\")")));
        assert_eq!(back[1].2.as_deref(), Some("asked, twice;\n\"please\""));
        assert!(phones("").is_err() && phones("phone,name\n").is_err() && phones("\"+966").is_err());
    }
}
