//! Lists of numbers that people bring in: CSV with commas, semicolons or tabs, quotes where a field needs them, and an
//! optional heading line. Columns: phone, then (optionally) a name or a reason.

/// A line's number (from 1), its phone as written, and its second column.
pub type Row = (usize, String, Option<String>);

/// Most lines of one file.
const MAX_ROWS: usize = 200_000;

/// Reads the rows. The phones are not judged here: each list says itself what it leaves out.
///
/// # Errors
/// A file without a single row, one with a quote that does not end, or one that is too long.
pub fn phones(text: &str) -> Result<Vec<Row>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let separator = separator(text);
    let mut rows = Vec::new();
    for (line, fields) in records(text, separator)? {
        let mut fields = fields.into_iter();
        let phone = fields.next().unwrap_or_default().trim().to_owned();
        let more = fields.next().map(|f| f.trim().to_owned()).filter(|f| !f.is_empty());
        // A heading has no digit where the number should be.
        let is_heading = rows.is_empty() && !phone.chars().any(char::is_numeric);
        if phone.is_empty() && more.is_none() || is_heading {
            continue;
        }
        rows.push((line, phone, more));
        if rows.len() > MAX_ROWS {
            return Err(format!("the file has more than {MAX_ROWS} lines: import it in parts"));
        }
    }
    if rows.is_empty() {
        return Err("the file has no line with a phone number: the first column is the phone".into());
    }
    Ok(rows)
}

fn separator(text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    [';', '\t'].into_iter().find(|c| first.contains(*c)).unwrap_or(',')
}

type Record = (usize, Vec<String>);

fn records(text: &str, separator: char) -> Result<Vec<Record>, String> {
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
        return Err(format!("line {begun}: a quote begins that does not end"));
    }
    fields.push(field);
    all.push((begun, fields));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_of_a_list_are_read() {
        let row = |line, phone: &str, more: Option<&str>| (line, phone.to_owned(), more.map(str::to_owned));
        let rows: &[(&str, Vec<Row>)] = &[
            ("+966501234567", vec![row(1, "+966501234567", None)]),
            (
                "phone,name\n+1 202-555-0101,Amal\r\n\n00966501234567,\n",
                vec![row(2, "+1 202-555-0101", Some("Amal")), row(4, "00966501234567", None)],
            ),
            (
                "\u{feff}Telefon;Name\n0501234567;\"Müller; \"\"Hans\"\"\"",
                vec![row(2, "0501234567", Some("Müller; \"Hans\""))],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(phones(text).as_ref(), Ok(expected), "{text}");
        }
        assert!(phones("").is_err() && phones("phone,name\n").is_err() && phones("\"+966").is_err());
    }
}
