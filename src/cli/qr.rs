//! A QR code in the terminal: half a character for each module, dark on light whatever the terminal's colours.

use super::output;
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::Value;

/// Modules of white around a code.
const QUIET: i32 = 2;
/// Black on white, and back to what it was.
const COLOURS: (&str, &str) = ("\x1b[30;47m", "\x1b[0m");

/// Prints the code of `instance pair` for people; for programs the value is passed on to be printed.
pub(super) fn shown(value: Value, json: bool) -> Option<Value> {
    let Some(qr) = value["qr"].as_str().filter(|_| !json) else { return Some(value) };
    match drawn(qr) {
        Some(picture) => output::line(&picture),
        None => output::line(qr),
    }
    if let Some(code) = value["code"].as_str() {
        output::line(&format!("or type this code on the phone: {code}"));
    }
    let until = value["expires_at"].as_str().unwrap_or_default();
    output::line(&format!("WhatsApp, Linked devices, Link a device; good until {until}"));
    None
}

/// Two rows of modules a line; none for a text that no QR code holds.
fn drawn(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let edge = -QUIET..code.size() + QUIET;
    let mut out = String::new();
    for y in edge.clone().step_by(2) {
        out.push_str(COLOURS.0);
        for x in edge.clone() {
            out.push(match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push_str(COLOURS.1);
        out.push('\n');
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_module_for_module() {
        let code = QrCode::encode_text("2@code", QrCodeEcc::Low).expect("short");
        let picture = drawn("2@code").expect("a picture");
        let rows: Vec<Vec<char>> = picture
            .lines()
            .map(|l| l.trim_start_matches(COLOURS.0).trim_end_matches(COLOURS.1).chars().collect())
            .collect();
        let side = usize::try_from(code.size() + 2 * QUIET).expect("small");
        assert!(rows.len() == side.div_ceil(2) && rows.iter().all(|r| r.len() == side));
        for y in 0..code.size() {
            for x in 0..code.size() {
                let (row, column) =
                    (usize::try_from(y + QUIET).expect("small"), usize::try_from(x + QUIET).expect("small"));
                let shown = rows[row / 2][column];
                let dark = if row % 2 == 0 { "█▀" } else { "█▄" }.contains(shown);
                assert_eq!(dark, code.get_module(x, y), "{x},{y}");
            }
        }
        assert!(drawn(&"x".repeat(5000)).is_none());
    }
}
