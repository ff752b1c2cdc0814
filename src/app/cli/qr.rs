//! A QR code in the terminal: half a character for each module, dark on light whatever the terminal's colours.

use super::output;
use qrcode::{Color, EcLevel, QrCode};
use serde_json::Value;

/// Modules of white around a code.
const QUIET: usize = 2;
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
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let (side, modules) = (code.width(), code.to_colors());
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < side);
        inside(x).zip(inside(y)).is_some_and(|(x, y)| modules[y * side + x] == Color::Dark)
    };
    let full = side + 2 * QUIET;
    let mut out = String::new();
    for y in (0..full).step_by(2) {
        out.push_str(COLOURS.0);
        for x in 0..full {
            out.push(match (is_dark(x, y), is_dark(x, y + 1)) {
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
        let code = QrCode::with_error_correction_level("2@code", EcLevel::L).expect("short");
        let picture = drawn("2@code").expect("a picture");
        let rows: Vec<Vec<char>> = picture
            .lines()
            .map(|l| l.trim_start_matches(COLOURS.0).trim_end_matches(COLOURS.1).chars().collect())
            .collect();
        let side = code.width() + 2 * QUIET;
        assert!(rows.len() == side.div_ceil(2) && rows.iter().all(|r| r.len() == side));
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (row, column) = (at / code.width() + QUIET, at % code.width() + QUIET);
            let dark = if row % 2 == 0 { "█▀" } else { "█▄" }.contains(rows[row / 2][column]);
            assert_eq!(dark, color == Color::Dark, "{row},{column}");
        }
        let edge = rows[0].iter().chain(rows.iter().map(|r| &r[0]));
        assert!(edge.into_iter().all(|c| *c == ' '), "white around it");
        assert!(drawn(&"x".repeat(5000)).is_none());
    }
}
